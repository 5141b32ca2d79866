//! [`Decoder`]: fields one by one here, whole values in `walk`, the heads of items in `head`.

#![warn(clippy::indexing_slicing)]

mod head;
mod walk;

use super::{Error, ErrorKind, Limits, initial, major};
use crate::Cid;
use crate::value::{Float, Int, Value};

/// Reads canonical bytes piece by piece and never past their end.
///
/// Every call moves on by what it read; after an error the position is unspecified.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    input: &'a [u8],
    offset: usize,
    /// Deepest nesting of a whole value.
    depth: usize,
    /// Data items that may still be read.
    items: usize,
}

impl<'a> Decoder<'a> {
    /// At the start of `input`, under [`Limits::DEPTH_ONLY`].
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        let Limits { depth, items, .. } = Limits::DEPTH_ONLY;
        Self { input, offset: 0, depth, items }
    }

    /// At the start of `input`, under `limits`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Size`] when the input is longer than the limit, before a byte of it is read.
    pub const fn with_limits(input: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        if input.len() > limits.bytes {
            return Err(Error { kind: ErrorKind::Size, offset: limits.bytes });
        }
        Ok(Self { input, offset: 0, depth: limits.with_depth(limits.depth).depth, items: limits.items })
    }

    /// Bytes read so far.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.input.len().saturating_sub(self.offset)
    }

    /// An unsigned integer.
    ///
    /// # Errors
    ///
    /// [`Error`] unless one stands here, as for every method below.
    pub fn uint(&mut self) -> Result<u64, Error> {
        self.expect(major::UINT)
    }

    /// An unsigned integer of at most `max`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Range`] above `max`.
    pub fn uint_up_to(&mut self, max: u64) -> Result<u64, Error> {
        let offset = self.offset;
        match self.uint()? {
            value if value <= max => Ok(value),
            _ => Err(Error { kind: ErrorKind::Range, offset }),
        }
    }

    /// An integer.
    ///
    /// # Errors
    ///
    /// [`Error`] unless one stands here.
    pub fn int(&mut self) -> Result<Int, Error> {
        let offset = self.offset;
        match self.head()? {
            (major::UINT, value) => Ok(Int::from_sign_and_magnitude(false, value)),
            (major::NEGATIVE, value) => Ok(Int::from_sign_and_magnitude(true, value)),
            _ => Err(Error { kind: ErrorKind::Type, offset }),
        }
    }

    /// Bytes.
    ///
    /// # Errors
    ///
    /// [`Error`] unless they stand here.
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let length = self.expect(major::BYTES)?;
        self.take(length)
    }

    /// Exactly `N` bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Range`] for more or fewer.
    pub fn byte_array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let offset = self.offset;
        self.bytes()?.try_into().map_err(|_| Error { kind: ErrorKind::Range, offset })
    }

    /// Text.
    ///
    /// # Errors
    ///
    /// [`Error`] unless it stands here.
    pub fn text(&mut self) -> Result<&'a str, Error> {
        let offset = self.offset;
        let length = self.expect(major::TEXT)?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| Error { kind: ErrorKind::Utf8, offset })
    }

    /// Opens an array and gives its length, which is never more than the bytes left.
    ///
    /// # Errors
    ///
    /// [`Error`] unless an array stands here.
    pub fn array(&mut self) -> Result<usize, Error> {
        let length = self.expect(major::ARRAY)?;
        self.count(length, 1)
    }

    /// Opens a map and gives its number of pairs, which is never more than half the bytes left.
    ///
    /// # Errors
    ///
    /// [`Error`] unless a map stands here.
    pub fn map(&mut self) -> Result<usize, Error> {
        let length = self.expect(major::MAP)?;
        self.count(length, 2)
    }

    /// A map key that comes after `last` in canonical order, which it replaces.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::KeyType`] or [`ErrorKind::KeyOrder`].
    pub fn key(&mut self, last: &mut Option<&'a str>) -> Result<&'a str, Error> {
        let offset = self.offset;
        let key = self.text().map_err(|error| match error.kind {
            ErrorKind::Type => Error { kind: ErrorKind::KeyType, ..error },
            _ => error,
        })?;
        if last.is_some_and(|last| (last.len(), last) >= (key.len(), key)) {
            return Err(Error { kind: ErrorKind::KeyOrder, offset });
        }
        *last = Some(key);
        Ok(key)
    }

    /// A link.
    ///
    /// # Errors
    ///
    /// [`Error`] unless one stands here.
    pub fn link(&mut self) -> Result<Cid, Error> {
        self.tag_42()?;
        self.cid()
    }

    /// The bytes of a link's CID, borrowed from the input.
    ///
    /// # Errors
    ///
    /// [`Error`] unless a link stands here.
    pub fn link_bytes(&mut self) -> Result<&'a [u8], Error> {
        self.tag_42()?;
        let mut ahead = self.clone();
        self.cid()?;
        Ok(ahead.bytes()?.get(1..).unwrap_or_default())
    }

    /// A float.
    ///
    /// # Errors
    ///
    /// [`Error`] unless one stands here.
    pub fn float(&mut self) -> Result<Float, Error> {
        let offset = self.offset;
        self.expect(major::SIMPLE)?;
        match self.simple(offset)? {
            Value::Float(value) => Ok(value),
            _ => Err(Error { kind: ErrorKind::Type, offset }),
        }
    }

    /// A boolean.
    ///
    /// # Errors
    ///
    /// [`Error`] unless one stands here.
    pub fn bool(&mut self) -> Result<bool, Error> {
        let offset = self.offset;
        let value = match self.input.get(offset) {
            Some(&initial::FALSE) => false,
            Some(&initial::TRUE) => true,
            Some(_) => return Err(Error { kind: ErrorKind::Type, offset }),
            None => return Err(Error { kind: ErrorKind::UnexpectedEnd, offset }),
        };
        self.head()?;
        Ok(value)
    }

    /// Reads a null if one stands here, and says whether it did.
    pub fn try_null(&mut self) -> bool {
        self.input.get(self.offset) == Some(&initial::NULL) && self.head().is_ok()
    }

    /// The major type of what stands here.
    #[cfg(feature = "serde")]
    pub(super) fn major(&self) -> Option<u8> {
        self.input.get(self.offset).map(|first| first >> 5)
    }

    /// Whether a byte string stands here.
    #[must_use]
    pub fn at_bytes(&self) -> bool {
        self.input.get(self.offset).is_some_and(|first| first >> 5 == major::BYTES)
    }

    /// Whether an array stands here.
    #[must_use]
    pub fn at_array(&self) -> bool {
        self.input.get(self.offset).is_some_and(|first| first >> 5 == major::ARRAY)
    }

    /// A whole value, within the limits.
    ///
    /// # Errors
    ///
    /// [`Error`] unless it is canonical and within the limits.
    pub fn value(&mut self) -> Result<Value, Error> {
        self.nested(0)
    }

    /// The bytes of a whole value, walked and checked but not built.
    ///
    /// # Errors
    ///
    /// [`Error`] unless it is canonical and within the limits.
    pub fn raw(&mut self) -> Result<&'a [u8], Error> {
        let start = self.offset;
        self.skip(0)?;
        Ok(self.input.get(start..self.offset).unwrap_or_default())
    }

    /// Says that nothing may follow.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Trailing`] when something does.
    pub const fn finish(self) -> Result<(), Error> {
        if self.offset == self.input.len() {
            Ok(())
        } else {
            Err(Error { kind: ErrorKind::Trailing, offset: self.offset })
        }
    }

    fn cid(&mut self) -> Result<Cid, Error> {
        let offset = self.offset;
        let malformed = Error { kind: ErrorKind::Cid, offset };
        let bytes = self.bytes().map_err(|e| if e.kind == ErrorKind::Type { malformed } else { e })?;
        match bytes.split_first() {
            Some((0, cid)) => Cid::from_bytes(cid).map_err(|_| malformed),
            _ => Err(malformed),
        }
    }

    fn tag_42(&mut self) -> Result<(), Error> {
        let offset = self.offset;
        match self.expect(major::TAG)? {
            initial::LINK_TAG => Ok(()),
            _ => Err(Error { kind: ErrorKind::Tag, offset }),
        }
    }

    fn expect(&mut self, major: u8) -> Result<u64, Error> {
        let offset = self.offset;
        match self.head()? {
            (found, argument) if found == major => Ok(argument),
            _ => Err(Error { kind: ErrorKind::Type, offset }),
        }
    }
}
