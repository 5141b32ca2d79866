//! The seam: [`StorageAdapter`], the reads of an open transaction ([`ReadView`]) and the hook that runs
//! inside one ([`CommitHook`]).

use std::fmt::Debug;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use civic_types::{Cid, CollectionId, CollectionSpec, DocumentKey, Value};
use futures_core::Stream;

use crate::batch::{Commit, Origin, WriteBatch};
use crate::change::{ChangeEvent, ChangeFrom};
use crate::error::Error;
use crate::query::{Page, Query, Scan};
use crate::record::{Record, RecordScan};

/// Where documents, records and blobs are kept.
///
/// # Contract
///
/// - **Atomic**: a commit happens as a whole or not at all, over documents, records, blobs, pins,
///   collections and the change log, whatever fails or is cancelled.
/// - **Ordered**: commits have one total order; `seq` counts them without gaps from 1.
/// - **Durable**: `commit` returns only once the batch survives what
///   [`StoreCapabilities::durability`] names. After a failed sync the store refuses all further writes
///   ([`Error::Poisoned`]) and stays readable.
/// - **Isolated**: every read sees one commit boundary; each page of a scan sees one, not the same as the
///   page before.
/// - **Complete**: `changes` gives every commit after the asked one, in order, or says
///   [`ChangeEvent::Gap`].
///
/// # Clone
///
/// Adapters are shared as `Arc<dyn StorageAdapter>`; `Arc<A>` and `Box<A>` are adapters themselves.
///
/// # Cancel safety
///
/// Every method is cancel-safe. A cancelled `commit` has happened entirely or not at all.
///
/// # Implementing
///
/// Engines with ordered keys implement [`Engine`](crate::Engine) instead and get documents, queries,
/// change log and conformance from [`DocStore`](crate::DocStore). Whatever implements this trait runs the
/// [`conformance`](crate::conformance) kit.
///
/// # Wrapping
///
/// A wrapper implements the trait and forwards every method; put
/// `#[deny(clippy::missing_trait_methods)]` on the `impl` so that a new method cannot be swallowed.
#[async_trait]
pub trait StorageAdapter: Debug + Send + Sync + 'static {
    /// The document, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error`] when the medium fails or the store is closed.
    async fn get(&self, key: &DocumentKey) -> Result<Option<Stored>, Error>;

    /// Documents of one collection in ascending order of id, a page at a time.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`] for a cursor that another scan gave; else as [`get`](Self::get).
    async fn scan(&self, scan: &Scan) -> Result<Page<Stored>, Error>;

    /// Documents of one collection that match, ordered, a page at a time.
    ///
    /// # Errors
    ///
    /// [`Error::IndexRequired`] when it would read more documents than the query allows,
    /// [`Error::InvalidCursor`]; else as [`get`](Self::get).
    async fn query(&self, query: &Query) -> Result<Page<Stored>, Error>;

    /// Applies a batch, the only way to write.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] and other errors of use change nothing; [`Error::Full`] leaves the store
    /// readable; [`Error::Poisoned`] after a failed sync.
    async fn commit(&self, batch: WriteBatch, origin: Origin) -> Result<Commit, Error>;

    /// Every commit from there on, in order, with its origin; dropping the stream unsubscribes. It ends
    /// when the store closes or can no longer be read; a damaged place in the log is a gap.
    fn changes(&self, from: ChangeFrom) -> ChangeStream;

    /// Opaque records of one table in ascending order of key, a page at a time.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    async fn records(&self, scan: &RecordScan) -> Result<Page<Record>, Error>;

    /// What this store can do.
    fn capabilities(&self) -> StoreCapabilities;

    /// Part of a blob, cut at its end; `None` if the blob is not here.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    async fn blob(&self, id: &Cid, range: Range<u64>) -> Result<Option<Bytes>, Error>;

    /// Looks after the store.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] from `Verify`; else as [`get`](Self::get).
    async fn maintain(&self, task: Maintain) -> Result<Report, Error>;

    /// Finishes what was accepted, flushes, and lets go of the medium. Further calls give
    /// [`Error::Closed`]; closing twice does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`] when the last flush fails.
    async fn close(&self) -> Result<(), Error>;
}

/// The stream of [`StorageAdapter::changes`]; it ends when the store closes.
pub type ChangeStream = Pin<Box<dyn Stream<Item = ChangeEvent> + Send>>;

/// A document as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Where it lives.
    pub key: DocumentKey,
    /// Its plain view.
    pub value: Value,
    /// Its version heads, ascending; none in collections without versions.
    pub heads: Vec<Cid>,
    /// Whether concurrent writes left something for a person to look at.
    pub conflicts: bool,
    /// What could not be read here, if anything.
    pub incomplete: Option<Incomplete>,
    /// `seq` of the commit that last changed it.
    pub rev: u64,
}

/// Why a document's view lacks something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incomplete {
    /// Bodies that have not arrived.
    pub missing: u32,
    /// Bodies that are here and cannot be read.
    pub unreadable: u32,
}

/// Reads of the open write transaction: what the batch would see if it had not been applied yet.
pub trait ReadView {
    /// The document.
    ///
    /// # Errors
    ///
    /// [`Error`] when the medium fails, as for every method here.
    fn document(&self, key: &DocumentKey) -> Result<Option<Stored>, Error>;

    /// One record.
    ///
    /// # Errors
    ///
    /// As [`document`](Self::document).
    fn record(&self, table: &str, key: &[u8]) -> Result<Option<Bytes>, Error>;

    /// Records in order.
    ///
    /// # Errors
    ///
    /// As [`document`](Self::document).
    fn records(&self, scan: &RecordScan) -> Result<Page<Record>, Error>;

    /// A collection's definition and whether it is replicated.
    ///
    /// # Errors
    ///
    /// As [`document`](Self::document).
    fn collection(&self, id: &CollectionId) -> Result<Option<Collection>, Error>;

    /// A whole blob.
    ///
    /// # Errors
    ///
    /// As [`document`](Self::document).
    fn blob(&self, id: &Cid) -> Result<Option<Bytes>, Error>;
}

/// A collection that the store knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its definition.
    pub spec: CollectionSpec,
    /// Whether only a replicating wrapper may write it.
    pub replicated: bool,
}

/// Runs inside the write transaction, in commit order, after the preconditions held and before the
/// batch is applied. It may change the batch; operations it adds carry no precondition.
///
/// It runs on the writer's thread: no blocking but the view's reads. It is called once for each attempt
/// to commit, never concurrently for one store.
pub trait CommitHook: Debug + Send + Sync + 'static {
    /// Looks at the batch and changes it.
    ///
    /// # Errors
    ///
    /// An error drops this batch only and is what `commit` returns.
    fn on_commit(&self, view: &dyn ReadView, batch: &mut WriteBatch) -> Result<(), Error>;
}

/// What a store can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCapabilities {
    /// Short name of the adapter, as in errors: `memory`, `sqlite`.
    pub adapter: &'static str,
    /// What an acknowledged commit survives.
    pub durability: DurabilityProof,
    /// Whether records are encrypted at rest.
    pub sealed: bool,
    /// Most operations of one batch.
    pub max_batch_ops: usize,
    /// Most bytes of one batch.
    pub max_batch_bytes: usize,
}

impl StoreCapabilities {
    /// Capabilities with the default limits of this crate.
    #[must_use]
    pub const fn new(adapter: &'static str, durability: DurabilityProof, sealed: bool) -> Self {
        Self {
            adapter,
            durability,
            sealed,
            max_batch_ops: crate::batch::MAX_BATCH_OPS,
            max_batch_bytes: crate::batch::MAX_BATCH_BYTES,
        }
    }
}

/// What an acknowledged commit survives, as its tests have shown; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DurabilityProof {
    /// Nothing: it lives in memory.
    None,
    /// The death of the process.
    ProcessCrash,
    /// Loss of power.
    PowerCut,
}

/// What [`StorageAdapter::maintain`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Maintain {
    /// Removes blobs that no pin, head or link of a document names. Records are opaque: whoever names a
    /// blob in one pins it.
    Collect,
    /// Gives unused space back to the system.
    Compact,
    /// Makes relaxed writes durable.
    Flush,
    /// Shortens the change log to its retention.
    Trim,
    /// Reads everything and checks it.
    Verify,
}

/// What [`StorageAdapter::maintain`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Entries read.
    pub checked: u64,
    /// Entries removed.
    pub removed: u64,
    /// Entries found damaged.
    pub damaged: u64,
}

/// A shared hook.
pub type SharedHook = Arc<dyn CommitHook>;
