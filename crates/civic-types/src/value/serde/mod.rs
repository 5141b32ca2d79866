//! The bridge to serde: application structs to and from [`Value`].
//!
//! Structs and maps become maps, sequences and tuples lists, `None` and `()` null, enums are tagged from
//! outside (`"Name"` or `{"Name": …}`), bytes need `serde_bytes` or `Vec<u8>` fields become lists of
//! integers. A [`Cid`](crate::Cid) field stays a link.

mod access;
mod cid;
mod de;
mod ser;

use std::fmt;

use super::Value;

/// The name that marks a newtype as a link on its way through serde.
pub(crate) const LINK: &str = "$civic_types::Cid";

/// Turns anything serialisable into a value.
///
/// # Errors
///
/// [`Error`] for what DAG-CBOR cannot hold: NaN, infinities, integers beyond 64 bits, map keys that are
/// not text, and for errors of the type's own `Serialize`.
///
/// ```
/// #[derive(serde::Serialize)]
/// struct Pump { status: String, needs: u32 }
///
/// let value = civic_types::to_value(&Pump { status: "dry".into(), needs: 2 })?;
/// assert_eq!(value, civic_types::value!({"status": "dry", "needs": 2}));
/// # Ok::<(), civic_types::value::SerdeError>(())
/// ```
pub fn to_value<T: serde::Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    value.serialize(ser::ValueSerializer)
}

/// Reads a value as a type.
///
/// # Errors
///
/// [`Error`] when the value does not have the type's shape; a missing field names itself.
pub fn from_value<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(de::ValueDeserializer(value))
}

/// Why a type and a value do not fit each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Mismatch>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mismatch {
    message: String,
    /// Innermost first.
    path: Vec<String>,
}

impl Error {
    /// Where in the value: map keys and list indices, outermost first; empty for the value itself and where
    /// a type is written.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        self.0.path.iter().rev().map(String::as_str)
    }

    fn within(mut self, place: String) -> Self {
        self.0.path.push(place);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if self.0.path.is_empty() {
            return Ok(());
        }
        f.write_str(" at ")?;
        self.path().try_for_each(|place| write!(f, "/{place}"))
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(Mismatch { message: message.to_string(), path: Vec::new() }))
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(Mismatch { message: message.to_string(), path: Vec::new() }))
    }
}

#[cfg(test)]
mod tests;
