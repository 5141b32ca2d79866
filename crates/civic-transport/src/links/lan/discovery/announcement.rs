#![warn(clippy::indexing_slicing)]

use super::id::{BeaconKey, Instance, ShortId, Tag};

/// One datagram of directed broadcast: 45 bytes.
///
/// ```text
/// 6 ‖ version u8 (1) ‖ tag 16 ‖ id 8 ‖ instance 8 ‖ port u16 ‖ flags u8 (bit 0: goodbye) ‖ MAC 8
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Announcement {
    pub(super) tag: Tag,
    pub(super) id: ShortId,
    pub(super) instance: Instance,
    /// TCP port; the address is the datagram's source.
    pub(super) port: u16,
    pub(super) goodbye: bool,
}

impl Announcement {
    pub(super) fn encode(&self, key: &BeaconKey) -> [u8; ANNOUNCEMENT_BYTES] {
        let Self { tag, id, instance, port, goodbye } = self;
        let mut body = Vec::with_capacity(ANNOUNCEMENT_BYTES);
        body.extend([KIND, VERSION]);
        body.extend(tag.0);
        body.extend(id);
        body.extend(instance);
        body.extend(port.to_be_bytes());
        body.push(u8::from(*goodbye));
        body.extend(key.mac(&body));
        body.try_into().unwrap_or([0; ANNOUNCEMENT_BYTES])
    }

    /// `None` for other tags, other keys and whatever else is no announcement for us.
    pub(super) fn decode(bytes: &[u8], tag: Tag, key: &BeaconKey) -> Option<Self> {
        let (body, mac) = bytes.split_last_chunk::<8>()?;
        let ([KIND, VERSION], rest) = body.split_first_chunk()? else { return None };
        let (there, rest) = rest.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (instance, rest) = rest.split_first_chunk()?;
        let (port, rest) = rest.split_first_chunk()?;
        let &[flags @ (0 | GOODBYE)] = rest else { return None };
        let port = u16::from_be_bytes(*port);
        if *there != tag.0 || port == 0 || *mac != key.mac(body) {
            return None;
        }
        Some(Self { tag, id: *id, instance: *instance, port, goodbye: flags == GOODBYE })
    }
}

/// Length of every announcement.
pub(super) const ANNOUNCEMENT_BYTES: usize = 45;
const KIND: u8 = 6;
const VERSION: u8 = 1;
const GOODBYE: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_come_back_and_every_changed_bit_is_refused() {
        let (key, tag) = (BeaconKey::OPEN, BeaconKey::OPEN.tag("net", "site"));
        for goodbye in [false, true] {
            let sent = Announcement { tag, id: [1; 8], instance: [2; 8], port: 4001, goodbye };
            let bytes = sent.encode(&key);
            assert_eq!(Announcement::decode(&bytes, tag, &key), Some(sent));
            assert_eq!(Announcement::decode(&bytes, key.tag("net", "other"), &key), None);
            assert_eq!(Announcement::decode(&bytes, tag, &BeaconKey::from_bytes([7; 32])), None);
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes;
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Announcement::decode(&changed, tag, &key), None, "bit {bit}");
            }
            for length in 0..bytes.len() {
                assert_eq!(Announcement::decode(&bytes[..length], tag, &key), None, "{length} bytes");
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_document() {
        let (key, tag) = (BeaconKey::OPEN, BeaconKey::OPEN.tag("test", "harbour"));
        let sent = Announcement { tag, id: [1; 8], instance: [2; 8], port: 4001, goodbye: false };
        assert_eq!(hex::encode(sent.encode(&key)), VECTOR);
    }

    const VECTOR: &str =
        "0601c899398914313975e1b6887ecfacebae010101010101010102020202020202020fa100f324098cf0007709";
}
