//! A rateless invertible Bloom lookup table over short ids.
//!
//! The sender streams coded symbols, each the sum of a pseudo-random part of its set; the receiver takes
//! its own set away and peels what is left until nothing is. About 1.35 symbols an id of difference are
//! enough, however large the sets. Source: Yang et al., *Practical Rateless Set Reconciliation*, 2024.
#![warn(clippy::indexing_slicing)]

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

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

    fn toggle(&mut self, id: ShortId, by: i8) {
        self.sum ^= id;
        self.check ^= check(id);
        self.count = self.count.wrapping_add_signed(by);
    }

    const fn is_empty(self) -> bool {
        self.sum == 0 && self.check == 0 && self.count == 0
    }
}

/// Makes the symbols of a set, one after the other.
#[derive(Clone, Debug)]
pub struct Encoder {
    waiting: BinaryHeap<Reverse<(u64, Walk)>>,
    next: u64,
}

impl Encoder {
    /// Symbols of these ids, from the first.
    pub fn new(ids: impl IntoIterator<Item = ShortId>) -> Self {
        Self { waiting: ids.into_iter().map(|id| Reverse((0, Walk::new(id)))).collect(), next: 0 }
    }

    /// The next symbol.
    pub fn next_symbol(&mut self) -> Symbol {
        let mut symbol = Symbol::default();
        while let Some(mut top) = self.waiting.peek_mut() {
            let Reverse((index, walk)) = &mut *top;
            if *index != self.next {
                break;
            }
            symbol.toggle(walk.id, 1);
            *index = walk.advance(*index);
        }
        self.next += 1;
        symbol
    }
}

/// Finds the difference between a received stream of symbols and the own set.
#[derive(Clone, Debug)]
pub struct Decoder {
    own: Encoder,
    symbols: Vec<Symbol>,
    /// Ids found so far, true when only the sender has it.
    found: Vec<(ShortId, bool)>,
    known: BTreeSet<ShortId>,
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
    /// Compares with these ids.
    pub fn new(own: impl IntoIterator<Item = ShortId>) -> Self {
        Self {
            own: Encoder::new(own),
            symbols: Vec::new(),
            found: Vec::new(),
            known: BTreeSet::new(),
            pending: BinaryHeap::new(),
        }
    }

    /// Symbols taken so far.
    #[must_use]
    pub const fn received(&self) -> usize {
        self.symbols.len()
    }

    /// Takes the next symbol of the stream; those beyond [`MAX_SYMBOLS`] are ignored.
    pub fn push(&mut self, received: Symbol) {
        if self.symbols.len() >= MAX_SYMBOLS {
            return;
        }
        let index = self.symbols.len() as u64;
        let own = self.own.next_symbol();
        let mut symbol = Symbol {
            sum: received.sum ^ own.sum,
            check: received.check ^ own.check,
            count: received.count.wrapping_sub(own.count),
        };
        while let Some(mut top) = self.pending.peek_mut() {
            let Reverse((at, walk, theirs)) = &mut *top;
            if *at != index {
                break;
            }
            symbol.toggle(walk.id, if *theirs { -1 } else { 1 });
            *at = walk.advance(*at);
        }
        self.symbols.push(symbol);
        self.peel(self.symbols.len() - 1);
    }

    /// The difference, once every symbol is explained.
    #[must_use]
    pub fn decoded(&self) -> Option<Decoded> {
        // The first symbol sums every id, so it is the last to become empty.
        if self.symbols.is_empty() || !self.symbols.iter().all(|symbol| symbol.is_empty()) {
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
                cell.toggle(symbol.sum, if theirs { -1 } else { 1 });
                open.extend(usize::try_from(index));
                index = walk.advance(index);
            }
            self.pending.push(Reverse((index, walk, theirs)));
        }
    }
}

/// The pseudo-random indices that one id is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Walk {
    id: ShortId,
    state: u64,
}

impl Walk {
    const fn new(id: ShortId) -> Self {
        Self { id, state: mix(id) }
    }

    /// The index after `index`: an id is part of symbol i with probability 1 / (1 + i / 2).
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "indices stay far below 2^52, and larger ones are never reached"
    )]
    fn advance(&mut self, index: u64) -> u64 {
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
mod tests {
    use super::*;

    fn ids(seed: u64, count: u64) -> Vec<ShortId> {
        (0..count).map(|i| mix(seed << 32 | i) >> 16).collect()
    }

    fn reconcile(theirs: &[ShortId], ours: &[ShortId]) -> (Decoded, usize) {
        let mut encoder = Encoder::new(theirs.iter().copied());
        let mut decoder = Decoder::new(ours.iter().copied());
        loop {
            decoder.push(encoder.next_symbol());
            if let Some(decoded) = decoder.decoded() {
                return (decoded, decoder.received());
            }
            assert!(decoder.received() < MAX_SYMBOLS);
        }
    }

    #[test]
    fn differences_of_every_size_are_found_in_about_1_35_symbols_each() {
        let common = ids(1, 5000);
        for d in [0, 1, 2, 10, 100, 1000] {
            let (a, b) = (ids(2, d), ids(3, d / 2));
            let (decoded, symbols) = reconcile(&[&common[..], &a].concat(), &[&common[..], &b].concat());
            let (mut a, mut b) = (a, b);
            a.sort_unstable();
            b.sort_unstable();
            assert_eq!(decoded, Decoded { theirs: a, ours: b }, "d = {d}");
            let total = usize::try_from(d + d / 2).unwrap();
            assert!(symbols <= 3 + 2 * total, "{symbols} symbols for {total}");
            if total > 1000 {
                assert!(symbols < total * 3 / 2, "{symbols} symbols for {total}");
            }
        }
    }

    #[test]
    fn symbols_round_trip_as_bytes() {
        let mut encoder = Encoder::new(ids(7, 100));
        for _ in 0..50 {
            let symbol = encoder.next_symbol();
            assert_eq!(Symbol::from_bytes(&symbol.to_bytes()), symbol);
        }
    }

    #[test]
    fn hostile_symbols_neither_decode_nor_grow_without_bound() {
        let mut decoder = Decoder::new(ids(1, 100));
        for i in 0..2000_u64 {
            let sum = mix(i) >> 16;
            decoder.push(Symbol { sum, check: check(sum), count: u8::from(i % 2 == 0) });
        }
        assert_eq!(decoder.decoded(), None);
        assert!(decoder.found.len() <= decoder.received());
    }
}
