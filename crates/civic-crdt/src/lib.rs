#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod bounded_counter;
pub mod clock;
pub mod decode;
pub mod document;
pub mod element;
pub mod g_set;
#[cfg(feature = "laws")]
pub mod laws;
pub mod merge;
pub mod mv_register;
pub mod or_set;
pub mod orphans;
pub mod pn_counter;
pub mod prune;
pub mod register;
pub mod root;
mod rows;
pub mod schema;
pub mod version;

pub use bounded_counter::BoundedCounter;
pub use clock::{CausalContext, Dot, HlcGenerator, VersionVector};
pub use decode::DecodeError;
pub use document::Document;
pub use element::Element;
pub use g_set::GSet;
pub use merge::{Crdt, Effect};
pub use mv_register::MvRegister;
pub use or_set::OrSet;
pub use pn_counter::PnCounter;
pub use register::LwwRegister;
pub use version::{Admission, Header, Version};
