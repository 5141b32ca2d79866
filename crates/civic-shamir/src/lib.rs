#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod combine;
mod error;
mod field;
mod share;
mod split;

pub use combine::combine;
pub use error::Error;
pub use share::Share;
pub use split::{MAX_SECRET_BYTES, MAX_SHARES, split};
