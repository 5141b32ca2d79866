//! A sorted list of short ids, or of their first bits, in Rice-coded gaps: about 1.5 bits above the entropy of
//! the set.
#![warn(clippy::indexing_slicing)]

use super::{SHORT_ID_BITS, ShortId};

/// Bytes before the gaps: count u32, bits u8.
const HEAD: usize = 5;

/// The first bits of short ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// Bits of each, 1..=48.
    pub bits: u8,
    /// Their values, strictly ascending.
    pub values: Vec<u64>,
}

impl Prefixes {
    /// The prefixes of ascending short ids; ids with the same one give one.
    #[must_use]
    pub fn of(ids: &[ShortId], bits: u8) -> Self {
        let bits = bits.clamp(1, SHORT_ID_BITS);
        let mut values: Vec<u64> = ids.iter().map(|id| prefix(*id, bits)).collect();
        values.dedup();
        Self { bits, values }
    }

    /// Bits at which the prefixes of different ids of two sets of `ours` and `theirs` all differ, but for one case
    /// in 4096.
    #[must_use]
    pub fn bits_to_compare(ours: u64, theirs: u64) -> u8 {
        bits_of(ours).saturating_add(bits_of(theirs)).saturating_add(12).min(SHORT_ID_BITS)
    }

    /// Bits at which one of `count` ids is named so that another is meant too in one case of 256.
    #[must_use]
    pub fn bits_to_name(count: u64) -> u8 {
        bits_of(count).saturating_add(8).min(SHORT_ID_BITS)
    }

    /// Bytes of the list of so many prefixes of so many bits, about.
    #[must_use]
    pub fn list_bytes(count: u64, bits: u8) -> u64 {
        let each = u64::from(bits.saturating_sub(bits_of(count))) * 8 + 16;
        HEAD as u64 + count.saturating_mul(each) / 64
    }

    /// Encodes them: count u32 ‖ bits u8 ‖ gaps.
    ///
    /// A gap is the difference to the value before minus 1 (the first: the value itself): its quotient by 2^k
    /// as that many 1 bits and a 0 bit, then k bits of remainder, most significant first; the last byte is
    /// filled with 0 bits. k is one less than the binary logarithm of 2^bits / count, rounded down.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let parameter = parameter(self.values.len(), self.bits);
        let mut out = u32::try_from(self.values.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        out.push(self.bits);
        let mut bits = BitWriter { out, free: 0 };
        let mut next = 0;
        for value in &self.values {
            let gap = value.saturating_sub(next);
            next = value + 1;
            for _ in 0..gap >> parameter {
                bits.push(true);
            }
            bits.push(false);
            for bit in (0..parameter).rev() {
                bits.push(gap >> bit & 1 == 1);
            }
        }
        bits.out
    }

    /// Decodes at most `limit` prefixes.
    ///
    /// # Errors
    ///
    /// [`ListError`] for anything that [`encode`](Self::encode) does not write.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Self, ListError> {
        let (count, rest) = bytes.split_first_chunk::<4>().ok_or(ListError::End)?;
        let (width, gaps) = rest.split_first().ok_or(ListError::End)?;
        let count = usize::try_from(u32::from_be_bytes(*count)).unwrap_or(usize::MAX);
        if count > limit {
            return Err(ListError::TooLong { limit });
        }
        if !(1..=SHORT_ID_BITS).contains(width) {
            return Err(ListError::Bits);
        }
        let (space, parameter) = (1_u64 << *width, parameter(count, *width));
        let mut bits = BitReader { bytes: gaps, at: 0 };
        // Reserved for no more values than there are bits.
        let mut values = Vec::with_capacity(count.min(gaps.len() * 8));
        let mut next = 0_u64;
        for _ in 0..count {
            let mut quotient = 0_u64;
            while bits.next().ok_or(ListError::End)? {
                quotient += 1;
            }
            let mut gap = quotient;
            for _ in 0..parameter {
                gap = gap << 1 | u64::from(bits.next().ok_or(ListError::End)?);
            }
            let value = next.checked_add(gap).filter(|value| *value < space && quotient < space >> parameter);
            let value = value.ok_or(ListError::Range)?;
            values.push(value);
            next = value + 1;
        }
        if bits.at.div_ceil(8) != gaps.len() || (bits.at..gaps.len() * 8).any(|_| bits.next() != Some(false))
        {
            return Err(ListError::Trailing);
        }
        debug_assert_eq!(bytes.len(), HEAD + gaps.len());
        Ok(Self { bits: *width, values })
    }
}

/// The first bits of a short id.
#[must_use]
pub const fn prefix(id: ShortId, bits: u8) -> u64 {
    id >> SHORT_ID_BITS.saturating_sub(bits)
}

/// The parameter whose 2^k is just below the mean gap.
fn parameter(count: usize, bits: u8) -> u8 {
    let mean = (1_u64 << bits) / u64::try_from(count.max(1)).unwrap_or(1);
    u8::try_from(mean.checked_ilog2().unwrap_or_default().saturating_sub(1)).unwrap_or_default()
}

/// The binary logarithm, rounded up.
fn bits_of(count: u64) -> u8 {
    u8::try_from(u64::BITS - count.saturating_sub(1).leading_zeros()).unwrap_or(u8::MAX)
}

struct BitWriter {
    out: Vec<u8>,
    /// Bits of the last byte not yet used.
    free: u8,
}

impl BitWriter {
    fn push(&mut self, bit: bool) {
        if self.free == 0 {
            self.out.push(0);
            self.free = 8;
        }
        self.free -= 1;
        if let Some(last) = self.out.last_mut() {
            *last |= u8::from(bit) << self.free;
        }
    }
}

struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl BitReader<'_> {
    fn next(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1 == 1;
        self.at += 1;
        Some(bit)
    }
}

/// Why bytes are no list of short ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// Prefixes of no bits or of more than 48.
    #[error("the list has prefixes of a wrong width")]
    Bits,
    /// The bytes end early.
    #[error("the list ends early")]
    End,
    /// A value of more bits than it says.
    #[error("the list has a value out of range")]
    Range,
    /// More values than asked for.
    #[error("the list has more than {limit} values")]
    TooLong {
        /// Taken at most.
        limit: usize,
    },
    /// Bytes or set bits behind the last id.
    #[error("bits follow the list")]
    Trailing,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: Vec<u64>, bits: u8) -> Prefixes {
        Prefixes { bits, values }
    }

    proptest! {
        #[test]
        fn lists_round_trip(values in prop::collection::btree_set(0..1_u64 << 48, 0..200), bits in 1..=48_u8) {
            let ids: Vec<_> = values.into_iter().collect();
            let prefixes = Prefixes::of(&ids, bits);
            let bytes = prefixes.encode();
            prop_assert_eq!(Prefixes::decode(&bytes, 200).unwrap(), prefixes.clone());
            if !ids.is_empty() {
                let limit = prefixes.values.len() - 1;
                let refused = matches!(Prefixes::decode(&bytes, limit), Err(ListError::TooLong { .. }));
                prop_assert!(refused);
            }
        }

        #[test]
        fn whatever_decodes_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(prefixes) = Prefixes::decode(&bytes, 1000) {
                prop_assert_eq!(prefixes.encode(), bytes);
            }
        }
    }

    #[test]
    fn the_bytes_of_a_list_are_foreseen_within_a_tenth() {
        for (count, bits) in [(1000_u64, 48), (1000, 40), (10_000, 25), (37, 30)] {
            let spread = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16) % (1 << 48);
            let mut ids: Vec<u64> = (0..count).map(spread).collect();
            ids.sort_unstable();
            let (real, foreseen) =
                (Prefixes::of(&ids, bits).encode().len() as u64, Prefixes::list_bytes(count, bits));
            assert!(real.abs_diff(foreseen) * 10 <= real, "{count} of {bits} bits: {real}, not {foreseen}");
        }
    }

    #[test]
    fn extremes_round_trip() {
        let last = (1 << 48) - 1;
        for values in [vec![], vec![0], vec![last], vec![0, last], (0..300).collect()] {
            let prefixes = of(values, 48);
            assert_eq!(Prefixes::decode(&prefixes.encode(), 300).unwrap(), prefixes);
        }
        for bits in [0, 49, 255] {
            assert_eq!(Prefixes::decode(&[0, 0, 0, 0, bits], 9), Err(ListError::Bits));
        }
        assert_eq!(Prefixes::decode(&of(vec![0, 1], 1).encode(), 2).unwrap().values, [0, 1]);
    }
}
