use std::ops::Range;

use civic_types::value::Int;
use civic_types::{FieldOp, FieldPath, Map, Value, cbor};

use crate::error::Error;

/// Applies changes to a plain value, literally: a set is a list of distinct values ascending by their
/// canonical bytes, a counter an integer, a text or list that is spliced a plain one.
///
/// # Errors
///
/// [`Error::InvalidRequest`] where a change does not fit what stands at its path.
pub(super) fn apply(value: &mut Value, ops: &[FieldOp]) -> Result<(), Error> {
    ops.iter().try_for_each(|op| apply_one(value, op))
}

fn apply_one(document: &mut Value, op: &FieldOp) -> Result<(), Error> {
    match op {
        FieldOp::Set { path, value } => *slot(document, path)? = value.clone(),
        FieldOp::Clear { path } => *slot(document, path)? = Value::Map(Map::new()),
        FieldOp::Unset { path } => unset(document, path)?,
        FieldOp::Increment { path, by } => {
            let counter = slot(document, path)?;
            let old = match counter {
                Value::Null => 0,
                Value::Int(old) => old.get(),
                _ => return Err(Error::InvalidRequest { what: "only a number can be incremented" }),
            };
            let new = Int::try_from(old.saturating_add((*by).into()));
            *counter = Value::Int(new.map_err(|_| Error::InvalidRequest { what: "the counter overflows" })?);
        }
        FieldOp::Add { path, value } | FieldOp::Append { path, value } => {
            let mut elements = set(slot(document, path)?)?;
            elements.push(value.clone());
            *slot(document, path)? = Value::List(distinct(elements)?);
        }
        FieldOp::Remove { path, value } => {
            if document.get(path.segments()).is_some() {
                let mut elements = set(slot(document, path)?)?;
                elements.retain(|element| element != value);
                *slot(document, path)? = Value::List(elements);
            }
        }
        FieldOp::Splice { path, index, remove, insert } => {
            let place = slot(document, path)?;
            if place.is_null() {
                *place = Value::List(Vec::new());
            }
            let Value::List(elements) = place else {
                return Err(Error::InvalidRequest { what: "only a list can be spliced" });
            };
            let range = range(elements.len(), *index, *remove)?;
            elements.splice(range, insert.iter().cloned());
        }
        FieldOp::SpliceText { path, index, remove, insert } => {
            let place = slot(document, path)?;
            let text = match &*place {
                Value::Null => "",
                Value::Text(text) => text,
                _ => return Err(Error::InvalidRequest { what: "only a text can be spliced as one" }),
            };
            let range = range(text.chars().count(), *index, *remove)?;
            let (before, behind) = (text.chars().take(range.start), text.chars().skip(range.end));
            *place = Value::Text(before.chain(insert.chars()).chain(behind).collect());
        }
        _ => return Err(Error::Unsupported { what: "this change of a field" }),
    }
    Ok(())
}

/// The place of a path, made if it is not there.
fn slot<'a>(document: &'a mut Value, path: &FieldPath) -> Result<&'a mut Value, Error> {
    path.segments().iter().try_fold(document, |value, segment| {
        let Value::Map(map) = value else { return Err(NO_MAP) };
        if !map.contains_key(segment) {
            let below =
                if Some(segment) == path.segments().last() { Value::Null } else { Value::Map(Map::new()) };
            map.insert(segment.as_str(), below);
        }
        map.get_mut(segment).ok_or(NO_MAP)
    })
}

fn unset(document: &mut Value, path: &FieldPath) -> Result<(), Error> {
    let Some((last, parents)) = path.segments().split_last() else {
        return Err(Error::InvalidRequest { what: "a document is removed by `Delete`" });
    };
    let mut value = document;
    for segment in parents {
        let Value::Map(map) = value else { return Err(NO_MAP) };
        match map.get_mut(segment) {
            Some(below) => value = below,
            None => return Ok(()),
        }
    }
    let Value::Map(map) = value else { return Err(NO_MAP) };
    map.remove(last);
    Ok(())
}

/// The elements of a set, taken out of its place.
fn set(value: &mut Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::List(elements) => Ok(std::mem::take(elements)),
        _ => Err(Error::InvalidRequest { what: "only a list can be used as a set" }),
    }
}

/// The elements from `index` on that a splice removes.
fn range(length: usize, index: usize, remove: usize) -> Result<Range<usize>, Error> {
    match index.checked_add(remove) {
        Some(end) if end <= length => Ok(index..end),
        _ => Err(Error::InvalidRequest { what: "a splice lies behind the end" }),
    }
}

fn distinct(elements: Vec<Value>) -> Result<Vec<Value>, Error> {
    let keyed = elements.into_iter().map(|element| Ok((cbor::encode(&element)?, element)));
    let mut keyed = keyed
        .collect::<Result<Vec<_>, cbor::Error>>()
        .map_err(|_| Error::InvalidRequest { what: "the value nests too deep" })?;
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    keyed.dedup_by(|(a, _), (b, _)| a == b);
    Ok(keyed.into_iter().map(|(_, element)| element).collect())
}

const NO_MAP: Error = Error::InvalidRequest { what: "a step of the path is no map" };

#[cfg(test)]
mod tests {
    use civic_types::value;

    use super::*;

    fn path<const N: usize>(segments: [&str; N]) -> FieldPath {
        segments.try_into().unwrap()
    }

    #[test]
    fn every_kind_of_change_does_what_it_says() {
        let mut document = value!({});
        let ops = [
            FieldOp::Set { path: path(["a", "b"]), value: value!("x") },
            FieldOp::Increment { path: path(["n"]), by: 3 },
            FieldOp::Increment { path: path(["n"]), by: -5 },
            FieldOp::Add { path: path(["s"]), value: value!("bb") },
            FieldOp::Append { path: path(["s"]), value: value!("a") },
            FieldOp::Add { path: path(["s"]), value: value!("bb") },
            FieldOp::Remove { path: path(["s"]), value: value!("zz") },
            FieldOp::Remove { path: path(["none"]), value: value!(1) },
            FieldOp::Clear { path: path(["c"]) },
            FieldOp::Unset { path: path(["no", "such"]) },
        ];
        apply(&mut document, &ops).unwrap();
        assert_eq!(document, value!({"a": {"b": "x"}, "n": (-2), "s": ["a", "bb"], "c": {}}));
        let ops =
            [FieldOp::Unset { path: path(["a"]) }, FieldOp::Remove { path: path(["s"]), value: value!("a") }];
        apply(&mut document, &ops).unwrap();
        assert_eq!(document, value!({"n": (-2), "s": ["bb"], "c": {}}));
    }

    #[test]
    fn splices_count_elements_and_characters() {
        let list = |index, remove, insert: Value| FieldOp::Splice {
            path: path(["l"]),
            index,
            remove,
            insert: insert.as_list().unwrap().to_vec(),
        };
        let text = |index, remove, insert: &str| FieldOp::SpliceText {
            path: path(["t"]),
            index,
            remove,
            insert: insert.to_owned(),
        };
        let mut document = value!({});
        let ops =
            [list(0, 0, value!([1, 2, 3])), list(1, 1, value!(["b"])), text(0, 0, "Öl 🚰"), text(3, 1, "da")];
        apply(&mut document, &ops).unwrap();
        assert_eq!(document, value!({"l": [1, "b", 3], "t": "Öl da"}));
        for op in [list(4, 0, value!([])), list(2, 2, value!([])), text(6, 0, ""), text(1, usize::MAX, "")] {
            assert!(matches!(apply(&mut document.clone(), &[op]), Err(Error::InvalidRequest { .. })));
        }
        apply(&mut document, &[list(0, 3, value!([])), text(0, 5, "")]).unwrap();
        assert_eq!(document, value!({"l": [], "t": ""}));
    }

    #[test]
    fn misuse_is_refused() {
        for op in [
            FieldOp::Set { path: path(["text", "b"]), value: value!(1) },
            FieldOp::Increment { path: path(["text"]), by: 1 },
            FieldOp::Increment { path: path(["most"]), by: 1 },
            FieldOp::Add { path: path(["text"]), value: value!(1) },
            FieldOp::Remove { path: path(["text"]), value: value!(1) },
            FieldOp::Splice { path: path(["text"]), index: 0, remove: 0, insert: Vec::new() },
            FieldOp::SpliceText { path: path(["most"]), index: 0, remove: 0, insert: String::new() },
            FieldOp::Unset { path: FieldPath::root() },
        ] {
            let mut document = value!({"text": "t", "most": (Int::MAX)});
            assert!(matches!(apply(&mut document, &[op]), Err(Error::InvalidRequest { .. })));
        }
    }
}
