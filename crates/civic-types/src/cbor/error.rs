use std::fmt;

/// Why bytes are not canonical, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct Error {
    /// The offence.
    pub kind: ErrorKind,
    /// Offset in bytes of the item at fault.
    pub offset: usize,
}

/// What is wrong with an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A link whose bytes are not 0x00 and a well-formed CID.
    Cid,
    /// Arrays and maps nest too deep.
    Depth,
    /// A float that is not finite or not in 64 bits.
    Float,
    /// An indefinite length or a break.
    Indefinite,
    /// More data items than the limit.
    Items,
    /// Map keys that are not strictly ascending, or a key that stands twice.
    KeyOrder,
    /// A map key that is not text.
    KeyType,
    /// A length or an integer that is not in its shortest form.
    NonMinimal,
    /// An integer or length outside the range that the field takes.
    Range,
    /// Reserved additional information.
    Reserved,
    /// A simple value other than false, true and null.
    Simple,
    /// More bytes than the limit.
    Size,
    /// A tag other than 42.
    Tag,
    /// Bytes behind the value.
    Trailing,
    /// A type other than the field's.
    Type,
    /// The bytes end inside the value.
    UnexpectedEnd,
    /// Text that is not UTF-8.
    Utf8,
}

impl ErrorKind {
    /// The name in kebab case, for machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cid => "cid",
            Self::Depth => "depth",
            Self::Float => "float",
            Self::Indefinite => "indefinite",
            Self::Items => "items",
            Self::KeyOrder => "key-order",
            Self::KeyType => "key-type",
            Self::NonMinimal => "non-minimal",
            Self::Range => "range",
            Self::Reserved => "reserved",
            Self::Simple => "simple",
            Self::Size => "size",
            Self::Tag => "tag",
            Self::Trailing => "trailing",
            Self::Type => "type",
            Self::UnexpectedEnd => "unexpected-end",
            Self::Utf8 => "utf8",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cid => "malformed link",
            Self::Depth => "nesting too deep",
            Self::Float => "float not finite or not 64 bits",
            Self::Indefinite => "indefinite length",
            Self::Items => "too many items",
            Self::KeyOrder => "map keys not strictly ascending",
            Self::KeyType => "map key not text",
            Self::NonMinimal => "integer not in its shortest form",
            Self::Range => "integer out of range",
            Self::Reserved => "reserved additional information",
            Self::Simple => "simple value not allowed",
            Self::Size => "too many bytes",
            Self::Tag => "tag not allowed",
            Self::Trailing => "bytes behind the value",
            Self::Type => "unexpected type",
            Self::UnexpectedEnd => "unexpected end",
            Self::Utf8 => "text not UTF-8",
        })
    }
}
