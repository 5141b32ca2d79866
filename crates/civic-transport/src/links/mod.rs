//! The media: one folder each, all with the same rooms.

#[cfg(feature = "lan")]
pub mod lan;
#[cfg(feature = "sim")]
pub mod memory;
