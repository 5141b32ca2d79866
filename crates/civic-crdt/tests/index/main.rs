//! Indexes: what differs between two, what a proof shows, and what malformed blocks meet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod blocks;
mod diff;
mod proof;

use civic_crdt::root::Trie;
use civic_types::{Cid, HashAlgorithm};

const HASH: HashAlgorithm = HashAlgorithm::Sha2_256;

/// A key that depends on the number alone.
fn key(number: u64) -> [u8; 32] {
    HASH.digest(&number.to_be_bytes())
}

/// A head that depends on the number alone.
fn head(number: u64) -> Cid {
    Cid::dag_cbor(HASH, &number.to_be_bytes())
}

/// An index of that many documents with one head each.
fn trie(documents: u64) -> Trie {
    Trie::from_keys(HASH, (0..documents).map(|number| (key(number), vec![head(number)])))
}
