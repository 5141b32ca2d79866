//! The expected merge of one document, field by field, from the text of the formats.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::write::{How, Op};

/// One version of a document.
#[derive(Clone, Debug)]
pub(super) struct Event<'a> {
    pub(super) cid: &'a str,
    pub(super) stamp: (u64, u16),
    pub(super) replica: &'a str,
    pub(super) how: How,
    pub(super) ops: &'a [Op],
    /// Every version that its author had seen.
    pub(super) seen: BTreeSet<&'a str>,
}

/// What must be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Expected<'a> {
    /// The fields; none if the document is not there.
    pub(super) fields: Option<BTreeMap<&'a str, Json>>,
    /// Fields with more than one plain value that nobody has settled.
    pub(super) contested: Vec<&'a str>,
}

/// A write of a plain value, ordered as the formats order them.
type Claim<'a, T> = ((u64, u16), &'a str, usize, T);

pub(super) fn expect<'a>(events: &[Event<'a>]) -> Expected<'a> {
    let present = claims(events, |event| Some((0, event.how != How::Delete)));
    if !present.iter().max().is_some_and(|(_, _, _, present)| *present) {
        return Expected::default();
    }
    let mut expected = Expected { fields: Some(BTreeMap::new()), contested: Vec::new() };
    let names: BTreeMap<&str, &Op> = events.iter().flat_map(|e| e.ops).map(|op| (name(op), op)).collect();
    for (field, op) in names {
        let value = match op {
            Op::Set { .. } => {
                let claims = claims(events, |event| assigned(event, field));
                if claims.len() > 1 {
                    expected.contested.push(field);
                }
                claims.into_iter().max().map(|(_, _, _, value)| Json::from(value))
            }
            Op::Increment { .. } => counter(events, field),
            Op::Add { .. } | Op::Remove { .. } => list(add_wins(events, field)),
            Op::Append { .. } => list(appended(events, field)),
        };
        if let (Some(value), Some(fields)) = (value, &mut expected.fields) {
            fields.insert(field, value);
        }
    }
    expected
}

/// The writes of one register that nobody who wrote it later had seen.
fn claims<'a, T>(events: &[Event<'a>], of: impl Fn(&Event<'a>) -> Option<(usize, T)>) -> Vec<Claim<'a, T>> {
    let writers: Vec<&Event<'a>> = events.iter().filter(|event| of(event).is_some()).collect();
    let standing = writers.iter().filter(|event| !writers.iter().any(|later| later.seen.contains(event.cid)));
    standing
        .filter_map(|event| of(event).map(|(at, value)| (event.stamp, event.replica, at, value)))
        .collect()
}

fn assigned<'a>(event: &Event<'a>, field: &str) -> Option<(usize, &'a str)> {
    event.ops.iter().enumerate().find_map(|(at, op)| match op {
        Op::Set { field: name, value } if name == field => Some((at, value.as_str())),
        _ => None,
    })
}

/// Everybody's increments, whatever they had seen.
fn counter(events: &[Event<'_>], field: &str) -> Option<Json> {
    let increments: Vec<i128> = events
        .iter()
        .flat_map(|event| event.ops)
        .filter_map(|op| match op {
            Op::Increment { field: name, by } if name == field => Some(i128::from(*by)),
            _ => None,
        })
        .collect();
    let sum = increments.iter().sum::<i128>().clamp(i64::MIN.into(), i64::MAX.into());
    (!increments.is_empty()).then(|| Json::from(i64::try_from(sum).unwrap_or_default()))
}

/// What was added and not removed by somebody who had seen it added.
fn add_wins<'a>(events: &[Event<'a>], field: &str) -> BTreeSet<&'a str> {
    let mut added: Vec<(&str, &'a str)> = Vec::new();
    let mut removes: Vec<(&Event<'a>, &str)> = Vec::new();
    for event in events {
        for op in event.ops {
            match op {
                Op::Add { field: name, value } if name == field => added.push((event.cid, value)),
                Op::Remove { field: name, value } if name == field => removes.push((event, value)),
                _ => {}
            }
        }
    }
    let removed =
        |cid: &str, value: &str| removes.iter().any(|(by, what)| *what == value && by.seen.contains(cid));
    added.into_iter().filter(|(cid, value)| !removed(cid, value)).map(|(_, value)| value).collect()
}

fn appended<'a>(events: &[Event<'a>], field: &str) -> BTreeSet<&'a str> {
    let all = events.iter().flat_map(|event| event.ops);
    all.filter_map(|op| match op {
        Op::Append { field: name, value } if name == field => Some(value.as_str()),
        _ => None,
    })
    .collect()
}

/// Ascending by canonical bytes, which put the shorter text first; an empty set is not shown.
fn list(values: BTreeSet<&str>) -> Option<Json> {
    let mut values: Vec<&str> = values.into_iter().collect();
    values.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    (!values.is_empty()).then(|| Json::from(values))
}

fn name(op: &Op) -> &str {
    match op {
        Op::Add { field, .. }
        | Op::Append { field, .. }
        | Op::Increment { field, .. }
        | Op::Remove { field, .. }
        | Op::Set { field, .. } => field,
    }
}
