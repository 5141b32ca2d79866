use std::fmt;
use std::ops::Index;

use data_encoding::HEXLOWER;

use super::Value;
use crate::Cid;

static NULL: Value = Value::Null;

impl Value {
    /// The boolean, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The integer, if it is one that an `i64` holds.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Int(value) = self { (*value).try_into().ok() } else { None }
    }

    /// The integer, if it is one that a `u64` holds.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        if let Self::Int(value) = self { (*value).try_into().ok() } else { None }
    }

    /// The float, if it is one.
    #[must_use]
    pub const fn as_f64(&self) -> Option<f64> {
        if let Self::Float(value) = self { Some(value.get()) } else { None }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(value) = self { Some(value) } else { None }
    }

    /// The bytes, if they are some.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(value) = self { Some(value) } else { None }
    }

    /// The list, if it is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(value) = self { Some(value) } else { None }
    }

    /// The map, if it is one.
    #[must_use]
    pub const fn as_map(&self) -> Option<&super::Map> {
        if let Self::Map(value) = self { Some(value) } else { None }
    }

    /// The link, if it is one.
    #[must_use]
    pub const fn as_link(&self) -> Option<&Cid> {
        if let Self::Link(value) = self { Some(value) } else { None }
    }

    /// Whether it is null.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value at a path of map keys; `None` where a key is missing or a step is no map.
    #[must_use]
    pub fn get<S: AsRef<str>>(&self, path: &[S]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.as_map()?.get(key.as_ref()))
    }

    /// How deep it nests: a scalar is 0, an empty list 1.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::List(values) => 1 + values.iter().map(Self::depth).max().unwrap_or_default(),
            Self::Map(map) => 1 + map.iter().map(|(_, value)| value.depth()).max().unwrap_or_default(),
            _ => 0,
        }
    }
}

/// The value of a key; null where there is none.
impl Index<&str> for Value {
    type Output = Self;

    fn index(&self, key: &str) -> &Self {
        self.as_map().and_then(|map| map.get(key)).unwrap_or(&NULL)
    }
}

/// The element of a list; null where there is none.
impl Index<usize> for Value {
    type Output = Self;

    fn index(&self, at: usize) -> &Self {
        self.as_list().and_then(|list| list.get(at)).unwrap_or(&NULL)
    }
}

/// For people: JSON-like, with bytes in hexadecimal and links as their text. Not an encoding.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{:?}", value.get()),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::Bytes(value) => write!(f, "h'{}'", HEXLOWER.encode(value)),
            Self::List(values) => {
                f.write_str("[")?;
                for (i, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Map(map) => {
                f.write_str("{")?;
                for (i, (key, value)) in map.iter().enumerate() {
                    write!(f, "{}{key:?}: {value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            Self::Link(cid) => write!(f, "{cid}"),
        }
    }
}
