use std::fmt;
use std::sync::Arc;

use civic_store::ext::Subscription;
use civic_store::{
    ChangeStream, Commit, Cursor, Origin, Page, Precondition, Scan, StorageAdapter, StorageExt, Stored,
    WriteBatch, WriteOp,
};
use civic_sync::Replicated;
use civic_types::{Cid, CollectionId, CollectionSpec, DocumentId, DocumentKey, Value};
use serde::de::DeserializeOwned;

use super::args::IntoDocumentId;
use super::batch::Batch;
use super::find::Find;
use super::patch::{OfDocument, Patch};
use super::{schema, watch};
use crate::error::Error;

/// Documents under one definition: an open handle, cheap to clone.
///
/// Every write is durable as the store promises when its call returns, never waits for a peer, and follows
/// its community by itself. It stays usable until the node is closed.
#[derive(Clone)]
pub struct Collection {
    store: Arc<Replicated>,
    id: CollectionId,
    spec: Arc<CollectionSpec>,
}

impl Collection {
    pub(crate) fn new(store: Arc<Replicated>, spec: CollectionSpec) -> Self {
        Self { store, id: spec.id(), spec: Arc::new(spec) }
    }

    /// Its id, which names its definition.
    #[must_use]
    pub const fn id(&self) -> CollectionId {
        self.id
    }

    /// Its definition.
    #[must_use]
    pub fn spec(&self) -> &CollectionSpec {
        &self.spec
    }

    /// Whether it never leaves this device.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.spec.is_local()
    }

    /// The document, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::DocumentId`], [`Error::Store`], [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it only reads.
    pub async fn get(&self, document: impl IntoDocumentId) -> Result<Option<Stored>, Error> {
        Ok(self.store.get(&self.key(&document.into_document_id()?)).await?)
    }

    /// The document as a type of the application's.
    ///
    /// # Errors
    ///
    /// [`Error::SchemaMismatch`], which holds the document as it is; else as [`get`](Self::get).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it only reads.
    pub async fn get_as<T: DeserializeOwned>(
        &self,
        document: impl IntoDocumentId,
    ) -> Result<Option<T>, Error> {
        self.get(document).await?.map(schema::read).transpose()
    }

    /// Makes the document what `value` says, as a change of what it is at the moment of the commit.
    ///
    /// Only what differs is written, so a field that somebody else changes at the same time and `value`
    /// leaves as it was keeps their change. Fields that `value` lacks are removed. What was read earlier
    /// plays no part: to change what you have read, use [`update`](Self::update).
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] when the value is no map or cannot be written so, [`Error::DocumentId`],
    /// [`Error::Store`], [`Error::Closed`]. Nothing is changed then.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it has happened entirely or not at all.
    pub async fn set(&self, document: impl IntoDocumentId, value: impl Into<Value>) -> Result<Commit, Error> {
        self.batch().set(document, value).commit().await
    }

    /// Makes the document what `value` says and writes every field anew, so that it wins over whatever
    /// others write to it at the same time unless theirs is later.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    ///
    /// # Cancel safety
    ///
    /// As [`set`](Self::set).
    pub async fn overwrite(
        &self,
        document: impl IntoDocumentId,
        value: impl Into<Value>,
    ) -> Result<Commit, Error> {
        self.batch().overwrite(document, value).commit().await
    }

    /// Typed changes of fields: `patch("pump-3").increment("needs", 2).commit().await?`.
    pub fn patch(&self, document: impl IntoDocumentId) -> Patch<OfDocument> {
        Patch::of(self.clone(), document.into_document_id())
    }

    /// Reads the document, lets `change` make its new value, and writes the difference as a change of what
    /// was read: what others wrote meanwhile stays.
    ///
    /// It runs once. In a local collection, which keeps no versions, a document that changed meanwhile is an
    /// error instead.
    ///
    /// # Errors
    ///
    /// [`Error::ChangedMeanwhile`] in local collections; else as [`set`](Self::set).
    ///
    /// # Cancel safety
    ///
    /// As [`set`](Self::set); `change` may have run all the same.
    pub async fn update(
        &self,
        document: impl IntoDocumentId,
        change: impl FnOnce(Option<Value>) -> Value + Send,
    ) -> Result<Commit, Error> {
        let key = self.key(&document.into_document_id()?);
        let (read, base, unchanged) = match self.store.get(&key).await? {
            Some(stored) => (Some(stored.value), Some(stored.heads), Precondition::RevIs(stored.rev)),
            None => (None, None, Precondition::NotExists),
        };
        let value = change(read);
        let put = |base| WriteOp::Put { key: key.clone(), value: value.clone(), base };
        let batch = match (&base, self.is_local()) {
            (Some(_), false) => WriteBatch::new().with(put(base)),
            _ => WriteBatch::new().with_if(put(base), unchanged),
        };
        match self.store.commit(batch, Origin::Local).await {
            Err(civic_store::Error::Precondition { key }) if self.is_local() => {
                Err(Error::ChangedMeanwhile { key })
            }
            // Somebody made the document meanwhile; what was read is the empty set of heads.
            Err(civic_store::Error::Precondition { .. }) => {
                Ok(self.store.commit(WriteBatch::new().with(put(Some(Vec::new()))), Origin::Local).await?)
            }
            done => Ok(done?),
        }
    }

    /// Removes the document; removing one that is not there does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::DocumentId`], [`Error::Store`], [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// As [`set`](Self::set).
    pub async fn delete(&self, document: impl IntoDocumentId) -> Result<Commit, Error> {
        self.batch().delete(document).commit().await
    }

    /// Changes of several documents as one commit.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone())
    }

    /// Documents that match, in an order: `query().equals("status", "dry").fetch().await?`.
    pub fn query(&self) -> Find {
        Find::new(self.clone())
    }

    /// All documents in ascending order of id, a page at a time.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] for a cursor of something else and when the medium fails, [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it only reads.
    pub async fn scan(&self, after: Option<Cursor>) -> Result<Page<Stored>, Error> {
        Ok(self.store.scan(&Scan { after, ..Scan::new(self.id) }).await?)
    }

    /// The document now, and again after each change that is seen, whoever made it; dropping the stream
    /// ends it. States that follow each other faster than they are read may be skipped, the newest never.
    ///
    /// # Errors
    ///
    /// [`Error::DocumentId`].
    pub fn subscribe(&self, document: impl IntoDocumentId) -> Result<Subscription<Option<Stored>>, Error> {
        Ok(StorageExt::subscribe(&self.store, self.key(&document.into_document_id()?)))
    }

    /// Every commit from now on that touches this collection, with its origin and the documents of this
    /// collection alone; dropping the stream ends it.
    #[must_use]
    pub fn changes(&self) -> ChangeStream {
        watch::changes_of(&*self.store, self.id)
    }

    /// The name of the state: two devices have the same root exactly when they hold the same versions.
    ///
    /// # Errors
    ///
    /// [`Error::NotReplicated`] for a local collection, [`Error::Store`], [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it only reads.
    pub async fn root(&self) -> Result<Cid, Error> {
        if self.is_local() {
            return Err(Error::NotReplicated);
        }
        Ok(self.store.root(&self.id).await?)
    }

    pub(super) const fn store(&self) -> &Arc<Replicated> {
        &self.store
    }

    pub(super) fn key(&self, document: &DocumentId) -> DocumentKey {
        DocumentKey::new(self.id, document.clone())
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collection({:?}, {})", self.spec.name, self.id)
    }
}
