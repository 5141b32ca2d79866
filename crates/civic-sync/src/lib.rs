#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod arq;
mod conversation;
mod error;
mod index;
pub mod reconcile;
mod replicated;
pub mod session;
mod table;

pub use conversation::{Conversation, Effects, Totals};
pub use error::Error;
pub use replicated::{Identity, Imported, Replicated};
pub use table::Cursor;
