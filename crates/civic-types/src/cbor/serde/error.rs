use std::fmt;

use crate::cbor::{Error, ErrorKind};

/// Why bytes and a type do not fit each other, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SerdeError {
    /// The bytes are not canonical, or no canonical bytes hold what the type has.
    #[error(transparent)]
    Codec(#[from] Error),
    /// The bytes are canonical but not of the type's shape, or the type's own code refused.
    #[error("{message} at byte {offset}")]
    Shape {
        /// What serde or the type said.
        message: String,
        /// Offset in bytes of the innermost item at fault.
        offset: usize,
    },
}

impl SerdeError {
    /// Offset in bytes of the item at fault.
    #[must_use]
    pub const fn offset(&self) -> usize {
        match self {
            Self::Codec(Error { offset, .. }) | Self::Shape { offset, .. } => *offset,
        }
    }
}

/// An error on its way through serde, which does not know where it stands until a caller says so.
#[derive(Debug)]
pub(super) struct Fault {
    cause: Cause,
    offset: Option<usize>,
}

#[derive(Debug)]
enum Cause {
    Codec(ErrorKind),
    Shape(String),
}

impl Fault {
    pub(super) fn shape(message: impl Into<String>) -> Self {
        Self { cause: Cause::Shape(message.into()), offset: None }
    }

    /// The fault stands at `offset`, unless it was placed further inside.
    pub(super) fn at(self, offset: usize) -> Self {
        Self { offset: self.offset.or(Some(offset)), ..self }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { cause: Cause::Codec(error.kind), offset: Some(error.offset) }
    }
}

impl From<ErrorKind> for Fault {
    fn from(kind: ErrorKind) -> Self {
        Self { cause: Cause::Codec(kind), offset: None }
    }
}

impl From<Fault> for SerdeError {
    fn from(fault: Fault) -> Self {
        let offset = fault.offset.unwrap_or_default();
        match fault.cause {
            Cause::Codec(kind) => Self::Codec(Error { kind, offset }),
            Cause::Shape(message) => Self::Shape { message, offset },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Codec(kind) => fmt::Display::fmt(kind, f),
            Cause::Shape(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Fault {}

impl serde::ser::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::shape(message.to_string())
    }
}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::shape(message.to_string())
    }
}
