//! [`Value`]: the data model of DAG-CBOR, and what documents are made of.

mod access;
mod convert;
mod dag_json;
mod macros;
mod map;
mod number;
#[cfg(feature = "serde")]
mod serde;

pub use dag_json::ReservedKey;
pub use map::{Iter, Map};
pub use number::{Float, Int, OutOfRange};
#[cfg(feature = "serde")]
pub(crate) use serde::LINK;
#[cfg(feature = "serde")]
pub use serde::{Error as SerdeError, from_value, to_value};

use crate::Cid;

/// Any value that canonical DAG-CBOR can hold; two values are equal iff their bytes are.
///
/// ```
/// use civic_types::value;
///
/// let pump = value!({"status": "dry", "needs": 2});
/// assert_eq!(pump["status"], value!("dry"));
/// assert_eq!(pump["nothing"], value!(null));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Value {
    /// Null, also what a missing field reads as.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer of -2^64..2^64.
    Int(Int),
    /// A finite float.
    Float(Float),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// An ordered list.
    List(Vec<Self>),
    /// A map with text keys, in canonical order.
    Map(Map),
    /// A link to content.
    Link(Cid),
}

#[cfg(test)]
mod tests;
