use civic_types::item::ItemId;

/// A 48-bit name of an item under one scope's key.
///
/// Two items of one scope share one with a probability of n² / 2^49; sets that differ only so look equal
/// to the decoder, not to the fingerprint.
pub type ShortId = u64;

/// The short id of an item: the first 6 bytes of keyed BLAKE3 over kind ‖ CID, big-endian.
#[must_use]
pub fn short_id(scope_key: &[u8; 32], item: &ItemId) -> ShortId {
    let hash = keyed(scope_key, item).finalize();
    hash.as_bytes().iter().take(6).fold(0, |id, byte| (id << 8) | u64::from(*byte))
}

/// Keyed BLAKE3 over kind ‖ CID.
pub(super) fn keyed(scope_key: &[u8; 32], item: &ItemId) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new_keyed(scope_key);
    hasher.update(&[item.kind]).update(item.cid.as_bytes());
    hasher
}
