//! Packs that wait for parents or for software that knows their collection's kind.

use bytes::Bytes;
use civic_store::{Page, Record, RecordScan};
use civic_types::PeerId;

use crate::error::Error;
use crate::table;

/// Packs that wait for one peer, and for all together.
pub(super) const MAX_PARKED_PER_PEER: usize = 16;
pub(super) const MAX_PARKED: usize = 256;

/// Longest pack that waits.
pub(super) const MAX_PARKED_BYTES: usize = 256 * 1024;

/// The record that keeps a pack if there is room: under the peer's quota and the whole table's.
///
/// Keys are peer ‖ hash, so the same pack waits once a peer.
pub(super) fn room_for(
    from: &PeerId,
    pack: &[u8],
    of_peer: &Page<Record>,
    of_all: &Page<Record>,
) -> Option<Bytes> {
    let hash = blake3::hash(pack);
    let hash = hash.as_bytes().first_chunk::<16>().map_or(&[0; 16], |hash| hash);
    let room = pack.len() <= MAX_PARKED_BYTES
        && of_peer.items.len() < MAX_PARKED_PER_PEER
        && of_all.items.len() < MAX_PARKED;
    room.then(|| table::key(&[from.as_bytes(), hash]))
}

/// What has to be read before [`room_for`].
pub(super) fn scans(from: &PeerId) -> (RecordScan, RecordScan) {
    let all = RecordScan::table(table::PARKED);
    (all.clone().prefix(Bytes::copy_from_slice(from.as_bytes())), all)
}

/// The peer that a parked record's pack came from.
pub(super) fn sender(key: &[u8]) -> Result<PeerId, Error> {
    let peer = key.first_chunk().ok_or(Error::Damaged { what: "a parked pack" })?;
    Ok(PeerId::from_bytes(*peer))
}
