use civic_types::{FieldPath, Value};

use super::{Field, Schema};
use crate::version::Kind;

/// A field that holds something else than is declared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} is not a {kind} of the declared types")]
pub struct Mismatch {
    /// The first such field, in the order of map keys.
    pub path: FieldPath,
    /// The kind that is declared.
    pub kind: Kind,
}

impl Schema {
    /// Whether a plain view is what is declared; fields that are not declared may hold anything.
    ///
    /// # Errors
    ///
    /// [`Mismatch`]: the first field that is not.
    pub fn check(&self, view: &Value) -> Result<(), Mismatch> {
        self.check_at(&FieldPath::root(), view)
    }

    /// As [`check`](Self::check), for what stands at one path.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn check_value(&self, path: &FieldPath, value: &Value) -> Result<(), Mismatch> {
        match self.field(path) {
            Some(field) => field.check(path, value),
            None if path.segments().is_empty() => self.check(value),
            None => Ok(()),
        }
    }

    fn check_at(&self, path: &FieldPath, view: &Value) -> Result<(), Mismatch> {
        for (name, value) in view.as_map().into_iter().flat_map(|map| map.iter()) {
            // A key that is no segment cannot have been declared.
            if let (Some(field), Ok(child)) = (self.one(name), path.child(name)) {
                field.check(&child, value)?;
            }
        }
        Ok(())
    }
}

impl Field {
    fn check(&self, path: &FieldPath, value: &Value) -> Result<(), Mismatch> {
        let Some(kind) = self.kind() else { return Ok(()) };
        let fits = match (kind, value) {
            (Kind::Map, Value::Map(_)) => return self.below.check_at(path, value),
            (Kind::Text, Value::Text(_)) => true,
            (Kind::GSet | Kind::List | Kind::Set, Value::List(list)) => {
                list.iter().all(|element| self.allows(element))
            }
            (Kind::Counter, value) => value.as_i64().is_some(),
            (Kind::Register, value) => self.allows(value),
            _ => false,
        };
        if fits { Ok(()) } else { Err(Mismatch { path: path.clone(), kind }) }
    }
}
