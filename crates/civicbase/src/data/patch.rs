use civic_store::Commit;
use civic_types::{DocumentId, FieldOp, FieldPath, Value};

use super::args::IntoFieldPath;
use super::batch::Batch;
use super::collection::Collection;
use crate::error::Error;

/// Typed changes of one document, applied in the order given. What they do not name stays untouched, here and
/// in whatever others write at the same time.
///
/// [`Collection::patch`] makes one that commits itself; [`Batch::patch`] hands out one that the batch commits.
/// A path that cannot be one is told by the commit.
#[derive(Clone, Debug)]
#[must_use = "a patch does nothing until it is committed"]
pub struct Patch<T = InBatch> {
    target: T,
    ops: Vec<FieldOp>,
    failed: Option<Failed>,
}

/// A patch that belongs to a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InBatch;

/// A patch of one document of a collection.
#[derive(Clone, Debug)]
pub struct OfDocument {
    collection: Collection,
    document: Option<DocumentId>,
}

/// The first argument that could not be used, kept until the commit.
#[derive(Clone, Copy, Debug)]
enum Failed {
    Document(civic_types::id::DocumentIdError),
    Path(civic_types::patch::PathError),
}

impl<T> Patch<T> {
    /// Puts a plain value there: a map becomes a map, everything else a register.
    pub fn set(self, path: impl IntoFieldPath, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with(path, |path| FieldOp::Set { path, value })
    }

    /// Removes whatever stands there or below.
    pub fn unset(self, path: impl IntoFieldPath) -> Self {
        self.with(path, |path| FieldOp::Unset { path })
    }

    /// Adds to the counter there; negative counts down. Concurrent increments add up.
    pub fn increment(self, path: impl IntoFieldPath, by: i64) -> Self {
        self.with(path, |path| FieldOp::Increment { path, by })
    }

    /// Adds a value to the set there; it wins over a concurrent remove.
    pub fn add(self, path: impl IntoFieldPath, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with(path, |path| FieldOp::Add { path, value })
    }

    /// Removes a value from the set there.
    pub fn remove(self, path: impl IntoFieldPath, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with(path, |path| FieldOp::Remove { path, value })
    }

    /// Adds a value to the grow-only set there; it stays for ever.
    pub fn append(self, path: impl IntoFieldPath, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with(path, |path| FieldOp::Append { path, value })
    }

    /// Makes the path a map, or empties the map there.
    pub fn clear(self, path: impl IntoFieldPath) -> Self {
        self.with(path, |path| FieldOp::Clear { path })
    }

    /// Removes elements of the list there and inserts others in their place; the list is made if nothing
    /// stands there. Concurrent splices are joined.
    pub fn splice(
        self,
        path: impl IntoFieldPath,
        index: usize,
        remove: usize,
        insert: impl IntoIterator<Item = Value>,
    ) -> Self {
        let insert = insert.into_iter().collect();
        self.with(path, |path| FieldOp::Splice { path, index, remove, insert })
    }

    /// Removes characters of the text there and inserts others in their place; the text is made if nothing
    /// stands there. Concurrent splices are joined. Characters are Unicode scalar values.
    pub fn splice_text(
        self,
        path: impl IntoFieldPath,
        index: usize,
        remove: usize,
        insert: impl Into<String>,
    ) -> Self {
        let insert = insert.into();
        self.with(path, |path| FieldOp::SpliceText { path, index, remove, insert })
    }

    fn with(mut self, path: impl IntoFieldPath, op: impl FnOnce(FieldPath) -> FieldOp) -> Self {
        match path.into_field_path() {
            Ok(path) => self.ops.push(op(path)),
            Err(error) => self.failed = self.failed.or(Some(Failed::Path(error))),
        }
        self
    }
}

impl Patch<InBatch> {
    pub(super) const fn in_batch() -> Self {
        Self { target: InBatch, ops: Vec::new(), failed: None }
    }

    pub(super) fn into_ops(self) -> Result<Vec<FieldOp>, Error> {
        self.failed.map_or(Ok(self.ops), |failed| Err(failed.into()))
    }
}

impl Patch<OfDocument> {
    pub(super) fn of(
        collection: Collection,
        document: Result<DocumentId, civic_types::id::DocumentIdError>,
    ) -> Self {
        let (document, failed) = match document {
            Ok(document) => (Some(document), None),
            Err(error) => (None, Some(Failed::Document(error))),
        };
        Self { target: OfDocument { collection, document }, ops: Vec::new(), failed }
    }

    /// Applies the changes as one version; the document is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`Error::KindMismatch`] when a path holds another kind of field than its change needs,
    /// [`Error::Plan`] for what else cannot be written, [`Error::DocumentId`], [`Error::Path`],
    /// [`Error::Store`]. Nothing is changed then.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it has happened entirely or not at all.
    pub async fn commit(self) -> Result<Commit, Error> {
        let Self { target: OfDocument { collection, document }, ops, failed } = self;
        match (failed, document) {
            (None, Some(document)) => {
                Batch::new(collection).patch(document, |patch| Patch { ops, ..patch }).commit().await
            }
            (Some(failed), _) => Err(failed.into()),
            (None, None) => Err(Error::MissingPart { part: "a document id" }),
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Document(error) => error.into(),
            Failed::Path(error) => error.into(),
        }
    }
}
