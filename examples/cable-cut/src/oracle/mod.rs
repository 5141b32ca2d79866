//! What should have become of everything: computed from the journals, apart from the fold.
//!
//! The journals say what was written and acknowledged; the versions' headers say only who had seen what.
//! From these two follows what every document must show, by the text of the formats and by no code of the
//! library: [`judge`] compares it with what every device does show.

mod history;
mod merge;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use self::history::History;
use self::merge::{Event, Expected, expect};
use crate::journal::{Entry, VersionRow};
use crate::state::State;

pub(crate) use verdict::Verdict;

/// A device's testimony.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    /// As people call it.
    pub(crate) name: String,
    pub(crate) journal: Vec<Entry>,
    pub(crate) state: State,
}

/// Compares what the devices show with what they must.
pub(crate) fn judge(witnesses: &[Witness]) -> Verdict {
    let mut verdict = Verdict::default();
    let history = History::new(witnesses, &mut verdict);
    missing(witnesses, &history, &mut verdict);
    causality(&history, &mut verdict);
    let mut known: BTreeMap<(&str, Vec<&str>), (Expected<'_>, bool)> = BTreeMap::new();
    let mut conflicts = BTreeSet::new();
    for witness in witnesses {
        let mut documents: BTreeMap<&str, Vec<&VersionRow>> = BTreeMap::new();
        for row in witness.state.versions.values() {
            documents.entry(&row.document).or_default().push(row);
        }
        for document in witness.state.documents.keys().filter(|id| !documents.contains_key(id.as_str())) {
            verdict.wrong(format!("{} shows {document} and holds no version of it", witness.name));
        }
        for (document, rows) in documents {
            let key = (document, rows.iter().map(|row| row.cid.as_str()).collect());
            let (expected, raced) = known.entry(key).or_insert_with(|| expected_of(&rows, &history));
            compare(witness, document, expected, *raced, &mut verdict);
            if !expected.contested.is_empty() {
                conflicts.insert(document);
            }
        }
    }
    verdict.conflicts = conflicts.len();
    verdict
}

/// Every acknowledged write is held by every device.
fn missing(witnesses: &[Witness], history: &History<'_>, verdict: &mut Verdict) {
    verdict.acknowledged = history.acknowledged.len();
    for (cid, by) in &history.acknowledged {
        let lacks: Vec<&str> = witnesses
            .iter()
            .filter(|witness| !witness.state.versions.contains_key(*cid))
            .map(|witness| witness.name.as_str())
            .collect();
        if !lacks.is_empty() {
            verdict
                .missing(format!("{by} was told that {cid} is written, and {} has it not", lacks.join(", ")));
        }
    }
}

/// A version follows what its author had seen, as far as the formats make it name that: with eight parents
/// or more it may leave heads out.
fn causality(history: &History<'_>, verdict: &mut Verdict) {
    for (cid, written) in &history.written {
        let Some(row) = history.rows.get(cid) else { continue };
        if row.parents.len() >= MOST_PARENTS {
            continue;
        }
        let ancestors = history.ancestors(cid);
        for seen in written.seen.iter().filter(|seen| !ancestors.contains(seen.as_str())) {
            verdict.wrong(format!("{cid} does not follow {seen}, which its author had seen"));
        }
    }
}

/// What a device must show that holds these versions, and whether an `update` ran into an arrival, so that
/// what it had seen is not exactly known.
fn expected_of<'a>(rows: &[&'a VersionRow], history: &History<'a>) -> (Expected<'a>, bool) {
    let mut raced = false;
    let events: Vec<Event<'a>> = rows
        .iter()
        .filter_map(|row| {
            let written = history.written.get(row.cid.as_str())?;
            raced |= written.raced;
            Some(Event {
                cid: &row.cid,
                stamp: row.stamp,
                replica: &row.replica,
                how: written.how,
                ops: written.ops,
                seen: history.ancestors(&row.cid),
            })
        })
        .collect();
    (expect(&events), raced)
}

fn compare(witness: &Witness, document: &str, expected: &Expected<'_>, raced: bool, verdict: &mut Verdict) {
    let shown = witness.state.documents.get(document);
    let name = &witness.name;
    let (fields, shown) = match (&expected.fields, shown) {
        (None, None) => return,
        (None, Some(_)) => return verdict.wrong(format!("{name} shows {document}, which is deleted")),
        (Some(_), None) => return verdict.wrong(format!("{name} does not show {document}, which is there")),
        (Some(fields), Some(shown)) => (fields, shown),
    };
    let none = serde_json::Map::new();
    let values = shown.value.as_object().unwrap_or(&none);
    let names: BTreeSet<&str> = fields.keys().copied().chain(values.keys().map(String::as_str)).collect();
    for field in names {
        let (should, does) = (fields.get(field), values.get(field));
        if should != does {
            let text = |value: Option<&Json>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            let (should, does) = (text(should), text(does));
            verdict.wrong(format!("{name} shows {does} as {field} of {document}, where {should} is right"));
        }
    }
    if !raced && shown.conflicts == expected.contested.is_empty() {
        let contested = expected.contested.join(", ");
        verdict.wrong(format!(
            "{name} says conflicts {} of {document}; contested: {contested}",
            shown.conflicts
        ));
    }
}

/// Parents from which on a version need not name every head.
const MOST_PARENTS: usize = 8;
