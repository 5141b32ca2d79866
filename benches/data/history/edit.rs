//! G13: one edit after the other, each a version of its own.

use automerge::Automerge;
use civic_benches_data::{
    Author, Change, Random, SEED, automerge as in_automerge, edits, loro as in_loro, shown,
};
use civic_crdt::Document;
use civic_figures::{Outcome, beside, cpu, progress, rounds, same};
use loro::LoroDoc;

use crate::{History, VERSIONS};

const WHAT: &str = "10 000 edits of one document: an edit, its version and the CID";

pub fn run() -> Outcome {
    progress("edit");
    let edits = edits(VERSIONS, &mut Random(SEED));
    let ours = History::new(&edits)?;
    same("versions", &ours.document.len(), &VERSIONS)?;
    let fields = shown(ours.document.view().as_ref());
    let (doc, _) = automerge(&edits)?;
    same("the document in automerge", &fields, &in_automerge::shown(&doc))?;
    same("its changes", &doc.get_changes(&[]).len(), &VERSIONS)?;
    same("the document in loro", &fields, &in_loro::shown(&loro(&edits)?.0))?;

    let each = |spent: Outcome<f64>| spent.map_or(f64::NAN, |spent| spent / VERSIONS as f64);
    let write_ours = || each(write(&edits));
    let (a, b) = rounds(write_ours, || each(loro(&edits).map(|(_, spent)| spent)));
    beside("G13-loro", WHAT, "ns", &a, "loro 1.17, no hash", &b);
    let (a, b) = rounds(write_ours, || each(automerge(&edits).map(|(_, spent)| spent)));
    beside("G13-automerge", WHAT, "ns", &a, "automerge 0.12", &b);
    Ok(())
}

/// Writes and keeps all versions; the processor's nanoseconds.
fn write(edits: &[Change]) -> Outcome<f64> {
    let (mut author, mut document) = (Author::new(1), Document::default());
    let key = Author::key("household/00000001")?;
    let mut versions = Vec::with_capacity(edits.len());
    let write = || {
        edits.iter().try_for_each(|edit| {
            versions.push(author.edit(&mut document, &key, std::slice::from_ref(edit))?);
            Outcome::Ok(())
        })
    };
    let (written, spent) = cpu(write);
    written.map(|()| spent)
}

fn automerge(edits: &[Change]) -> Outcome<(Automerge, f64)> {
    let mut doc = Automerge::new().with_actor(in_automerge::writer(1));
    let change = |edit| in_automerge::change(&mut doc, std::slice::from_ref(edit)).map(drop);
    let (written, spent) = cpu(|| edits.iter().try_for_each(change));
    written.map(|()| (doc, spent))
}

fn loro(edits: &[Change]) -> Outcome<(LoroDoc, f64)> {
    let doc = LoroDoc::new();
    doc.set_peer_id(1)?;
    let change = |edit| in_loro::change(&doc, std::slice::from_ref(edit));
    let (written, spent) = cpu(|| edits.iter().try_for_each(change));
    written.map(|()| (doc, spent))
}
