use std::collections::VecDeque;

use civic_types::PeerId;
use civic_types::cbor::{Decoder, Encoder, Error};

/// Addresses at which a peer has answered, most recent first, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::internet) struct Book {
    entries: VecDeque<Entry>,
}

/// A good address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::internet) struct Entry {
    pub(in crate::internet) peer: PeerId,
    pub(in crate::internet) address: String,
}

impl Book {
    /// Puts an address in front; whether that changed more than nothing.
    pub(in crate::internet) fn note(&mut self, entry: Entry) -> bool {
        if entry.address.len() > MAX_ADDRESS_BYTES || self.entries.front() == Some(&entry) {
            return false;
        }
        self.entries.retain(|old| old.address != entry.address);
        // Of one peer a few: it must not push out the others.
        let mut of_peer = 0;
        self.entries.retain(|old| {
            of_peer += usize::from(old.peer == entry.peer);
            old.peer != entry.peer || of_peer < MAX_OF_PEER
        });
        self.entries.push_front(entry);
        self.entries.truncate(MAX_ENTRIES);
        true
    }

    /// Forgets a peer; whether it was there.
    pub(in crate::internet) fn forget(&mut self, peer: &PeerId) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.peer != *peer);
        self.entries.len() < before
    }

    /// The addresses, most recent first.
    pub(in crate::internet) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The bytes of a state cell: CBOR `[version, [[peer, address] …]]`.
    pub(in crate::internet) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(2).uint(VERSION).array(self.entries.len());
        for entry in &self.entries {
            out.array(2).bytes(entry.peer.as_bytes()).text(&entry.address);
        }
        out.into_bytes()
    }

    /// Reads the bytes of a state cell.
    pub(in crate::internet) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Decoder::new(bytes);
        let mut book = Self::default();
        input.array()?;
        input.uint_up_to(VERSION)?;
        for _ in 0..input.array()?.min(MAX_ENTRIES) {
            input.array()?;
            let peer = PeerId::from_bytes(input.byte_array()?);
            let address = input.text()?.to_owned();
            book.entries.push_back(Entry { peer, address });
        }
        input.finish()?;
        Ok(book)
    }
}

const VERSION: u64 = 1;
/// Addresses remembered: with the longest of each they fill a state cell.
const MAX_ENTRIES: usize = 200;
const MAX_OF_PEER: usize = 4;
const MAX_ADDRESS_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use civic_types::cell::MAX_CELL_BYTES;

    use super::*;

    fn entry(peer: u8, address: impl Into<String>) -> Entry {
        Entry { peer: PeerId::from_bytes([peer; 32]), address: address.into() }
    }

    #[test]
    fn the_latest_comes_first_once_and_a_peer_keeps_a_few() {
        let mut book = Book::default();
        for n in 0..10 {
            assert!(book.note(entry(1, format!("one {n}"))));
        }
        assert!(book.note(entry(2, "two")));
        assert!(!book.note(entry(2, "two")));
        assert!(book.note(entry(3, "one 9")), "the same place, another peer");
        let seen: Vec<_> = book.entries().map(|entry| entry.address.as_str()).collect();
        assert_eq!(seen, ["one 9", "two", "one 8", "one 7", "one 6"]);
        assert!(book.forget(&PeerId::from_bytes([1; 32])) && !book.forget(&PeerId::from_bytes([1; 32])));
        assert_eq!(book.entries().count(), 2);
    }

    #[test]
    fn a_full_book_fits_a_cell_and_comes_back() {
        let mut book = Book::default();
        for n in 0..=255_u8 {
            book.note(entry(n, format!("{n:->255}")));
            assert!(!book.note(entry(n, "x".repeat(256))));
        }
        let bytes = book.encode();
        assert_eq!(book.entries().count(), MAX_ENTRIES);
        assert!(bytes.len() <= MAX_CELL_BYTES, "{} bytes", bytes.len());
        assert_eq!(Book::decode(&bytes).unwrap(), book);
        for cut in 0..bytes.len() {
            assert!(Book::decode(&bytes[..cut]).is_err());
        }
        assert!(Book::decode(b"\x82\x02\x80").is_err(), "another version");
    }
}
