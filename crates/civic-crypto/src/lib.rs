#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod aead;
mod error;
pub mod key;
pub mod rng;
pub mod signed;

pub use error::Error;
pub use key::{DeviceKey, VerifyingKey};
pub use signed::Verifier;
