//! Strict canonical DAG-CBOR: one encoding per value, every byte walked, allocation bounded by the input.
//!
//! Decoding accepts exactly the bytes that encoding writes: integers and lengths in their shortest form,
//! floats in 64 bits and finite, map keys text and ascending by length, then by bytes, no tags but 42
//! (a CID), nothing indefinite, nothing behind the value. Source: the IPLD DAG-CBOR specification and
//! RFC 8949 section 4.2.1.
//!
//! [`encode()`] and [`decode()`] work on whole [`Value`]s; [`Encoder`] and [`Decoder`] are for formats
//! with fixed fields, which hash and check received bytes without building a value and borrow text and
//! bytes from them. With feature `serde`, `to_vec` and `from_slice` are for application structs. [`Limits`]
//! bound what a value may cost.
//!
//! ```
//! use civic_types::{cbor, value};
//!
//! let bytes = cbor::encode(&value!({"b": 1, "aa": 2}))?;
//! assert_eq!(bytes, b"\xa2\x61b\x01\x62aa\x02");
//! assert!(cbor::decode(b"\xa2\x62aa\x02\x61b\x01").is_err());
//! # Ok::<(), cbor::Error>(())
//! ```

mod decode;
mod encode;
mod error;
mod limits;
mod measure;
#[cfg(feature = "serde")]
mod serde;

pub use decode::Decoder;
pub use encode::Encoder;
pub use error::{Error, ErrorKind};
pub use limits::Limits;
#[cfg(feature = "serde")]
pub use serde::{SerdeError, from_slice, from_slice_with, to_vec, to_vec_with};

use crate::Value;

/// The canonical bytes of a value, within the default [`Limits`].
///
/// # Errors
///
/// Those of [`encode_with`].
pub fn encode(value: &Value) -> Result<Vec<u8>, Error> {
    encode_with(value, &Limits::default())
}

/// The canonical bytes of a value.
///
/// # Errors
///
/// [`ErrorKind::Depth`], [`ErrorKind::Items`] or [`ErrorKind::Size`] for a value that [`decode_with`] would
/// refuse under the same limits.
pub fn encode_with(value: &Value, limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut out = Encoder::with_limits(*limits);
    out.value(value)?;
    Ok(out.into_bytes())
}

/// Reads exactly one value, within the default [`Limits`].
///
/// # Errors
///
/// Those of [`decode_with`].
pub fn decode(bytes: &[u8]) -> Result<Value, Error> {
    decode_with(bytes, &Limits::default())
}

/// Reads exactly one value.
///
/// # Errors
///
/// [`Error`] with the first offence and its byte offset, unless the bytes are canonical and within the limits.
pub fn decode_with(bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    let mut input = Decoder::with_limits(bytes, limits)?;
    let value = input.value()?;
    input.finish()?;
    Ok(value)
}

/// Major types of CBOR.
mod major {
    pub(super) const UINT: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const SIMPLE: u8 = 7;
}

/// Initial bytes of major type 7 and the tag of links.
mod initial {
    pub(super) const FALSE: u8 = 0xf4;
    pub(super) const TRUE: u8 = 0xf5;
    pub(super) const NULL: u8 = 0xf6;
    pub(super) const FLOAT_64: u8 = 0xfb;
    pub(super) const LINK_TAG: u64 = 42;
}

#[cfg(test)]
mod tests;
