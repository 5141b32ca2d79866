//! The small seam below [`DocStore`](crate::DocStore): a synchronous, ordered key-value store.
//!
//! An engine knows nothing of documents. It keeps bytes under ordered keys in a fixed set of [`Table`]s,
//! writes many of them atomically, and gives snapshots. Whoever has such a store implements [`Engine`] and
//! gets the whole [`StorageAdapter`](crate::StorageAdapter) from `DocStore`.

mod blinder;
mod forward;
mod range;
mod table;

use std::fmt::Debug;

use bytes::Bytes;

pub use blinder::{BLINDED_LEN, Blinder};
pub use range::KeyRange;
pub use table::Table;

use crate::adapter::{DurabilityProof, Maintain, Report};
use crate::batch::Durability;
use crate::error::Error;

/// An ordered key-value store.
///
/// # Contract
///
/// - **One writer**: `write` is called by one thread at a time; snapshots are taken by any thread at any
///   time, also during a write.
/// - **Atomic**: `write` applies all operations in order or none.
/// - **Durable**: after `write` with [`Durability::Full`] returned `Ok`, this and all earlier writes
///   survive what [`proof`](Self::proof) names.
/// - **Poison**: after a sync that failed, every further write gives [`Error::Poisoned`] and snapshots go
///   on to work: the system may have dropped the dirty pages, so a second sync proves nothing.
/// - **Isolated**: a snapshot shows one state between two writes for as long as it lives.
///
/// # Wrapping
///
/// A wrapper forwards every method.
pub trait Engine: Debug + Send + Sync + 'static {
    /// Short name of the engine, as in errors.
    fn name(&self) -> &'static str;

    /// Applies the operations in order, all or none.
    ///
    /// # Errors
    ///
    /// [`Error::Full`], [`Error::Poisoned`], [`Error::Closed`] or [`Error::Backend`]; nothing was applied.
    fn write(&self, ops: &[EngineOp], durability: Durability) -> Result<(), Error>;

    /// The state after the last write.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] or [`Error::Backend`].
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error>;

    /// Looks after the medium: `Compact`, `Flush` and `Verify`; others need knowledge of the content and
    /// do nothing here.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] from `Verify`; else as [`write`](Self::write).
    fn maintain(&self, task: Maintain) -> Result<Report, Error>;

    /// What a full write survives.
    fn proof(&self) -> DurabilityProof;

    /// How keys have to be hidden, if values are encrypted.
    fn blinder(&self) -> Option<Blinder>;

    /// Lets go of the medium; snapshots that are still alive stay readable. Closing twice does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`] when the last flush fails.
    fn close(&self) -> Result<(), Error>;
}

/// One state of an engine.
pub trait Snapshot {
    /// The value of a key.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] or [`Error::Backend`].
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, Error>;

    /// The first `limit` pairs of a range in ascending order of key; fewer only at the range's end.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    fn scan(&self, table: Table, range: &KeyRange, limit: usize) -> Result<Vec<Pair>, Error>;
}

/// A key and its value.
pub type Pair = (Bytes, Bytes);

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOp {
    /// Where.
    pub table: Table,
    /// Which key.
    pub key: Bytes,
    /// Its new value, or `None` to remove it.
    pub value: Option<Bytes>,
}
