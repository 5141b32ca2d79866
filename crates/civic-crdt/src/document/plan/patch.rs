//! Typed changes, one at a time.

use civic_types::{FieldOp, FieldPath, Value, cbor};

use super::builder::{Builder, integer};
use super::put::check_depth;
use super::{PlanError, Put};
use crate::version::Kind;

impl Builder<'_> {
    /// Plans one change on top of those before.
    pub(super) fn change(&mut self, change: &FieldOp) -> Result<(), PlanError> {
        if change.path().segments().is_empty()
            && !matches!(change, FieldOp::Clear { .. } | FieldOp::Set { .. })
        {
            return Err(PlanError::Root);
        }
        match change {
            FieldOp::Add { path, value } => self.add(path, value),
            FieldOp::Append { path, value } => self.append(path, value),
            FieldOp::Clear { path } => self.clear(path),
            FieldOp::Increment { path, by } => self.increment(path, *by),
            FieldOp::Remove { path, value } => self.remove(path, value),
            FieldOp::Set { path, value: value @ Value::Map(_) } => self.put(path, value, Put::Changed),
            FieldOp::Set { path, value } if self.is_told(path) => self.put(path, value, Put::Everything),
            FieldOp::Set { path, value } => self.assign(path, value),
            FieldOp::Splice { path, index, remove, insert } => {
                check_depth(path, insert)?;
                self.splice(path, *index, *remove, insert.clone())
            }
            FieldOp::SpliceText { path, index, remove, insert } => {
                self.splice::<char>(path, *index, *remove, insert.chars().collect())
            }
            FieldOp::Unset { path } => self.unset(path),
            // The enum may grow before this match does.
            _ => Err(PlanError::Unsupported),
        }
    }

    /// Writes a plain value over whatever was seen at the path and below.
    pub(super) fn assign(&mut self, path: &FieldPath, value: &Value) -> Result<(), PlanError> {
        if path.segments().is_empty() {
            return Err(PlanError::Root);
        }
        if self.within(path).any(|c| c.kind == Kind::GSet && c.path == path) {
            return Err(PlanError::GrowOnly { path: path.clone() });
        }
        self.put_ending(path, Kind::Register, value, |_| true)
    }

    /// Adds to a set. A dot is minted although the element is there: the add must win over a remove that
    /// has not seen it.
    pub(super) fn add(&mut self, path: &FieldPath, value: &Value) -> Result<(), PlanError> {
        self.expect(path, Kind::Set)?;
        let element = encode(path, value)?;
        self.put_ending(path, Kind::Set, value, |c| {
            c.path == path && (c.kind != Kind::Set || c.argument == element)
        })
    }

    /// Removes what was seen of an element.
    pub(super) fn remove(&mut self, path: &FieldPath, value: &Value) -> Result<(), PlanError> {
        self.expect(path, Kind::Set)?;
        let element = encode(path, value)?;
        self.kill(path, Kind::Set, |c| c.path == path && c.kind == Kind::Set && c.argument == element)
    }

    /// Adds to a grow-only set; an element that is there already needs nothing.
    pub(super) fn append(&mut self, path: &FieldPath, value: &Value) -> Result<(), PlanError> {
        self.expect(path, Kind::GSet)?;
        let element = encode(path, value)?;
        if self.within(path).any(|c| c.path == path && c.argument == element) {
            return Ok(());
        }
        self.put_ending(path, Kind::GSet, value, |_| false)
    }

    /// Adds to a counter.
    pub(super) fn increment(&mut self, path: &FieldPath, by: i64) -> Result<(), PlanError> {
        self.expect(path, Kind::Counter)?;
        self.put_ending(path, Kind::Counter, &integer(by), |c| c.path == path && c.kind != Kind::Counter)
    }

    /// Makes the path a map without fields.
    fn clear(&mut self, path: &FieldPath) -> Result<(), PlanError> {
        self.refuse_lost_g_sets(path)?;
        if path.segments().is_empty() {
            return self.kill(path, Kind::Map, |_| true);
        }
        self.put_ending(path, Kind::Map, &Value::Null, |_| true)
    }

    /// Removes whatever was seen at the path and below.
    pub(super) fn unset(&mut self, path: &FieldPath) -> Result<(), PlanError> {
        self.refuse_lost_g_sets(path)?;
        self.kill(path, Kind::Register, |_| true)
    }

    /// What an absent document hides of a grow-only set is nobody's loss.
    fn refuse_lost_g_sets(&self, path: &FieldPath) -> Result<(), PlanError> {
        let kept = self.within(path).find(|c| c.kind == Kind::GSet).filter(|_| self.seen.present());
        kept.map_or(Ok(()), |c| Err(PlanError::GrowOnly { path: c.path.clone() }))
    }

    /// Checks that the path shows nothing or a field of this kind.
    pub(super) fn expect(&self, path: &FieldPath, wanted: Kind) -> Result<(), PlanError> {
        match self.shown(path) {
            Some(found) if found != wanted => {
                Err(PlanError::KindMismatch { path: path.clone(), found, wanted })
            }
            _ => Ok(()),
        }
    }
}

/// An element's canonical bytes.
pub(super) fn encode(path: &FieldPath, value: &Value) -> Result<Vec<u8>, PlanError> {
    cbor::encode(value).map_err(|_| PlanError::TooDeep { path: path.clone() })
}
