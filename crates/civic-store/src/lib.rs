#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod adapter;
pub mod batch;
pub mod cell;
pub mod change;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod docstore;
pub mod engine;
pub mod engines;
mod error;
pub mod ext;
mod forward;
pub mod item_kind;
pub mod query;
pub mod record;
#[cfg(feature = "sealed")]
pub mod sealed;

pub use adapter::{
    ChangeStream, Collection, CommitHook, DurabilityProof, Incomplete, Maintain, ReadView, Report,
    StorageAdapter, StoreCapabilities, Stored,
};
pub use batch::{Commit, Durability, Folded, Origin, Pin, Precondition, WriteBatch, WriteOp};
pub use cell::FileCell;
pub use change::{Change, ChangeEvent, ChangeFrom, ChangeKind};
pub use docstore::DocStore;
pub use engine::Engine;
pub use engines::Memory;
#[cfg(feature = "sqlite")]
pub use engines::Sqlite;
pub use error::Error;
pub use ext::StorageExt;
pub use item_kind::{Admit, ItemKind, WriteSink};
pub use query::{Cursor, Filter, Page, Query, Scan};
pub use record::{Record, RecordScan};
#[cfg(feature = "sealed")]
pub use sealed::{Sealed, StoreKey};
