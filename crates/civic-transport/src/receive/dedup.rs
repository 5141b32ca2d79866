use std::fmt;

use crate::envelope::EnvelopeId;

/// Remembers ids in fixed memory: two generations of open-addressed tables of keyed 64-bit fingerprints.
///
/// When the younger generation is full, the older one is forgotten, so at least the last `ids` and at most
/// twice as many are known. The key is secret, so nobody can make ids that collide on purpose; by chance
/// two of 2¹⁶ do once in 2³³ runs.
pub struct Dedup {
    key: [u8; 32],
    ids: usize,
    young: Vec<u64>,
    old: Vec<u64>,
    count: usize,
}

impl Dedup {
    /// Knows nothing yet; takes 32 bytes of memory per id, rounded up to a power of two.
    #[must_use]
    pub fn new(ids: usize, key: [u8; 32]) -> Self {
        let ids = ids.max(1);
        let slots = ids.saturating_mul(2).next_power_of_two();
        Self { key, ids, young: vec![0; slots], old: vec![0; slots], count: 0 }
    }

    /// Whether the id is known.
    #[must_use]
    pub fn contains(&self, id: &EnvelopeId) -> bool {
        let print = self.fingerprint(id);
        find(&self.young, print).is_ok() || find(&self.old, print).is_ok()
    }

    /// Remembers the id.
    pub fn insert(&mut self, id: &EnvelopeId) {
        let print = self.fingerprint(id);
        if self.count >= self.ids {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.fill(0);
            self.count = 0;
        }
        let slot = find(&self.young, print).err().and_then(|free| self.young.get_mut(free));
        if let Some(slot) = slot {
            *slot = print;
            self.count += 1;
        }
    }

    /// Never zero, which marks a free slot.
    fn fingerprint(&self, id: &EnvelopeId) -> u64 {
        let hash = blake3::keyed_hash(&self.key, id.as_bytes());
        u64::from_le_bytes(hash.as_bytes().first_chunk().copied().unwrap_or_default()).max(1)
    }
}

/// The slot of the fingerprint, or the free slot where it belongs. A table is at most half full, so the
/// walk ends.
fn find(table: &[u64], print: u64) -> Result<usize, usize> {
    let mask = table.len() - 1;
    let mut at = usize::try_from(print & u64::try_from(mask).unwrap_or(u64::MAX)).unwrap_or_default();
    loop {
        match table.get(at) {
            Some(found) if *found == print => return Ok(at),
            Some(0) | None => return Err(at),
            Some(_) => at = (at + 1) & mask,
        }
    }
}

impl fmt::Debug for Dedup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedup").field("ids", &self.ids).field("young", &self.count).finish_non_exhaustive()
    }
}
