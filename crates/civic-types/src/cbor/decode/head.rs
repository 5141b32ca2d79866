#![warn(clippy::indexing_slicing)]

use super::Decoder;
use crate::cbor::{Error, ErrorKind, major};

impl<'a> Decoder<'a> {
    /// Major type and argument; floats and simple values give the raw argument unchecked.
    pub(super) fn head(&mut self) -> Result<(u8, u64), Error> {
        let start = self.offset;
        let error = |kind| Err(Error { kind, offset: start });
        let Some(first) = self.input.get(start) else { return error(ErrorKind::UnexpectedEnd) };
        let Some(items) = self.items.checked_sub(1) else { return error(ErrorKind::Items) };
        self.items = items;
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

    pub(super) fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
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
    pub(super) fn count(&self, count: u64, each: usize) -> Result<usize, Error> {
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() / each => Ok(count),
            _ => Err(Error { kind: ErrorKind::UnexpectedEnd, offset: self.offset }),
        }
    }
}
