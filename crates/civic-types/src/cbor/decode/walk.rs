#![warn(clippy::indexing_slicing)]

use super::Decoder;
use crate::cbor::{Error, ErrorKind, initial, major};
use crate::value::{Float, Int, Map, Value};

impl Decoder<'_> {
    /// The value that stands here, `depth` containers deep.
    pub(super) fn nested(&mut self, depth: usize) -> Result<Value, Error> {
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
                let depth = self.deeper(depth, start)?;
                let mut list = Vec::with_capacity(count.min(PREALLOCATE));
                for _ in 0..count {
                    list.push(self.nested(depth)?);
                }
                Value::List(list)
            }
            major::MAP => {
                let count = self.count(argument, 2)?;
                let depth = self.deeper(depth, start)?;
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

    /// Walks the value that stands here with every check of [`Self::nested`], and builds nothing.
    pub(super) fn skip(&mut self, depth: usize) -> Result<(), Error> {
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
                let depth = self.deeper(depth, start)?;
                for _ in 0..count {
                    self.skip(depth)?;
                }
            }
            major::MAP => {
                let count = self.count(argument, 2)?;
                let depth = self.deeper(depth, start)?;
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
    pub(super) fn simple(&self, start: usize) -> Result<Value, Error> {
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

    const fn deeper(&self, depth: usize, offset: usize) -> Result<usize, Error> {
        if depth < self.depth { Ok(depth + 1) } else { Err(Error { kind: ErrorKind::Depth, offset }) }
    }
}

/// Elements to reserve before any was read: what comes later grows with the bytes that came.
const PREALLOCATE: usize = 64;
