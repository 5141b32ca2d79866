#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod aead;
pub mod community;
pub mod devices;
mod error;
pub mod key;
#[cfg(feature = "keystore")]
pub mod keystore;
pub mod rng;
pub mod signed;

pub use error::Error;
pub use key::{DeviceKey, ExchangeKey, VerifyingKey};
pub use signed::Verifier;
