//! A sorted list of short ids in Rice-coded gaps: about 1.5 bits above the entropy of the set.
#![warn(clippy::indexing_slicing)]

use super::ShortId;

/// Short ids are below this.
const SPACE: u64 = 1 << 48;

/// Bytes before the gaps: count u32, Rice parameter u8.
const HEAD: usize = 5;

/// Encodes strictly ascending short ids: count u32 ‖ parameter k u8 ‖ gaps.
///
/// A gap is the difference to the id before minus 1 (the first: the id itself): its quotient by 2^k as
/// that many 1 bits and a 0 bit, then k bits of remainder, most significant first; the last byte is filled
/// with 0 bits.
#[must_use]
pub fn encode_list(ids: &[ShortId]) -> Vec<u8> {
    let parameter = parameter(ids.len());
    let mut out = u32::try_from(ids.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    out.push(parameter);
    let mut bits = BitWriter { out, free: 0 };
    let mut next = 0;
    for id in ids {
        let gap = id.saturating_sub(next);
        next = id + 1;
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

/// Decodes at most `limit` short ids.
///
/// # Errors
///
/// [`ListError`] for anything that [`encode_list`] does not write.
pub fn decode_list(bytes: &[u8], limit: usize) -> Result<Vec<ShortId>, ListError> {
    let (count, rest) = bytes.split_first_chunk::<4>().ok_or(ListError::End)?;
    let (parameter, gaps) = rest.split_first().ok_or(ListError::End)?;
    let count = usize::try_from(u32::from_be_bytes(*count)).unwrap_or(usize::MAX);
    if count > limit {
        return Err(ListError::TooLong { limit });
    }
    if *parameter != self::parameter(count) {
        return Err(ListError::Parameter);
    }
    let mut bits = BitReader { bytes: gaps, at: 0 };
    // Reserved for no more ids than there are bits.
    let mut ids = Vec::with_capacity(count.min(gaps.len() * 8));
    let mut next = 0_u64;
    for _ in 0..count {
        let mut quotient = 0_u64;
        while bits.next().ok_or(ListError::End)? {
            quotient += 1;
        }
        let mut gap = quotient;
        for _ in 0..*parameter {
            gap = gap << 1 | u64::from(bits.next().ok_or(ListError::End)?);
        }
        let id = next.checked_add(gap).filter(|id| *id < SPACE && quotient < SPACE >> parameter);
        let id = id.ok_or(ListError::Range)?;
        ids.push(id);
        next = id + 1;
    }
    if bits.at.div_ceil(8) != gaps.len() || (bits.at..gaps.len() * 8).any(|_| bits.next() != Some(false)) {
        return Err(ListError::Trailing);
    }
    debug_assert_eq!(bytes.len(), HEAD + gaps.len());
    Ok(ids)
}

/// The parameter whose 2^k is just below the mean gap.
fn parameter(count: usize) -> u8 {
    let mean = SPACE / u64::try_from(count.max(1)).unwrap_or(1);
    u8::try_from(mean.checked_ilog2().unwrap_or_default().saturating_sub(1)).unwrap_or_default()
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
    /// The bytes end early.
    #[error("the list ends early")]
    End,
    /// The parameter is not the one that the count asks for.
    #[error("the list has a wrong parameter")]
    Parameter,
    /// An id of more than 48 bits.
    #[error("the list has an id out of range")]
    Range,
    /// More ids than asked for.
    #[error("the list has more than {limit} ids")]
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

    proptest! {
        #[test]
        fn lists_round_trip(ids in prop::collection::btree_set(0..SPACE, 0..200)) {
            let ids: Vec<_> = ids.into_iter().collect();
            let bytes = encode_list(&ids);
            prop_assert_eq!(decode_list(&bytes, 200).unwrap(), ids.clone());
            if !ids.is_empty() {
                let refused = matches!(decode_list(&bytes, ids.len() - 1), Err(ListError::TooLong { .. }));
                prop_assert!(refused);
            }
        }

        #[test]
        fn whatever_decodes_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(ids) = decode_list(&bytes, 1000) {
                prop_assert_eq!(encode_list(&ids), bytes);
            }
        }
    }

    #[test]
    fn a_thousand_spread_ids_cost_about_five_bytes_each() {
        let ids: Vec<u64> = (0..1000_u64).map(|i| (i * 281_474_976_710 + i * i * 7_919) % SPACE).collect();
        let mut ids = ids;
        ids.sort_unstable();
        ids.dedup();
        // The gaps alone have log2(2^48 / 1000) = 38 bits, and 1.5 are lost in coding.
        assert!(encode_list(&ids).len() * 10 < 51 * ids.len());
    }

    #[test]
    fn extremes_round_trip() {
        for ids in [vec![], vec![0], vec![SPACE - 1], vec![0, SPACE - 1], (0..300).collect()] {
            assert_eq!(decode_list(&encode_list(&ids), 300).unwrap(), ids);
        }
    }
}
