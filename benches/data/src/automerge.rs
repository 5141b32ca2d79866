//! A household in automerge: the fields of the root.

use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, ChangeHash, ROOT, ReadDoc, ScalarValue};
use civic_figures::Outcome;

use crate::{Change, FIELDS, Fields, Scalar};

/// An actor whose id is as long as the peer's random ones.
#[must_use]
pub fn writer(number: u8) -> ActorId {
    ActorId::from([number; 16])
}

/// Writes some fields in one change; its hash.
pub fn change(doc: &mut Automerge, changes: &[Change]) -> Outcome<Option<ChangeHash>> {
    let mut write = doc.transaction();
    for Change { field, value } in changes {
        let value = match value {
            Scalar::Bool(value) => ScalarValue::Boolean(*value),
            Scalar::Int(value) => ScalarValue::Int(*value),
            Scalar::Text(value) => ScalarValue::Str(value.as_str().into()),
        };
        write.put(ROOT, *field, value)?;
    }
    Ok(write.commit().0)
}

/// What is shown.
#[must_use]
pub fn shown(doc: &Automerge) -> Fields {
    let text = |value: &automerge::Value<'_>| match value.as_scalar() {
        Some(ScalarValue::Str(text)) => text.to_string(),
        Some(ScalarValue::Int(value)) => value.to_string(),
        other => other.and_then(ScalarValue::as_bool).map(|value| value.to_string()).unwrap_or_default(),
    };
    let field = |name: &&str| Some(((*name).to_owned(), text(&doc.get(ROOT, *name).ok()??.0)));
    FIELDS.iter().filter_map(field).collect()
}
