#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod adapter;
pub mod batch;
pub mod change;
mod error;
pub mod item_kind;
pub mod query;
pub mod record;

pub use adapter::{
    ChangeStream, Collection, CommitHook, DurabilityProof, Incomplete, Maintain, ReadView, Report, StorageAdapter,
    StoreCapabilities, Stored,
};
pub use batch::{Commit, Durability, Folded, Origin, Pin, Precondition, WriteBatch, WriteOp};
pub use change::{Change, ChangeEvent, ChangeFrom, ChangeKind};
pub use error::Error;
pub use item_kind::{Admit, ItemKind, WriteSink};
pub use query::{Cursor, Filter, Page, Query, Scan};
pub use record::{Record, RecordScan};
