//! What a reader sees differ between two states of a document.

use std::collections::BTreeSet;

use civic_types::patch::PathError;
use civic_types::{FieldPath, Map, Value};

use super::Past;

/// A path at which two states show something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where; the empty path when the document came into being or was deleted.
    pub path: FieldPath,
    /// What was shown, if anything.
    pub before: Option<Value>,
    /// What is shown, if anything.
    pub after: Option<Value>,
}

impl Past<'_> {
    /// What differs in the plain view of `after`, ascending by path; the two may be states of different
    /// documents.
    ///
    /// Maps are compared field by field; everything else, lists and texts too, is one value.
    #[must_use]
    pub fn changes(&self, after: &Past<'_>) -> Vec<Change> {
        let mut changes = Vec::new();
        compare(&FieldPath::root(), self.view().as_ref(), after.view().as_ref(), &mut changes);
        changes
    }
}

fn compare(path: &FieldPath, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    let start = changes.len();
    if let (Some(Value::Map(before)), Some(Value::Map(after))) = (before, after)
        && fields(path, before, after, changes).is_ok()
    {
        return;
    }
    // A plain value may hold maps that are deeper than paths, or keys that are none: it is told whole.
    changes.truncate(start);
    changes.push(Change { path: path.clone(), before: before.cloned(), after: after.cloned() });
}

fn fields(path: &FieldPath, before: &Map, after: &Map, changes: &mut Vec<Change>) -> Result<(), PathError> {
    let names = before.iter().chain(after.iter()).map(|(name, _)| name);
    // Paths ascend in another order than map keys.
    for name in names.collect::<BTreeSet<_>>() {
        compare(&path.child(name)?, before.get(name), after.get(name), changes);
    }
    Ok(())
}
