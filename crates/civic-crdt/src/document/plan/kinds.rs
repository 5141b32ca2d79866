//! Which kind a field is to have, where somebody has a say in that.

use civic_types::{FieldOp, FieldPath, Value};

use super::builder::Builder;
use super::put::check_depth;
use super::{PlanError, Put};
use crate::document::Past;
use crate::document::view::Shape;
use crate::schema::{Mismatch, Schema};
use crate::version::Kind;

/// Who says which kind a field has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Kinds<'a> {
    /// What is shown; a new plain value is a register.
    #[default]
    Shown,
    /// A past state, as far as it has the field.
    Past(&'a Past<'a>),
    /// The collection's schema, as far as it declares the field.
    Schema(&'a Schema),
}

impl Kinds<'_> {
    pub(super) fn of(&self, path: &FieldPath) -> Option<Kind> {
        match self {
            Self::Shown => None,
            Self::Past(past) => {
                let within = past.fields.within(path);
                Shape::of(path, within.flat_map(|(at, field)| field.kinds().map(move |kind| (at, kind))))
                    .shown()
            }
            Self::Schema(schema) => schema.kind(path),
        }
    }
}

impl Builder<'_> {
    /// Makes a path show this value as the kind it is to have; false where nobody has a say.
    pub(super) fn put_as_told(
        &mut self,
        path: &FieldPath,
        value: &Value,
        put: Put,
    ) -> Result<bool, PlanError> {
        let Some(kind) = self.kinds.of(path).filter(|_| !path.segments().is_empty()) else {
            return Ok(false);
        };
        if self.shown(path) == Some(kind) || matches!((kind, value), (Kind::Map, Value::Map(_))) {
            return Ok(false);
        }
        match (kind, value) {
            (Kind::Register, _) => {
                if put == Put::Everything || !self.reads(path, value) {
                    self.assign(path, value)?;
                }
            }
            (Kind::Counter, Value::Int(_)) => {
                let by = value.as_i64().ok_or_else(|| PlanError::CounterRange { path: path.clone() })?;
                self.start(path)?;
                self.increment(path, by)?;
            }
            (Kind::Set, Value::List(list)) => {
                self.start(path)?;
                list.iter().try_for_each(|element| self.add(path, element))?;
            }
            (Kind::GSet, Value::List(list)) => {
                self.start(path)?;
                list.iter().try_for_each(|element| self.append(path, element))?;
            }
            (Kind::List, Value::List(list)) => {
                check_depth(path, list)?;
                self.start(path)?;
                self.splice(path, 0, 0, list.clone())?;
            }
            (Kind::Text, Value::Text(text)) => {
                self.start(path)?;
                self.splice::<char>(path, 0, 0, text.chars().collect())?;
            }
            _ => return Err(Mismatch { path: path.clone(), kind }.into()),
        }
        Ok(true)
    }

    /// Whether somebody has a say in the kind of a field.
    pub(super) fn is_told(&self, path: &FieldPath) -> bool {
        self.kinds.of(path).is_some()
    }

    /// Refuses a change that a schema does not allow.
    pub(super) fn allow(&self, change: &FieldOp) -> Result<(), PlanError> {
        let Kinds::Schema(schema) = self.kinds else { return Ok(()) };
        let path = change.path();
        let mut above = FieldPath::root();
        for segment in path.segments().iter().take(path.segments().len().saturating_sub(1)) {
            above = above.child(segment)?;
            if let Some(kind) = schema.kind(&above).filter(|kind| *kind != Kind::Map) {
                return Err(Mismatch { path: above, kind }.into());
            }
        }
        let (wanted, elements) = match change {
            FieldOp::Add { value, .. } => (Kind::Set, std::slice::from_ref(value)),
            FieldOp::Append { value, .. } => (Kind::GSet, std::slice::from_ref(value)),
            FieldOp::Clear { .. } => (Kind::Map, &[][..]),
            FieldOp::Increment { .. } => (Kind::Counter, &[][..]),
            FieldOp::Splice { insert, .. } => (Kind::List, insert.as_slice()),
            FieldOp::SpliceText { .. } => (Kind::Text, &[][..]),
            FieldOp::Set { value, .. } => return Ok(schema.check_value(path, value)?),
            // What was there before it was declared may go.
            _ => return Ok(()),
        };
        let Some(field) = schema.field(path) else { return Ok(()) };
        let refused =
            field.kind().filter(|kind| *kind != wanted || !elements.iter().all(|it| field.allows(it)));
        refused.map_or(Ok(()), |kind| Err(Mismatch { path: path.clone(), kind }.into()))
    }

    /// Ends whatever else was seen at the path and below, so that a field of a kind can begin.
    fn start(&mut self, path: &FieldPath) -> Result<(), PlanError> {
        if self.within(path).next().is_some() { self.unset(path) } else { Ok(()) }
    }
}
