//! Application structs straight to and from canonical bytes, with no [`Value`](crate::Value) between.
//!
//! The shapes are those of [`to_value`](crate::to_value): structs and maps are maps, `None` and `()` null,
//! enums are tagged from outside, a [`Cid`](crate::Cid) field is a link.

mod access;
mod compound;
mod de;
mod error;
mod ser;

pub use error::SerdeError;

use super::{Decoder, Limits};

/// The canonical bytes of anything serialisable, within the default [`Limits`].
///
/// # Errors
///
/// Those of [`to_vec_with`].
///
/// ```
/// #[derive(serde::Serialize)]
/// struct Pump { status: String, by: u32 }
///
/// let bytes = civic_types::cbor::to_vec(&Pump { status: "dry".into(), by: 2 })?;
/// assert_eq!(bytes, b"\xa2\x62by\x02\x66status\x63dry");
/// # Ok::<(), civic_types::cbor::SerdeError>(())
/// ```
pub fn to_vec<T: serde::Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, SerdeError> {
    to_vec_with(value, &Limits::default())
}

/// The canonical bytes of anything serialisable.
///
/// Map keys and fields are brought into canonical order. What [`to_value`](crate::to_value) takes gives the
/// bytes of that value, save that equal keys of one map are refused here.
///
/// # Errors
///
/// [`SerdeError::Codec`] for what canonical bytes cannot hold (NaN, infinities, integers beyond 64 bits, map
/// keys that are not text or stand twice) and for what is beyond the limits, with the offset in what was
/// written; [`SerdeError::Shape`] for errors of the type's own `Serialize`.
pub fn to_vec_with<T: serde::Serialize + ?Sized>(value: &T, limits: &Limits) -> Result<Vec<u8>, SerdeError> {
    ser::Writer::write(value, limits)
}

/// Reads exactly one value as a type, within the default [`Limits`].
///
/// # Errors
///
/// Those of [`from_slice_with`].
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Pump<'a> { status: &'a str }
///
/// let pump: Pump<'_> = civic_types::cbor::from_slice(b"\xa1\x66status\x63dry")?;
/// assert_eq!(pump.status, "dry");
/// // The field that Pump does not have holds an integer that is not in its shortest form.
/// assert!(civic_types::cbor::from_slice::<Pump<'_>>(b"\xa2\x61n\x18\x01\x66status\x63dry").is_err());
/// # Ok::<(), civic_types::cbor::SerdeError>(())
/// ```
pub fn from_slice<'de, T: serde::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, SerdeError> {
    from_slice_with(bytes, &Limits::default())
}

/// Reads exactly one value as a type; text and bytes may be borrowed from `bytes`.
///
/// Every byte is judged before the type sees the first one, those of fields that it skips too: the bytes are
/// refused as not canonical exactly when [`decode_with`](super::decode_with) refuses them, with the same error.
/// A type that takes integers as floats, or both forms of a variant without content, may have other bytes
/// than those it was read from.
///
/// # Errors
///
/// [`SerdeError::Codec`] unless the bytes are canonical and within the limits; [`SerdeError::Shape`] when they
/// do not have the type's shape, with the offset of the innermost item that does not.
pub fn from_slice_with<'de, T>(bytes: &'de [u8], limits: &Limits) -> Result<T, SerdeError>
where
    T: serde::Deserialize<'de>,
{
    let mut walker = Decoder::with_limits(bytes, limits)?;
    walker.raw()?;
    walker.finish()?;
    de::Reader::read(bytes)
}

#[cfg(test)]
mod tests;
