use std::collections::{BTreeMap, BTreeSet};

use super::{Verdict, Witness};
use crate::journal::{Entry, VersionRow};
use crate::write::{How, Op, Write};

/// Who wrote what, and who had seen what.
#[derive(Debug, Default)]
pub(super) struct History<'a> {
    /// Acknowledged versions, with their author's name.
    pub(super) acknowledged: BTreeMap<&'a str, &'a str>,
    /// Every version that a journal explains.
    pub(super) written: BTreeMap<&'a str, Written<'a>>,
    /// Every version that is held anywhere or was acknowledged.
    pub(super) rows: BTreeMap<&'a str, &'a VersionRow>,
}

/// What a version was made of.
#[derive(Debug)]
pub(super) struct Written<'a> {
    pub(super) how: How,
    pub(super) ops: &'a [Op],
    pub(super) seen: &'a [String],
    /// An update whose parents are not exactly the heads that were read before it.
    pub(super) raced: bool,
}

impl<'a> History<'a> {
    pub(super) fn new(witnesses: &'a [Witness], verdict: &mut Verdict) -> Self {
        let mut history = Self::default();
        for witness in witnesses {
            for (cid, row) in &witness.state.versions {
                if history.rows.insert(cid, row).is_some_and(|other| other != row) {
                    verdict.wrong(format!("two devices hold different headers as {cid}"));
                }
            }
        }
        for witness in witnesses {
            for entry in &witness.journal {
                if let Some(made) = &entry.made {
                    history.acknowledged(witness, entry, made, verdict);
                }
            }
        }
        for witness in witnesses {
            for entry in witness.journal.iter().filter(|entry| entry.made.is_none()) {
                history.in_flight(witness, entry, verdict);
            }
        }
        let unexplained = history.rows.keys().filter(|cid| !history.written.contains_key(*cid));
        for cid in unexplained {
            verdict.wrong(format!("nobody wrote the version {cid}"));
        }
        history
    }

    /// All versions that this one follows.
    pub(super) fn ancestors(&self, cid: &str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = vec![cid];
        while let Some(next) = open.pop() {
            for parent in self.rows.get(next).into_iter().flat_map(|row| &row.parents) {
                if found.insert(parent.as_str()) {
                    open.push(parent);
                }
            }
        }
        found
    }

    fn acknowledged(
        &mut self,
        witness: &'a Witness,
        entry: &'a Entry,
        made: &'a [VersionRow],
        verdict: &mut Verdict,
    ) {
        for intended in &entry.writes {
            let write = &intended.write;
            let Some(row) = made.iter().find(|row| row.document == write.document) else {
                // Deleting what is not there is the one write that may come to nothing.
                if write.how != How::Delete {
                    let name = &witness.name;
                    verdict.missing(format!(
                        "{name}'s commit {} made no version of {}",
                        entry.number, write.document
                    ));
                }
                continue;
            };
            if self.rows.insert(&row.cid, row).is_some_and(|held| held != row) {
                verdict.wrong(format!("{} is not held as it was acknowledged", row.cid));
            }
            self.acknowledged.insert(&row.cid, &witness.name);
            self.explain(row, write, &intended.seen);
        }
        for row in made.iter().filter(|row| !entry.writes.iter().any(|w| w.write.document == row.document)) {
            verdict.wrong(format!("{}'s commit {} changed {}", witness.name, entry.number, row.document));
        }
    }

    /// A commit without acknowledgement counts if and only if its versions are there: all of them or none.
    fn in_flight(&mut self, witness: &'a Witness, entry: &'a Entry, verdict: &mut Verdict) {
        let replica = &witness.state.replica;
        let unexplained: Vec<&'a VersionRow> = self
            .rows
            .values()
            .filter(|row| row.replica == *replica && !self.written.contains_key(row.cid.as_str()))
            .copied()
            .collect();
        let find = |document: &str| unexplained.iter().find(|row| row.document == document).copied();
        let found: Vec<_> = entry.writes.iter().filter_map(|w| Some((w, find(&w.write.document)?))).collect();
        if found.is_empty() {
            verdict.gone += 1;
            return;
        }
        let effective = entry.writes.iter().filter(|w| w.write.how != How::Delete).count();
        if found.len() < effective {
            let (got, of) = (found.len(), entry.writes.len());
            verdict
                .wrong(format!("{}'s commit {} is torn: {got} of {of} writes", witness.name, entry.number));
        }
        verdict.kept += 1;
        for (intended, row) in found {
            self.explain(row, &intended.write, &intended.seen);
        }
    }

    fn explain(&mut self, row: &'a VersionRow, write: &'a Write, seen: &'a [String]) {
        let same = row.parents.iter().collect::<BTreeSet<_>>() == seen.iter().collect();
        let raced = write.how == How::Update && !same;
        self.written.insert(&row.cid, Written { how: write.how, ops: &write.ops, seen, raced });
    }
}
