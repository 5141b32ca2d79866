#![warn(clippy::indexing_slicing)]

use super::{Error, ErrorKind, initial, major};
use crate::Cid;
use crate::limits::MAX_CBOR_DEPTH;
use crate::value::{Float, Int, Map, Value};

/// Reads canonical bytes piece by piece and never past their end.
///
/// Every call moves on by what it read; after an error the position is unspecified.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    input: &'a [u8],
    offset: usize,
}

impl<'a> Decoder<'a> {
    /// At the start of `input`.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { input, offset: 0 }
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
        let length = self.expect(major::TEXT)?;
        let offset = self.offset;
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
        let offset = self.offset;
        match self.expect(major::TAG)? {
            initial::LINK_TAG => self.cid(),
            _ => Err(Error { kind: ErrorKind::Tag, offset }),
        }
    }

    /// A boolean.
    ///
    /// # Errors
    ///
    /// [`Error`] unless one stands here.
    pub fn bool(&mut self) -> Result<bool, Error> {
        let value = match self.input.get(self.offset) {
            Some(&initial::FALSE) => false,
            Some(&initial::TRUE) => true,
            Some(_) => return Err(Error { kind: ErrorKind::Type, offset: self.offset }),
            None => return Err(Error { kind: ErrorKind::UnexpectedEnd, offset: self.offset }),
        };
        self.offset += 1;
        Ok(value)
    }

    /// Reads a null if one stands here, and says whether it did.
    pub fn try_null(&mut self) -> bool {
        let null = self.input.get(self.offset) == Some(&initial::NULL);
        self.offset += usize::from(null);
        null
    }

    /// Whether a byte string stands here.
    #[must_use]
    pub fn at_bytes(&self) -> bool {
        self.input.get(self.offset).is_some_and(|first| first >> 5 == major::BYTES)
    }

    /// A whole value, at most [`MAX_CBOR_DEPTH`] deep.
    ///
    /// # Errors
    ///
    /// [`Error`] unless it is canonical.
    pub fn value(&mut self) -> Result<Value, Error> {
        self.nested(0)
    }

    /// The bytes of a whole value, walked and checked but not built.
    ///
    /// # Errors
    ///
    /// [`Error`] unless it is canonical.
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

    fn nested(&mut self, depth: usize) -> Result<Value, Error> {
        let start = self.offset;
        let error = |kind| Error { kind, offset: start };
        let (major, argument) = self.head()?;
        Ok(match major {
            major::UINT => Value::Int(Int::from_sign_and_magnitude(false, argument)),
            major::NEGATIVE => Value::Int(Int::from_sign_and_magnitude(true, argument)),
            major::BYTES => Value::Bytes(self.take(argument)?.to_vec()),
            major::TEXT => {
                let bytes = self.take(argument)?;
                Value::Text(std::str::from_utf8(bytes).map_err(|_| error(ErrorKind::Utf8))?.to_owned())
            }
            major::ARRAY => {
                let count = self.count(argument, 1)?;
                let depth = deeper(depth, start)?;
                let mut list = Vec::with_capacity(count.min(PREALLOCATE));
                for _ in 0..count {
                    list.push(self.nested(depth)?);
                }
                Value::List(list)
            }
            major::MAP => {
                let count = self.count(argument, 2)?;
                let depth = deeper(depth, start)?;
                let mut last = None;
                let mut map = Map::with_capacity(count.min(PREALLOCATE));
                for _ in 0..count {
                    let key = self.key(&mut last)?;
                    map.push_greatest(key, self.nested(depth)?);
                }
                Value::Map(map)
            }
            major::TAG if argument == initial::LINK_TAG => Value::Link(self.cid()?),
            major::TAG => return Err(error(ErrorKind::Tag)),
            _ => self.simple(start)?,
        })
    }

    fn skip(&mut self, depth: usize) -> Result<(), Error> {
        let start = self.offset;
        let (major, argument) = self.head()?;
        match major {
            major::UINT | major::NEGATIVE => {}
            major::BYTES => drop(self.take(argument)?),
            major::TEXT => {
                let bytes = self.take(argument)?;
                std::str::from_utf8(bytes).map_err(|_| Error { kind: ErrorKind::Utf8, offset: start })?;
            }
            major::ARRAY => {
                let count = self.count(argument, 1)?;
                let depth = deeper(depth, start)?;
                for _ in 0..count {
                    self.skip(depth)?;
                }
            }
            major::MAP => {
                let count = self.count(argument, 2)?;
                let depth = deeper(depth, start)?;
                let mut last = None;
                for _ in 0..count {
                    self.key(&mut last)?;
                    self.skip(depth)?;
                }
            }
            major::TAG if argument == initial::LINK_TAG => drop(self.cid()?),
            major::TAG => return Err(Error { kind: ErrorKind::Tag, offset: start }),
            _ => drop(self.simple(start)?),
        }
        Ok(())
    }

    /// A value of major type 7 whose initial byte stands at `start`; its argument has been read.
    fn simple(&self, start: usize) -> Result<Value, Error> {
        let kind = match self.input.get(start) {
            Some(&initial::FALSE) => return Ok(Value::Bool(false)),
            Some(&initial::TRUE) => return Ok(Value::Bool(true)),
            Some(&initial::NULL) => return Ok(Value::Null),
            Some(&initial::FLOAT_64) => {
                let bits = self
                    .input
                    .get(start + 1..)
                    .and_then(|rest| rest.first_chunk())
                    .copied()
                    .unwrap_or_default();
                match Float::new(f64::from_be_bytes(bits)) {
                    Some(value) => return Ok(Value::Float(value)),
                    None => ErrorKind::Float,
                }
            }
            Some(0xf9 | 0xfa) => ErrorKind::Float,
            _ => ErrorKind::Simple,
        };
        Err(Error { kind, offset: start })
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

    fn expect(&mut self, major: u8) -> Result<u64, Error> {
        let offset = self.offset;
        match self.head()? {
            (found, argument) if found == major => Ok(argument),
            _ => Err(Error { kind: ErrorKind::Type, offset }),
        }
    }

    /// Major type and argument; floats and simple values give the raw argument unchecked.
    fn head(&mut self) -> Result<(u8, u64), Error> {
        let start = self.offset;
        let error = |kind| Err(Error { kind, offset: start });
        let Some(first) = self.input.get(start) else { return error(ErrorKind::UnexpectedEnd) };
        let (major, info) = (first >> 5, first & 0x1f);
        self.offset += 1;
        let length = match info {
            0..=23 => return Ok((major, u64::from(info))),
            24..=27 => 1_usize << (info - 24),
            31 if major == major::UINT || major == major::NEGATIVE || major == major::TAG => {
                return error(ErrorKind::Reserved);
            }
            31 => return error(ErrorKind::Indefinite),
            _ => return error(ErrorKind::Reserved),
        };
        let Some(bytes) = self.input.get(self.offset..self.offset + length) else {
            return error(ErrorKind::UnexpectedEnd);
        };
        self.offset += length;
        let argument = bytes.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        let least =
            [24, 0x100, 0x1_0000, 0x1_0000_0000].get(usize::from(info - 24)).copied().unwrap_or_default();
        if major != major::SIMPLE && argument < least {
            return error(ErrorKind::NonMinimal);
        }
        Ok((major, argument))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let end = usize::try_from(length).ok().and_then(|length| self.offset.checked_add(length));
        match end.and_then(|end| self.input.get(self.offset..end)) {
            Some(bytes) => {
                self.offset += bytes.len();
                Ok(bytes)
            }
            None => Err(Error { kind: ErrorKind::UnexpectedEnd, offset: self.offset }),
        }
    }

    /// Refuses a count that the bytes left cannot hold at `each` bytes an element.
    fn count(&self, count: u64, each: usize) -> Result<usize, Error> {
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() / each => Ok(count),
            _ => Err(Error { kind: ErrorKind::UnexpectedEnd, offset: self.offset }),
        }
    }
}

/// Elements to reserve before any was read: what comes later grows with the bytes that came.
const PREALLOCATE: usize = 64;

const fn deeper(depth: usize, offset: usize) -> Result<usize, Error> {
    if depth < MAX_CBOR_DEPTH { Ok(depth + 1) } else { Err(Error { kind: ErrorKind::Depth, offset }) }
}
