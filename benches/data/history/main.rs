//! Histories beside their peers: G13 to G15, and opening a long one.
//!
//! `cargo bench --bench history -- edit pack many load restore open` runs only those parts. Every edit changes one of
//! eight fields; edits follow from a seed, so byte figures are the same in every run; times are the processor's.

mod edit;
mod load;
mod pack;
mod restore;

use civic_benches_data::{Author, Change};
use civic_crdt::Document;
use civic_crdt::version::pack::PackedVersion;
use civic_figures::{Outcome, busy, figure};
use civic_types::item::ReplicaRecord;

/// Versions of one document by one author.
const VERSIONS: usize = 10_000;

fn main() -> Outcome {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let parts: [(&str, fn() -> Outcome); 6] = [
        ("edit", edit::run),
        ("pack", pack::run),
        ("many", pack::run_many),
        ("load", load::run),
        ("restore", restore::run),
        ("open", load::run_long),
    ];
    for (_, run) in parts.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name)) {
        run()?;
    }
    figure("load", "processes that wanted to run at the end", "processes", &busy()?);
    Ok(())
}

/// One author's document, and all its versions; the last is signed.
struct History {
    document: Document,
    record: ReplicaRecord,
    versions: Vec<PackedVersion>,
}

impl History {
    fn new(edits: &[Change]) -> Outcome<Self> {
        let (mut author, mut document) = (Author::new(1), Document::default());
        let key = Author::key("household/00000001")?;
        let mut versions = Vec::with_capacity(edits.len());
        for edit in edits {
            versions.push(author.edit(&mut document, &key, std::slice::from_ref(edit))?);
        }
        versions.last_mut().into_iter().for_each(|last| author.sign(last));
        Ok(Self { document, record: author.record, versions })
    }
}
