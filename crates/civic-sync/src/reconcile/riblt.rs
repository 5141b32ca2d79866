//! A rateless invertible Bloom lookup table over short ids.
//!
//! The sender streams coded symbols, each the sum of a pseudo-random part of its set; the receiver takes
//! its own set away and peels what is left until nothing is. About 1.35 symbols an id of difference are
//! enough, however large the sets. Source: Yang et al., *Practical Rateless Set Reconciliation*, 2024.
#![warn(clippy::indexing_slicing)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::ShortId;

/// Bytes of a symbol on the wire: sum 6, check 2, count 1.
pub const SYMBOL_BYTES: usize = 9;

/// Most symbols of one exchange; beyond it a list is shorter.
pub const MAX_SYMBOLS: usize = 65_536;

/// One coded symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// Exclusive or of the ids.
    pub sum: ShortId,
    /// Exclusive or of their checks.
    pub check: u16,
    /// Number of ids, modulo 256.
    pub count: u8,
}

impl Symbol {
    /// Sum 6 ‖ check 2 ‖ count 1, big-endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; SYMBOL_BYTES] {
        let mut bytes = [0; SYMBOL_BYTES];
        for (to, from) in bytes.iter_mut().zip(self.sum.to_be_bytes().into_iter().skip(2)) {
            *to = from;
        }
        for (to, from) in bytes.iter_mut().skip(6).zip(self.check.to_be_bytes()) {
            *to = from;
        }
        bytes[SYMBOL_BYTES - 1] = self.count;
        bytes
    }

    /// Reads [`to_bytes`](Self::to_bytes).
    #[must_use]
    pub fn from_bytes(bytes: &[u8; SYMBOL_BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, count] = *bytes;
        let sum = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        Self { sum, check: u16::from_be_bytes([g, h]), count }
    }

    pub(super) fn toggle(&mut self, id: ShortId, by: i8) {
        self.sum ^= id;
        self.check ^= check(id);
        self.count = self.count.wrapping_add_signed(by);
    }

    const fn is_empty(self) -> bool {
        self.sum == 0 && self.check == 0 && self.count == 0
    }
}

/// Finds the difference between a received stream of symbols and the own set's.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    symbols: Vec<Symbol>,
    /// How many of them are not empty.
    unexplained: usize,
    /// Counts of the other set less those of ours, modulo 256, as they came.
    counts: Vec<u8>,
    /// Ids found so far, true when only the sender has it.
    found: Vec<(ShortId, bool)>,
    known: HashSet<ShortId>,
    /// Found ids whose share of later symbols is still to be taken away.
    pending: BinaryHeap<Reverse<(u64, Walk, bool)>>,
}

/// What a decoder found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Ids that only the sender has, ascending.
    pub theirs: Vec<ShortId>,
    /// Ids that only the receiver has, ascending.
    pub ours: Vec<ShortId>,
}

impl Decoder {
    /// Nothing was received.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Symbols taken so far.
    #[must_use]
    pub const fn received(&self) -> usize {
        self.symbols.len()
    }

    /// Takes the next symbol of the stream, with our own of the same number; those beyond [`MAX_SYMBOLS`] are
    /// ignored.
    pub fn push(&mut self, received: Symbol, own: Symbol) {
        if self.symbols.len() >= MAX_SYMBOLS {
            return;
        }
        let index = self.symbols.len() as u64;
        let mut symbol = Symbol {
            sum: received.sum ^ own.sum,
            check: received.check ^ own.check,
            count: received.count.wrapping_sub(own.count),
        };
        self.counts.push(symbol.count);
        while let Some(mut top) = self.pending.peek_mut() {
            let Reverse((at, walk, theirs)) = &mut *top;
            if *at != index {
                break;
            }
            symbol.toggle(walk.id, if *theirs { -1 } else { 1 });
            *at = walk.advance(*at);
        }
        self.unexplained += usize::from(!symbol.is_empty());
        self.symbols.push(symbol);
        self.peel(self.symbols.len() - 1);
    }

    /// The difference, once every symbol is explained.
    #[must_use]
    pub fn decoded(&self) -> Option<Decoded> {
        // The first symbol sums every id, so it is the last to become empty.
        if self.symbols.is_empty() || self.unexplained > 0 {
            return None;
        }
        let mut decoded = Decoded::default();
        for (id, theirs) in &self.found {
            if *theirs { decoded.theirs.push(*id) } else { decoded.ours.push(*id) }
        }
        decoded.theirs.sort_unstable();
        decoded.ours.sort_unstable();
        Some(decoded)
    }

    /// How large the difference is, from the counts received so far; `ours` and `theirs` are the sizes of the
    /// sets. The standard error is a share of √(2 / symbols).
    ///
    /// An id is part of symbol i with probability p, so the symbol's count differs by a number of mean
    /// p · (theirs - ours) and variance p · (1 - p) · difference.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, of numbers far below 2^52"
    )]
    pub fn estimate(&self, ours: u64, theirs: u64) -> u64 {
        let excess = theirs as f64 - ours as f64;
        let (mut sum, mut weights) = (0.0, 0.0);
        for (index, count) in self.counts.iter().enumerate().skip(1) {
            let p = 1.0 / (1.0 + index as f64 / 2.0);
            let variance = p * (1.0 - p);
            // The count is known modulo 256: take the value nearest to what is expected.
            let residual = (f64::from(*count) - p * excess).rem_euclid(256.0);
            let residual = if residual >= 128.0 { residual - 256.0 } else { residual };
            // Where less than one id is expected, a symbol says less.
            let weight = (self.counts.len() as f64 * variance).min(1.0);
            sum += weight * residual * residual / variance;
            weights += weight;
        }
        let estimate = if weights > 0.0 { (sum / weights).ceil() as u64 } else { 0 };
        estimate.clamp(ours.abs_diff(theirs), ours.saturating_add(theirs))
    }

    /// Takes single ids out of symbols until no symbol holds exactly one.
    fn peel(&mut self, from: usize) {
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            let Some(symbol) = self.symbols.get(at).copied() else { continue };
            let theirs = match symbol.count {
                1 => true,
                0xff => false,
                _ => continue,
            };
            // A symbol that only looks single: its check or its index gives it away, and no more ids can be
            // found than symbols came.
            let single = symbol.check == check(symbol.sum) && maps_to(symbol.sum, at as u64);
            if !single || self.found.len() >= self.symbols.len() || !self.known.insert(symbol.sum) {
                continue;
            }
            self.found.push((symbol.sum, theirs));
            let mut walk = Walk::new(symbol.sum);
            let mut index = 0;
            while let Some(cell) = usize::try_from(index).ok().and_then(|index| self.symbols.get_mut(index)) {
                let before = usize::from(!cell.is_empty());
                cell.toggle(symbol.sum, if theirs { -1 } else { 1 });
                self.unexplained = self.unexplained + usize::from(!cell.is_empty()) - before;
                open.extend(usize::try_from(index));
                index = walk.advance(index);
            }
            self.pending.push(Reverse((index, walk, theirs)));
        }
    }
}

/// The pseudo-random indices that one id is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Walk {
    id: ShortId,
    state: u64,
}

impl Walk {
    pub(super) const fn new(id: ShortId) -> Self {
        Self { id, state: mix(id) }
    }

    /// The index after `index`: an id is part of symbol i with probability 1 / (1 + i / 2).
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "indices stay far below 2^52, and larger ones are never reached"
    )]
    pub(super) fn advance(&mut self, index: u64) -> u64 {
        self.state = mix(self.state);
        let uniform = (self.state >> 32) as f64 + 1.0;
        let gap = (index as f64 + 1.5) * (TWO_32 / uniform).sqrt() - (index as f64 + 1.5);
        index.saturating_add((gap.ceil() as u64).max(1))
    }
}

const TWO_32: f64 = 4_294_967_296.0;

/// Whether an id is part of the symbol at that index.
fn maps_to(id: ShortId, index: u64) -> bool {
    let mut walk = Walk::new(id);
    let mut at = 0;
    while at < index {
        at = walk.advance(at);
    }
    at == index
}

/// 16 bits that tell a single id from a sum of several.
const fn check(id: ShortId) -> u16 {
    let mixed = mix(id ^ 0xc1_71_c8_a5_e5_17_3b_29).to_le_bytes();
    u16::from_le_bytes([mixed[0], mixed[1]])
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): ids are keyed hashes already, so this needs to
/// spread, not to resist.
const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
mod tests {
    use super::*;
    use crate::reconcile::Sketch;

    fn ids(seed: u64, count: u64) -> Vec<ShortId> {
        (0..count).map(|i| mix(seed << 32 | i) >> 16).collect()
    }

    /// What both lack, the symbols it took, and the largest error of an estimate from 64 symbols or more, in
    /// parts of the standard error.
    fn reconcile(theirs: &[ShortId], ours: &[ShortId]) -> (Decoded, usize, f64) {
        let (a, b) = (Sketch::of(theirs, 4096), Sketch::of(ours, 4096));
        let mut decoder = Decoder::new();
        let mut estimates = Vec::new();
        for (received, own) in a.symbols().iter().zip(b.symbols()) {
            decoder.push(*received, *own);
            if decoder.received() >= 64 {
                estimates
                    .push((decoder.received(), decoder.estimate(ours.len() as u64, theirs.len() as u64)));
            }
            if let Some(decoded) = decoder.decoded() {
                let d = (decoded.theirs.len() + decoded.ours.len()) as f64;
                let error = |(m, e): &(usize, u64)| (*e as f64 - d).abs() / (d * (2.0 / *m as f64).sqrt());
                let worst = estimates.iter().map(error).fold(0.0, f64::max);
                return (decoded, decoder.received(), worst);
            }
        }
        panic!("{} symbols were not enough", decoder.received());
    }

    #[test]
    fn differences_of_every_size_are_found_in_about_1_35_symbols_each_and_foreseen() {
        let common = ids(1, 5000);
        for d in [0, 1, 2, 10, 100, 1000] {
            for (of_a, of_b) in [(d, d / 2), (d, 0), (0, d)] {
                let (mut a, mut b) = (ids(2, of_a), ids(3, of_b));
                let (decoded, symbols, error) =
                    reconcile(&[&common[..], &a].concat(), &[&common[..], &b].concat());
                a.sort_unstable();
                b.sort_unstable();
                assert_eq!(decoded, Decoded { theirs: a, ours: b }, "d = {d}");
                let total = usize::try_from(of_a + of_b).unwrap();
                assert!(symbols <= 3 + 2 * total, "{symbols} symbols for {total}");
                if total >= 1000 {
                    assert!(symbols < total * 3 / 2, "{symbols} symbols for {total}");
                }
                assert!(total < 100 || error < 4.0, "an estimate for {total} is {error} errors off");
            }
        }
    }

    #[test]
    fn symbols_round_trip_as_bytes() {
        for symbol in Sketch::of(&ids(7, 100), 50).symbols() {
            assert_eq!(Symbol::from_bytes(&symbol.to_bytes()), *symbol);
        }
    }

    #[test]
    fn hostile_symbols_neither_decode_nor_grow_without_bound() {
        let mut decoder = Decoder::new();
        let own = Sketch::of(&ids(1, 100), 2000);
        for (i, own) in (0_u64..).zip(own.symbols()) {
            let sum = mix(i) >> 16;
            decoder.push(Symbol { sum, check: check(sum), count: u8::from(i % 2 == 0) }, *own);
        }
        assert_eq!(decoder.decoded(), None);
        assert!(decoder.found.len() <= decoder.received());
        assert_eq!(decoder.estimate(0, u64::MAX), u64::MAX, "the counts claim it");
    }
}
