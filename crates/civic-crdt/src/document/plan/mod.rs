//! Writing: what an application asks for becomes operations with exact kills.

mod builder;
mod diff;
mod draft;
mod error;
mod kinds;
mod patch;
mod put;
mod reissue;
mod rollback;
mod splice;
mod typed;

pub use error::PlanError;
pub use reissue::Reissue;
pub use typed::Typed;

use civic_types::{Cid, FieldOp, FieldPath, Value};

use self::builder::Builder;
use super::{Document, PastError, UnknownVersion};
use crate::version::Operation;

/// Operations that are ready to become a version of the document they were planned on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub(super) operations: Vec<Operation>,
    changes: bool,
}

/// What a put writes where the value is the same as before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Put {
    /// Nothing: fields that others changed meanwhile are not set back.
    #[default]
    Changed,
    /// Plain values are written anew, so that they win over concurrent writes.
    Everything,
}

impl Plan {
    /// Whether nothing would change: no version needs to be written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.changes
    }

    /// The operations: first the document's presence, then the fields.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }
}

impl Document {
    /// Plans typed changes, one after the other, on what these heads show.
    ///
    /// Kills name what was seen there, in every kind; concurrent writes stay. Each plan also says that the
    /// document is present.
    ///
    /// # Errors
    ///
    /// [`PlanError`]: nothing can be written as asked.
    pub fn patch(&self, base: &[Cid], changes: &[FieldOp]) -> Result<Plan, PlanError> {
        self.plan_at(base, |builder| changes.iter().try_for_each(|change| builder.change(change)))
    }

    /// Plans whatever makes the view at these heads equal to `value`, and nothing else.
    ///
    /// A set given as a list becomes additions and removals, a counter given as an integer an increment, a
    /// grow-only set given as a list appends, a text or list given as its like is edited where it differs;
    /// every other difference assigns a register.
    ///
    /// # Errors
    ///
    /// [`PlanError`]: the value is no map, or nothing can be written as asked.
    pub fn put(&self, base: &[Cid], value: &Value) -> Result<Plan, PlanError> {
        self.plan_at(base, |builder| builder.put(&FieldPath::root(), value, Put::Changed))
    }

    /// Plans that the document is exactly `value`: as [`put`](Self::put) on the heads, and plain fields are
    /// written anew although they have not changed.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn overwrite(&self, value: &Value) -> Result<Plan, PlanError> {
        self.plan_at(&self.heads(), |builder| builder.put(&FieldPath::root(), value, Put::Everything))
    }

    /// Plans that the document is not present for whoever had seen these heads.
    ///
    /// # Errors
    ///
    /// [`PlanError::UnknownVersion`] when a head is not in the document, [`PlanError::Bodies`] as
    /// [`at`](Self::at).
    pub fn delete(&self, base: &[Cid]) -> Result<Plan, PlanError> {
        Ok(Builder::new(&self.at(base)?).absent())
    }

    fn plan_at(
        &self,
        base: &[Cid],
        fill: impl FnOnce(&mut Builder<'_>) -> Result<(), PlanError>,
    ) -> Result<Plan, PlanError> {
        let seen = self.at(base)?;
        let mut builder = Builder::new(&seen);
        fill(&mut builder)?;
        builder.present()
    }
}

impl From<PastError> for PlanError {
    fn from(error: PastError) -> Self {
        match error {
            PastError::Bodies(needed) => Self::Bodies(needed),
            PastError::Unknown(UnknownVersion { version }) => Self::UnknownVersion { version },
        }
    }
}
