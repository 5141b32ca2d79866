use std::collections::BTreeSet;

use civic_store::{Commit, Origin, Precondition, StorageAdapter, WriteBatch, WriteOp};
use civic_types::{DocumentId, DocumentKey, FieldOp, Value};

use super::args::IntoDocumentId;
use super::collection::Collection;
use super::patch::{InBatch, Patch};
use crate::error::Error;

/// Attempts to commit on the heads that were read a moment before, until one is made on whatever heads were
/// read last. Each failure means that somebody else's write got through.
const ATTEMPTS: usize = 32;

/// Changes of several documents of one collection, applied together or not at all.
///
/// An argument that cannot be used is told by [`commit`](Self::commit).
#[derive(Debug)]
#[must_use = "a batch does nothing until it is committed"]
pub struct Batch {
    collection: Collection,
    changes: Vec<(DocumentId, Change)>,
    touched: BTreeSet<DocumentId>,
    failed: Option<Error>,
}

#[derive(Debug)]
enum Change {
    Delete,
    Overwrite(Value),
    Patch(Vec<FieldOp>),
    Set(Value),
}

impl Batch {
    pub(super) const fn new(collection: Collection) -> Self {
        Self { collection, changes: Vec::new(), touched: BTreeSet::new(), failed: None }
    }

    /// Makes a document what `value` says, as [`Collection::set`]. A batch sets a document before it changes
    /// it in other ways, and once.
    pub fn set(self, document: impl IntoDocumentId, value: impl Into<Value>) -> Self {
        self.with(document, Ok(Change::Set(value.into())))
    }

    /// Makes a document what `value` says and writes every field of it anew, as [`Collection::overwrite`].
    pub fn overwrite(self, document: impl IntoDocumentId, value: impl Into<Value>) -> Self {
        self.with(document, Ok(Change::Overwrite(value.into())))
    }

    /// Changes fields of a document: `batch.patch("pump-3", |patch| patch.increment("needs", 1))`.
    pub fn patch(
        self,
        document: impl IntoDocumentId,
        change: impl FnOnce(Patch<InBatch>) -> Patch<InBatch>,
    ) -> Self {
        self.with(document, change(Patch::in_batch()).into_ops().map(Change::Patch))
    }

    /// Removes a document; removing one that is not there does nothing.
    pub fn delete(self, document: impl IntoDocumentId) -> Self {
        self.with(document, Ok(Change::Delete))
    }

    /// How many changes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there is no change.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Applies the changes in order, as one commit.
    ///
    /// # Errors
    ///
    /// [`Error::DocumentTwice`], [`Error::KindMismatch`], [`Error::Plan`], [`Error::DocumentId`],
    /// [`Error::Path`], [`Error::Store`]. Nothing is changed then.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it has happened entirely or not at all.
    pub async fn commit(mut self) -> Result<Commit, Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let store = self.collection.store();
        for _ in 1..ATTEMPTS {
            let batch = self.writes(Strict::Yes).await?;
            match store.commit(batch, Origin::Local).await {
                Err(civic_store::Error::Precondition { .. }) => {}
                done => return done.map_err(Error::from),
            }
        }
        Ok(store.commit(self.writes(Strict::No).await?, Origin::Local).await?)
    }

    async fn writes(&self, strict: Strict) -> Result<WriteBatch, Error> {
        let mut batch = WriteBatch::new();
        for (document, change) in &self.changes {
            let key = self.collection.key(document);
            let (op, precondition) = match change {
                Change::Delete => (WriteOp::Delete { key }, Precondition::None),
                Change::Overwrite(value) => {
                    (WriteOp::Put { key, value: value.clone(), base: None }, Precondition::None)
                }
                Change::Patch(ops) => (WriteOp::Patch { key, ops: ops.clone() }, Precondition::None),
                Change::Set(value) => self.set_op(key, value.clone(), strict).await?,
            };
            batch.ops.push((op, precondition));
        }
        Ok(batch)
    }

    /// A put on the heads of this moment. Of a document that is not there the heads are unknown although it
    /// may have some, for it may have been deleted: the store takes those it has.
    async fn set_op(
        &self,
        key: DocumentKey,
        value: Value,
        strict: Strict,
    ) -> Result<(WriteOp, Precondition), Error> {
        if self.collection.is_local() {
            return Ok((WriteOp::Put { key, value, base: None }, Precondition::None));
        }
        let stored = self.collection.store().get(&key).await?;
        Ok(match (stored, strict) {
            (Some(stored), Strict::Yes) => {
                let put = WriteOp::Put { key, value, base: Some(stored.heads) };
                (put, Precondition::RevIs(stored.rev))
            }
            (Some(stored), Strict::No) => {
                (WriteOp::Put { key, value, base: Some(stored.heads) }, Precondition::None)
            }
            (None, Strict::Yes) => (WriteOp::Put { key, value, base: None }, Precondition::NotExists),
            (None, Strict::No) => (WriteOp::Put { key, value, base: None }, Precondition::None),
        })
    }

    fn with(mut self, document: impl IntoDocumentId, change: Result<Change, Error>) -> Self {
        match (document.into_document_id(), change) {
            (Ok(document), Ok(change)) => {
                let again = !self.touched.insert(document.clone());
                if again && matches!(change, Change::Set(_)) {
                    self.fail(Error::DocumentTwice { document });
                } else {
                    self.changes.push((document, change));
                }
            }
            (Err(error), _) => self.fail(error.into()),
            (_, Err(error)) => self.fail(error),
        }
        self
    }

    fn fail(&mut self, error: Error) {
        self.failed.get_or_insert(error);
    }
}

/// Whether a set insists that its document is as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strict {
    No,
    Yes,
}
