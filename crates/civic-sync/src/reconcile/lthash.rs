use std::fmt;

use civic_types::item::ItemId;

use super::short_id::keyed;

const LANES: usize = 1024;

/// What two equal sets have in common and, as far as anybody knows, no two others.
pub type Fingerprint = [u8; 32];

/// LtHash16: a hash of a set to which elements are added in any order.
///
/// 1024 lanes of 16 bits; an element is 2048 bytes of keyed BLAKE3 output over kind ‖ CID, added lane by
/// lane. Source: Bellare and Micciancio, *A New Paradigm for Collision-Free Hashing*, 1997; Lewi et al.,
/// *Securing Update Propagation with Homomorphic Hashing*, 2019.
#[derive(Clone, PartialEq, Eq)]
pub struct LtHash(Box<[u16; LANES]>);

impl LtHash {
    /// Bytes of the encoded form.
    pub const LEN: usize = LANES * 2;

    /// The hash of the empty set.
    #[must_use]
    pub fn new() -> Self {
        Self(Box::new([0; LANES]))
    }

    /// Adds an element that is not in the set.
    pub fn add(&mut self, scope_key: &[u8; 32], item: &ItemId) {
        let mut bytes = [0; Self::LEN];
        keyed(scope_key, item).finalize_xof().fill(&mut bytes);
        for (lane, chunk) in self.0.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *lane = lane.wrapping_add(u16::from_le_bytes(*chunk));
        }
    }

    /// The fingerprint: keyed BLAKE3 over the lanes.
    #[must_use]
    pub fn fingerprint(&self, scope_key: &[u8; 32]) -> Fingerprint {
        *blake3::keyed_hash(scope_key, &self.to_bytes()).as_bytes()
    }

    /// The lanes, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }

    /// Reads [`to_bytes`](Self::to_bytes); `None` unless there are exactly 2048 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut hash = Self::new();
        if bytes.len() != Self::LEN {
            return None;
        }
        for (lane, chunk) in hash.0.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *lane = u16::from_le_bytes(*chunk);
        }
        Some(hash)
    }
}

impl Default for LtHash {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LtHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LtHash")
    }
}
