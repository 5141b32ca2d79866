use std::fmt;

use civic_types::PeerId;
use civic_types::label::Label;
use civic_types::time::Timestamp;
use zeroize::ZeroizeOnDrop;

/// The secret under which devices of one community announce themselves on a LAN.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct BeaconKey([u8; 32]);

impl BeaconKey {
    /// The public key of those who have no secret: any two devices meet, and any device can be followed.
    pub const OPEN: Self = Self(*b"civicbase/beacon/1 open beacon!!");

    /// Wraps the bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The tag of a network and a site; who lacks the key cannot test a guess of their names.
    pub(in super::super) fn tag(&self, net: &str, site: &str) -> Tag {
        tag(blake3::Hasher::new_keyed(&self.0), net, site)
    }

    /// The id under which a device is announced in a period.
    pub(super) fn id(&self, period: u32, peer: &PeerId) -> ShortId {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(Label::BEACON.as_bytes()).update(&period.to_be_bytes()).update(peer.as_bytes());
        first(&hasher)
    }

    /// The ids of a device in this period and its neighbours, since clocks differ.
    pub(super) fn ids(&self, now: Timestamp, peer: &PeerId) -> [ShortId; 3] {
        let period = period(now);
        [period.saturating_sub(1), period, period.saturating_add(1)].map(|period| self.id(period, peer))
    }

    /// The MAC of an announcement. Its input is longer than that of an id, so neither stands for the other.
    pub(super) fn mac(&self, announcement: &[u8]) -> [u8; 8] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(Label::BEACON.as_bytes()).update(announcement);
        first(&hasher)
    }
}

impl fmt::Debug for BeaconKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BeaconKey")
    }
}

/// A network and a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Tag(pub(in super::super) [u8; 16]);

impl Tag {
    /// The tag of a hello, inside TLS and without a key.
    pub(in super::super) fn of(net: &str, site: &str) -> Self {
        tag(blake3::Hasher::new(), net, site)
    }
}

/// What a device is announced as in one period.
pub(super) type ShortId = [u8; 8];

/// One start of a device: random, so that starts cannot be joined.
pub(super) type Instance = [u8; 8];

/// The period of a time: 15 minutes.
pub(super) fn period(now: Timestamp) -> u32 {
    u32::try_from(now.as_secs() / PERIOD_S).unwrap_or(u32::MAX)
}

fn tag(mut hasher: blake3::Hasher, net: &str, site: &str) -> Tag {
    hasher.update(Label::SITE.as_bytes());
    for part in [net, site] {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        hasher.update(&length.to_be_bytes()).update(part.as_bytes());
    }
    Tag(first(&hasher))
}

fn first<const N: usize>(hasher: &blake3::Hasher) -> [u8; N] {
    let mut bytes = [0; N];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

const PERIOD_S: u64 = 15 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_change_with_key_period_and_device_and_their_neighbours_are_recognised() {
        let (a, b) = (PeerId::from_bytes([1; 32]), PeerId::from_bytes([2; 32]));
        let (open, secret) = (BeaconKey::OPEN, BeaconKey::from_bytes([7; 32]));
        let at = |seconds: u64| Timestamp::from_millis(seconds * 1000);
        let id = open.id(period(at(899)), &a);
        assert_eq!(id, open.id(period(at(0)), &a));
        assert_ne!(id, open.id(period(at(900)), &a));
        assert_ne!(id, open.id(0, &b));
        assert_ne!(id, secret.id(0, &a));
        assert!(open.ids(at(1799), &a).contains(&id));
        assert!(!open.ids(at(1800), &a).contains(&id));
        assert_eq!(format!("{secret:?}"), "BeaconKey");
    }

    #[test]
    fn the_bytes_are_those_of_the_document() {
        assert_eq!(hex::encode(Tag::of("test", "harbour").0), "5bbe04eeb60f7b8a2624cb54da8f0b40");
        assert_eq!(hex::encode(BeaconKey::OPEN.tag("test", "harbour").0), "c899398914313975e1b6887ecfacebae");
        let peer = PeerId::from_bytes([1; 32]);
        assert_eq!(hex::encode(BeaconKey::OPEN.id(2_000_000, &peer)), "1becfeda4c80603b");
    }

    #[test]
    fn tags_tell_networks_sites_and_keys_apart() {
        let key = BeaconKey::from_bytes([7; 32]);
        let all = [
            Tag::of("ab", "c"),
            Tag::of("a", "bc"),
            Tag::of("abc", ""),
            key.tag("ab", "c"),
            BeaconKey::OPEN.tag("ab", "c"),
        ];
        for (i, tag) in all.iter().enumerate() {
            assert!(!all[..i].contains(tag), "{i}");
        }
    }
}
