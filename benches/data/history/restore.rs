//! G15-restore: any version of a long history, read.

use civic_benches_data::{Fields, Random, SEED, edits, shown};
use civic_figures::{Outcome, ROUNDS, Series, cpu, figure, progress, same};
use civic_types::Cid;

use crate::{History, VERSIONS};

/// Versions that are read in a round.
const READ: usize = 100;

pub fn run() -> Outcome {
    progress("restore");
    let edits = edits(VERSIONS, &mut Random(SEED));
    let History { document, versions, .. } = History::new(&edits)?;
    let mut random = Random(SEED);
    let mut some = || random.below(VERSIONS);
    let picked: Vec<usize> = (0..READ).map(|_| some()).collect();
    for at in &picked {
        let written = edits.iter().take(at + 1);
        let fields: Fields = written.map(|edit| (edit.field.to_owned(), edit.value.to_string())).collect();
        same("a version", &shown(document.at(&[cid(&versions, *at)])?.view().as_ref()), &fields)?;
    }
    let restore = |at: &usize| cpu(|| document.at(&[cid(&versions, *at)]).map(|past| past.view())).1 / 1e6;
    let (mut worst, mut middle) = (Series::default(), Series::default());
    picked.iter().for_each(|at| {
        restore(at);
    });
    for _ in 0..ROUNDS {
        let mut spent: Vec<f64> = picked.iter().map(restore).collect();
        spent.sort_by(f64::total_cmp);
        worst.push(spent[READ - 1]);
        middle.push(spent[READ / 2]);
    }
    figure("G15-restore", "the worst of 100 of 10 000 versions: state and view", "ms", &worst);
    figure("G15-restore-median", "their median", "ms", &middle);
    Ok(())
}

fn cid(versions: &[civic_crdt::version::pack::PackedVersion], at: usize) -> Cid {
    versions[at].version.cid().clone()
}
