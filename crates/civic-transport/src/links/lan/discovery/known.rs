#![warn(clippy::indexing_slicing)]

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use civic_types::PeerId;

use super::directory::MAX_KNOWN;
use super::id::Tag;

/// Addresses that answered, the latest first.
///
/// ```text
/// version u8 (1) ‖ { tag 16 ‖ PeerId 32 ‖ IPv6, or IPv4 mapped into it, 16 ‖ port u16 }, at most 200 times
/// ```
#[derive(Debug, Default)]
pub(in super::super) struct Known {
    all: Vec<Record>,
    changed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record {
    tag: Tag,
    peer: PeerId,
    address: SocketAddr,
}

impl Known {
    /// What was saved before; nothing if it cannot be read.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let Some((&VERSION, records)) = bytes.split_first() else { return Self::default() };
        let (records, _) = records.as_chunks::<RECORD_BYTES>();
        let all = records.iter().take(MAX_KNOWN).filter_map(Record::decode).collect();
        Self { all, changed: false }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        for Record { tag, peer, address } in &self.all {
            let ip = match address.ip() {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            };
            bytes.extend(tag.0);
            bytes.extend(peer.as_bytes());
            bytes.extend(ip.octets());
            bytes.extend(address.port().to_be_bytes());
        }
        bytes
    }

    /// A peer answered there.
    pub(in super::super) fn remember(&mut self, tag: Tag, peer: PeerId, address: SocketAddr) {
        let record = Record { tag, peer, address };
        if self.all.first() == Some(&record) {
            return;
        }
        self.all.retain(|known| (known.tag, known.peer) != (tag, peer));
        self.all.insert(0, record);
        self.all.truncate(MAX_KNOWN);
        self.changed = true;
    }

    /// Forgets a peer of a network and site.
    pub(super) fn forget(&mut self, tag: Tag, peer: &PeerId) {
        let before = self.all.len();
        self.all.retain(|known| (known.tag, known.peer) != (tag, *peer));
        self.changed |= self.all.len() != before;
    }

    /// Those of a network and site.
    pub(super) fn of(&self, tag: Tag) -> Vec<(PeerId, SocketAddr)> {
        let here = self.all.iter().filter(|known| known.tag == tag);
        here.map(|known| (known.peer, known.address)).collect()
    }

    /// What is to be saved, if anything changed since the last call.
    pub(super) fn take_changes(&mut self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.changed).then(|| self.encode())
    }
}

impl Record {
    fn decode(bytes: &[u8; RECORD_BYTES]) -> Option<Self> {
        let (tag, rest) = bytes.split_first_chunk()?;
        let (peer, rest) = rest.split_first_chunk()?;
        let (ip, rest) = rest.split_first_chunk::<16>()?;
        let (port, _) = rest.split_first_chunk()?;
        let ip = Ipv6Addr::from(*ip).to_canonical();
        let address = SocketAddr::new(ip, u16::from_be_bytes(*port));
        Some(Self { tag: Tag(*tag), peer: PeerId::from_bytes(*peer), address })
    }
}

const VERSION: u8 = 1;
const RECORD_BYTES: usize = 16 + 32 + 16 + 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u8) -> PeerId {
        PeerId::from_bytes([n; 32])
    }

    #[test]
    fn the_latest_answers_come_back_first_and_bounded() {
        let (here, there) = (Tag([1; 16]), Tag([2; 16]));
        let mut known = Known::default();
        assert_eq!(known.take_changes(), None);
        for n in 0..=255 {
            known.remember(here, peer(n), ([192, 0, 2, n], 4001).into());
        }
        known.remember(there, peer(7), "[fd00::7]:4001".parse().unwrap());
        known.remember(here, peer(100), ([10, 0, 0, 1], 1).into());
        let bytes = known.take_changes().unwrap();
        assert_eq!(known.take_changes(), None);
        assert!(bytes.len() <= civic_types::cell::MAX_CELL_BYTES);
        let again = Known::decode(&bytes);
        assert_eq!(again.all, known.all);
        assert_eq!(again.all.len(), MAX_KNOWN);
        assert_eq!(
            again.of(here)[..2],
            [(peer(100), ([10, 0, 0, 1], 1).into()), (peer(255), ([192, 0, 2, 255], 4001).into())]
        );
        assert_eq!(again.of(there), [(peer(7), "[fd00::7]:4001".parse().unwrap())]);
        known.forget(here, &peer(7));
        known.forget(here, &peer(255));
        assert_eq!(known.of(here).len(), MAX_KNOWN - 2);
        assert_eq!(known.of(there).len(), 1);
        assert!(known.take_changes().is_some());
    }

    #[test]
    fn bytes_of_another_version_or_cut_short_are_no_harm() {
        let mut known = Known::default();
        known.remember(Tag([1; 16]), peer(1), ([192, 0, 2, 1], 4001).into());
        let bytes = known.encode();
        for length in 0..bytes.len() {
            assert!(Known::decode(&bytes[..length]).all.is_empty());
        }
        let other = [&[2], &bytes[1..]].concat();
        assert!(Known::decode(&other).all.is_empty());
    }
}
