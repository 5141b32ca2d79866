#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod arq;
mod conversation;
pub mod driver;
mod error;
pub mod reconcile;
mod replicated;
pub mod session;
mod sketches;
mod table;

pub use conversation::{Conversation, Effects, Totals};
pub use driver::{Driver, PeerSync, SyncConfig, SyncEvent, SyncEventStream, SyncHandle};
pub use error::Error;
pub use replicated::{Held, Identity, Imported, MAX_HELD, Replicated};
pub use table::Cursor;
