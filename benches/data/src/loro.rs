//! A household in loro: the keys of a map.

use civic_figures::Outcome;
use loro::{LoroDoc, LoroValue};

use crate::{Change, Fields, Scalar};

/// Writes some fields and commits.
pub fn change(doc: &LoroDoc, changes: &[Change]) -> Outcome {
    let map = doc.get_map(ROOT);
    for Change { field, value } in changes {
        let value = match value {
            Scalar::Bool(value) => LoroValue::from(*value),
            Scalar::Int(value) => LoroValue::from(*value),
            Scalar::Text(value) => LoroValue::from(value.as_str()),
        };
        map.insert(field, value)?;
    }
    doc.commit();
    Ok(())
}

/// What is shown.
#[must_use]
pub fn shown(doc: &LoroDoc) -> Fields {
    let LoroValue::Map(map) = doc.get_map(ROOT).get_deep_value() else { return Fields::default() };
    let text = |value: &LoroValue| match value {
        LoroValue::Bool(value) => value.to_string(),
        LoroValue::I64(value) => value.to_string(),
        LoroValue::String(value) => value.to_string(),
        other => format!("{other:?}"),
    };
    map.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

const ROOT: &str = "household";
