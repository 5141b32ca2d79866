use crate::limits::{MAX_CBOR_DEPTH, MAX_VALUE_BYTES, MAX_VALUE_ITEMS};

/// What a whole value may cost whoever reads or writes it.
///
/// The defaults are for values that stand alone, outside versions and blocks, which have tighter bounds of
/// their own. Reading and writing under the same limits take the same values.
///
/// ```
/// use civic_types::cbor::{self, ErrorKind, Limits};
///
/// let flat = Limits::default().with_depth(1);
/// assert!(cbor::decode_with(b"\x81\x01", &flat).is_ok());
/// assert_eq!(cbor::decode_with(b"\x81\x80", &flat).unwrap_err().kind, ErrorKind::Depth);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Deepest nesting of arrays and maps, the outermost counting 1.
    ///
    /// Default [`MAX_CBOR_DEPTH`], which is also the most: it is what the stack of a phone's thread holds.
    pub depth: usize,
    /// Longest encoding in bytes. Default [`MAX_VALUE_BYTES`].
    pub bytes: usize,
    /// Most data items: containers, keys, elements, and for a link its tag and its bytes.
    ///
    /// Default [`MAX_VALUE_ITEMS`]. Bounds the memory of what is built: up to 48 bytes for each item beside its text
    /// or bytes, and twice that while lists grow.
    pub items: usize,
}

impl Limits {
    /// Depth alone: for formats whose length another limit bounds already.
    pub const DEPTH_ONLY: Self = Self { depth: MAX_CBOR_DEPTH, bytes: usize::MAX, items: usize::MAX };

    /// With another depth; more than [`MAX_CBOR_DEPTH`] counts as that.
    #[must_use]
    pub const fn with_depth(self, depth: usize) -> Self {
        let depth = if depth < MAX_CBOR_DEPTH { depth } else { MAX_CBOR_DEPTH };
        Self { depth, ..self }
    }

    /// With another number of bytes.
    #[must_use]
    pub const fn with_bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    /// With another number of items.
    #[must_use]
    pub const fn with_items(self, items: usize) -> Self {
        Self { items, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: MAX_CBOR_DEPTH, bytes: MAX_VALUE_BYTES, items: MAX_VALUE_ITEMS }
    }
}
