//! The first symbols of a set, kept while it grows.
#![warn(clippy::indexing_slicing)]

use super::ShortId;
use super::riblt::{SYMBOL_BYTES, Symbol, Walk};

/// The first coded symbols of a set of short ids. Adding an id costs about 2 · ln(symbols) additions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    symbols: Vec<Symbol>,
}

impl Sketch {
    /// So many symbols of the empty set.
    #[must_use]
    pub fn new(symbols: usize) -> Self {
        Self { symbols: vec![Symbol::default(); symbols] }
    }

    /// So many symbols of these ids.
    #[must_use]
    pub fn of(ids: &[ShortId], symbols: usize) -> Self {
        let mut sketch = Self::new(symbols);
        ids.iter().for_each(|id| sketch.add(*id));
        sketch
    }

    /// How many symbols to keep of a set of that size: enough for differences of about 3000, 12 000 and 24 000;
    /// none of a small set, whose sketch is made when it is wanted.
    #[must_use]
    pub const fn size(ids: u64) -> Option<usize> {
        match ids {
            0..1024 => None,
            1024..16_384 => Some(4096),
            16_384..131_072 => Some(16_384),
            131_072.. => Some(32_768),
        }
    }

    /// Adds an id that is not there yet.
    pub fn add(&mut self, id: ShortId) {
        let mut walk = Walk::new(id);
        let mut index = 0;
        while let Some(symbol) = usize::try_from(index).ok().and_then(|index| self.symbols.get_mut(index)) {
            symbol.toggle(id, 1);
            index = walk.advance(index);
        }
    }

    /// The symbols, from the first.
    #[must_use]
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// Their bytes, one after the other.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.symbols.iter().flat_map(|symbol| symbol.to_bytes()).collect()
    }

    /// Reads [`to_bytes`](Self::to_bytes).
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<SYMBOL_BYTES>();
        rest.is_empty().then(|| Self { symbols: chunks.iter().map(Symbol::from_bytes).collect() })
    }
}
