//! What an application asks to change: [`FieldOp`] at a [`FieldPath`].

use std::fmt;

use crate::Value;
use crate::limits::{MAX_PATH_SEGMENTS, MAX_SEGMENT_BYTES};

/// Where in a document: up to 32 segments of 1..=256 bytes each; none names the document itself.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// The document itself.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Checks and takes the segments.
    ///
    /// # Errors
    ///
    /// [`PathError`] for more than 32 segments or a segment that is empty or longer than 256 bytes.
    pub fn new<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Result<Self, PathError> {
        let segments: Vec<String> =
            segments.into_iter().take(MAX_PATH_SEGMENTS + 1).map(Into::into).collect();
        if segments.len() > MAX_PATH_SEGMENTS {
            return Err(PathError::TooDeep);
        }
        match segments.iter().find(|s| s.is_empty() || s.len() > MAX_SEGMENT_BYTES) {
            Some(segment) => Err(PathError::Segment { got: segment.len() }),
            None => Ok(Self(segments)),
        }
    }

    /// This path and one segment more.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn child(&self, segment: impl Into<String>) -> Result<Self, PathError> {
        Self::new(self.0.iter().cloned().chain([segment.into()]))
    }

    /// The segments, outermost first.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Whether this is `other` or lies below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        self.0.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FieldPath({self})")
    }
}

/// One segment, taken literally: dots and slashes in it mean nothing.
impl TryFrom<&str> for FieldPath {
    type Error = PathError;

    fn try_from(segment: &str) -> Result<Self, PathError> {
        Self::new([segment])
    }
}

impl<const N: usize> TryFrom<[&str; N]> for FieldPath {
    type Error = PathError;

    fn try_from(segments: [&str; N]) -> Result<Self, PathError> {
        Self::new(segments)
    }
}

impl TryFrom<&[&str]> for FieldPath {
    type Error = PathError;

    fn try_from(segments: &[&str]) -> Result<Self, PathError> {
        Self::new(segments.iter().copied())
    }
}

/// Why segments are not a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// Empty or too long.
    #[error("a path segment has {got} bytes, not 1..={MAX_SEGMENT_BYTES}")]
    Segment {
        /// Bytes found.
        got: usize,
    },
    /// Too many segments.
    #[error("a path has more than {MAX_PATH_SEGMENTS} segments")]
    TooDeep,
}

/// One change at one path. What the document was before stays untouched elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldOp {
    /// Adds a value to the set at the path; add wins over a concurrent remove.
    Add {
        /// Where.
        path: FieldPath,
        /// The element.
        value: Value,
    },
    /// Adds a value to the grow-only set at the path; it stays for ever.
    Append {
        /// Where.
        path: FieldPath,
        /// The element.
        value: Value,
    },
    /// Makes the path a map, or empties the map there.
    Clear {
        /// Where.
        path: FieldPath,
    },
    /// Adds to the counter at the path; negative counts down.
    Increment {
        /// Where.
        path: FieldPath,
        /// How much.
        by: i64,
    },
    /// Removes a value from the set at the path.
    Remove {
        /// Where.
        path: FieldPath,
        /// The element.
        value: Value,
    },
    /// Puts a plain value at the path: a map becomes a map, everything else a register.
    Set {
        /// Where.
        path: FieldPath,
        /// The new value.
        value: Value,
    },
    /// Removes elements of the list at the path and inserts others in their place; the list is made if
    /// nothing stands there. Concurrent splices are joined.
    Splice {
        /// Where.
        path: FieldPath,
        /// Number of elements before the change, at most all.
        index: usize,
        /// Number of elements to remove.
        remove: usize,
        /// The new elements.
        insert: Vec<Value>,
    },
    /// Removes characters of the text at the path and inserts others in their place; the text is made if
    /// nothing stands there. Concurrent splices are joined. Characters are Unicode scalar values.
    SpliceText {
        /// Where.
        path: FieldPath,
        /// Number of characters before the change, at most all.
        index: usize,
        /// Number of characters to remove.
        remove: usize,
        /// The new characters.
        insert: String,
    },
    /// Removes whatever stands at the path or below.
    Unset {
        /// Where.
        path: FieldPath,
    },
}

impl FieldOp {
    /// Where this changes the document.
    #[must_use]
    pub const fn path(&self) -> &FieldPath {
        match self {
            Self::Add { path, .. }
            | Self::Append { path, .. }
            | Self::Clear { path }
            | Self::Increment { path, .. }
            | Self::Remove { path, .. }
            | Self::Set { path, .. }
            | Self::Splice { path, .. }
            | Self::SpliceText { path, .. }
            | Self::Unset { path } => path,
        }
    }
}
