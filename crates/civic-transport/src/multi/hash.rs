use std::hash::{BuildHasher, Hasher};

/// Hashes peer ids, which are hashes already, under a secret key: fast, and nobody can make ids that collide
/// on purpose without knowing the key.
#[derive(Clone)]
pub(super) struct PeerHash {
    key: [u64; 2],
}

impl PeerHash {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        let part =
            |at: usize| secret.get(at..).and_then(|rest| rest.first_chunk().copied()).unwrap_or_default();
        Self { key: [u64::from_le_bytes(part(0)), u64::from_le_bytes(part(8)) | 1] }
    }
}

impl BuildHasher for PeerHash {
    type Hasher = PeerHasher;

    fn build_hasher(&self) -> PeerHasher {
        PeerHasher { state: self.key[0], key: self.key[1] }
    }
}

pub(super) struct PeerHasher {
    state: u64,
    key: u64,
}

impl Hasher for PeerHasher {
    fn write(&mut self, id: &[u8]) {
        // Many ids of one beginning take more work to find than they could waste here.
        self.write_u64(id.first_chunk().copied().map_or(0, u64::from_le_bytes));
    }

    fn write_u64(&mut self, word: u64) {
        let wide = u128::from(self.state ^ word) * u128::from(self.key);
        let (low, high) = (wide & u128::from(u64::MAX), wide >> u64::BITS);
        // Both halves fit by construction.
        self.state = u64::try_from(low ^ high).unwrap_or_default();
    }

    fn write_usize(&mut self, _length: usize) {
        // All ids are of one length.
    }

    fn finish(&self) -> u64 {
        self.state
    }
}
