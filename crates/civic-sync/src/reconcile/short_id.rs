use civic_types::item::ItemId;
use civic_types::{Cid, ReplicaId};

/// A 48-bit name of an item under one scope's key.
///
/// Two items of one scope share one with a probability of n² / 2^49; sets that differ only so look equal
/// to the decoder, not to the fingerprint.
pub type ShortId = u64;

/// Bits of a short id.
pub const SHORT_ID_BITS: u8 = 48;

/// The short id of an item: the first 6 bytes of keyed BLAKE3 over kind ‖ CID, big-endian.
#[must_use]
pub fn short_id(scope_key: &[u8; 32], item: &ItemId) -> ShortId {
    first_bits(&keyed(scope_key, item).finalize())
}

/// Keyed BLAKE3 over kind ‖ CID.
pub(super) fn keyed(scope_key: &[u8; 32], item: &ItemId) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new_keyed(scope_key);
    hasher.update(&[item.kind]).update(item.cid.as_bytes());
    hasher
}

/// The short id of the newest version of an author's log: the first 6 bytes of keyed BLAKE3 over
/// 0x00 ‖ replica 16 ‖ position u64 ‖ CID, big-endian. No kind of item is 0.
#[must_use]
pub fn head_id(scope_key: &[u8; 32], replica: &ReplicaId, position: u64, cid: &Cid) -> ShortId {
    let mut hasher = blake3::Hasher::new_keyed(scope_key);
    hasher.update(&[0]).update(replica.as_bytes()).update(&position.to_be_bytes()).update(cid.as_bytes());
    first_bits(&hasher.finalize())
}

fn first_bits(hash: &blake3::Hash) -> ShortId {
    hash.as_bytes().iter().take(6).fold(0, |id, byte| (id << 8) | u64::from(*byte))
}
