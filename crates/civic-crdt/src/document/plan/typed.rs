//! Writing under a schema.

use civic_types::{Cid, FieldOp, FieldPath, Value};

use super::builder::Builder;
use super::kinds::Kinds;
use super::{Plan, PlanError, Put};
use crate::document::Document;
use crate::schema::Schema;

/// Plans writes on a document as its collection's [`Schema`] says; the document is read as without one.
///
/// A declared field begins in its kind: a list becomes a set, a list or a grow-only set, an integer a
/// counter, a text a text that many edit. What does not fit is refused here, and nowhere else: versions that
/// others wrote without the schema are admitted and folded like any.
///
/// ```
/// use civic_crdt::Document;
/// use civic_crdt::document::PlanError;
/// use civic_crdt::schema::{Place, Schema};
/// use civic_crdt::version::Kind;
/// use civic_types::value;
///
/// let schema = Schema::new().with(&Place::field("needs")?, Kind::Counter, []);
/// let pump = Document::default();
/// let plan = pump.typed(&schema).put(&[], &value!({"needs": 2}))?;
/// assert_eq!(plan.operations()[1].kind, Kind::Counter.number());
/// let refused = pump.typed(&schema).put(&[], &value!({"needs": "some"}));
/// assert!(matches!(refused, Err(PlanError::Schema(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    document: &'a Document,
    schema: &'a Schema,
}

impl Document {
    /// Plans writes under a schema.
    #[must_use]
    pub const fn typed<'a>(&'a self, schema: &'a Schema) -> Typed<'a> {
        Typed { document: self, schema }
    }
}

impl Typed<'_> {
    /// As [`Document::patch`].
    ///
    /// # Errors
    ///
    /// As there, and [`PlanError::Schema`].
    pub fn patch(&self, base: &[Cid], changes: &[FieldOp]) -> Result<Plan, PlanError> {
        self.plan(base, |builder| {
            changes.iter().try_for_each(|change| {
                builder.allow(change)?;
                builder.change(change)
            })
        })
    }

    /// As [`Document::put`].
    ///
    /// # Errors
    ///
    /// As there, and [`PlanError::Schema`].
    pub fn put(&self, base: &[Cid], value: &Value) -> Result<Plan, PlanError> {
        self.schema.check(value)?;
        self.plan(base, |builder| builder.put(&FieldPath::root(), value, Put::Changed))
    }

    /// As [`Document::overwrite`].
    ///
    /// # Errors
    ///
    /// As there, and [`PlanError::Schema`].
    pub fn overwrite(&self, value: &Value) -> Result<Plan, PlanError> {
        self.schema.check(value)?;
        self.plan(&self.document.heads(), |builder| builder.put(&FieldPath::root(), value, Put::Everything))
    }

    fn plan(
        &self,
        base: &[Cid],
        fill: impl FnOnce(&mut Builder<'_>) -> Result<(), PlanError>,
    ) -> Result<Plan, PlanError> {
        let seen = self.document.at(base)?;
        let mut builder = Builder { kinds: Kinds::Schema(self.schema), ..Builder::new(&seen) };
        fill(&mut builder)?;
        builder.present()
    }
}
