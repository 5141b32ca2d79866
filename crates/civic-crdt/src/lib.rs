#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod clock;
pub mod document;
pub mod element;
pub mod g_set;
#[cfg(feature = "laws")]
pub mod laws;
pub mod merge;
pub mod or_set;
pub mod orphans;
pub mod pn_counter;
pub mod prune;
pub mod register;
pub mod root;
pub mod schema;
pub mod version;

pub use clock::{Dot, HlcGenerator, VersionVector};
pub use document::Document;
pub use element::Element;
pub use g_set::GSet;
pub use merge::{Crdt, Effect};
pub use or_set::OrSet;
pub use pn_counter::PnCounter;
pub use register::LwwRegister;
pub use version::{Admission, Header, Version};
