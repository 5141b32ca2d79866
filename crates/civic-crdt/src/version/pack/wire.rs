#![warn(clippy::indexing_slicing)]

use super::PackError;

/// Writes the pieces of a pack.
#[derive(Debug, Default)]
pub(super) struct Output(pub(super) Vec<u8>);

impl Output {
    pub(super) fn uint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.0.push(low & 0x7f);
            }
            self.0.push(low | 0x80);
        }
    }

    pub(super) fn zigzag(&mut self, from: u64, to: u64) {
        // Both are stamps below 2^48, so the difference and its double fit.
        if to >= from { self.uint((to - from) << 1) } else { self.uint(((from - to) << 1) - 1) }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn prefixed(&mut self, bytes: &[u8]) {
        self.uint(super::count(bytes.len()));
        self.bytes(bytes);
    }
}

/// Reads the pieces of a pack and never past their end.
#[derive(Debug)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn uint(&mut self) -> Result<u64, PackError> {
        let mut value = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.array()?;
            let part = u64::from(byte & 0x7f);
            if (part << shift) >> shift != part {
                return Err(PackError::Number);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err(PackError::Number) } else { Ok(value) };
            }
        }
        Err(PackError::Number)
    }

    /// A count that is at most `limit`.
    pub(super) fn count(&mut self, what: &'static str, limit: usize) -> Result<usize, PackError> {
        match usize::try_from(self.uint()?) {
            Ok(count) if count <= limit => Ok(count),
            _ => Err(PackError::Limit { what, limit }),
        }
    }

    pub(super) fn zigzag(&mut self, from: u64) -> Result<u64, PackError> {
        let coded = self.uint()?;
        let by = coded.div_ceil(2);
        let to = if coded % 2 == 0 { from.checked_add(by) } else { from.checked_sub(by) };
        to.ok_or(PackError::Number)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PackError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(PackError::End)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(super) fn prefixed(&mut self, what: &'static str, limit: usize) -> Result<&'a [u8], PackError> {
        let length = self.count(what, limit)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(PackError::End)?;
        self.0 = rest;
        Ok(bytes)
    }
}
