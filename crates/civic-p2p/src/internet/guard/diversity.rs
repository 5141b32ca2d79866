use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use libp2p::multiaddr::Protocol;
use libp2p::swarm::{ConnectionDenied, ConnectionId};
use libp2p::{Multiaddr, PeerId};

use super::{Denied, Rule};
use crate::internet::config::Diversity;
use crate::internet::identity::is_relayed;
use crate::internet::inner::lock;

/// Bounds the connections that strangers from one part of the internet hold here, from before their
/// handshake on.
#[derive(Debug)]
pub(in crate::internet) struct DiversityRule {
    config: Diversity,
    familiar: Arc<Mutex<BTreeSet<PeerId>>>,
    places: HashMap<ConnectionId, [Part; 2]>,
    counts: HashMap<Part, usize>,
}

/// A part of the internet: the bits that its addresses share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Host(u64),
    Block(u64),
    Host4(u32),
    Block4(u32),
}

impl DiversityRule {
    pub(in crate::internet) fn new(config: Diversity, familiar: Arc<Mutex<BTreeSet<PeerId>>>) -> Self {
        Self { config, familiar, places: HashMap::new(), counts: HashMap::new() }
    }

    fn enter(&mut self, connection: ConnectionId, parts: [Part; 2]) -> Result<(), ConnectionDenied> {
        let bounds = [self.config.per_host, self.config.per_block];
        let full = parts.iter().zip(bounds).any(|(part, bound)| self.count(part) >= bound);
        if full {
            return Err(ConnectionDenied::new(Denied::Diversity));
        }
        for part in parts {
            *self.counts.entry(part).or_default() += 1;
        }
        self.places.insert(connection, parts);
        Ok(())
    }

    fn count(&self, part: &Part) -> usize {
        self.counts.get(part).copied().unwrap_or_default()
    }

    /// Where an address lies; `None` for those that do not count.
    fn parts(&self, address: &Multiaddr) -> Option<[Part; 2]> {
        if is_relayed(address) {
            return None;
        }
        let ip = ip(address)?;
        if self.config.private_exempt && is_private_ip(ip) {
            return None;
        }
        Some(match ip {
            IpAddr::V4(ip) => [Part::Host4(ip.to_bits()), Part::Block4(ip.to_bits() >> 8)],
            IpAddr::V6(ip) => {
                let bits = u64::try_from(ip.to_bits() >> 64).unwrap_or_default();
                [Part::Host(bits), Part::Block(bits >> 16)]
            }
        })
    }
}

impl Rule for DiversityRule {
    fn pending(&mut self, connection: ConnectionId, remote: &Multiaddr) -> Result<(), ConnectionDenied> {
        match self.parts(remote) {
            Some(parts) => self.enter(connection, parts),
            None => Ok(()),
        }
    }

    fn established(
        &mut self,
        connection: ConnectionId,
        peer: &PeerId,
        _: &Multiaddr,
        inbound: bool,
    ) -> Result<(), ConnectionDenied> {
        if inbound && lock(&self.familiar).contains(peer) {
            self.gone(connection);
        }
        Ok(())
    }

    fn gone(&mut self, connection: ConnectionId) {
        for part in self.places.remove(&connection).into_iter().flatten() {
            if let Some(count) = self.counts.get_mut(&part) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&part);
                }
            }
        }
    }
}

/// Whether an address belongs to this machine or to a local network.
pub(in crate::internet) fn is_private(address: &Multiaddr) -> bool {
    !is_relayed(address) && ip(address).is_some_and(is_private_ip)
}

fn ip(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(ip.to_canonical()),
        _ => None,
    })
}

fn is_private_ip(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || is_shared(ip),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || is_link_local(ip),
    }
}

/// 100.64.0.0/10, behind carriers' routers (RFC 6598).
const fn is_shared(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    a == 100 && b & 0xc0 == 64
}

const fn is_link_local(ip: Ipv6Addr) -> bool {
    let [first, ..] = ip.segments();
    first & 0xffc0 == 0xfe80
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn rule(config: Diversity) -> DiversityRule {
        DiversityRule::new(config, Arc::default())
    }

    fn dials(rule: &mut DiversityRule, addresses: impl IntoIterator<Item = String>) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(1000);
        let dial = |address: &String| {
            let id = ConnectionId::new_unchecked(NEXT.fetch_add(1, Ordering::Relaxed));
            rule.pending(id, &address.parse().unwrap()).is_ok()
        };
        addresses.into_iter().filter(dial).count()
    }

    fn v4(ips: impl IntoIterator<Item = [u8; 4]>) -> Vec<String> {
        ips.into_iter().map(|[a, b, c, d]| format!("/ip4/{a}.{b}.{c}.{d}/tcp/4001")).collect()
    }

    #[test]
    fn one_host_and_one_block_hold_so_many_and_no_more() {
        let mut rule = rule(Diversity::default());
        assert_eq!(dials(&mut rule, v4([[198, 51, 100, 7]; 10])), 4);
        assert_eq!(dials(&mut rule, v4((0..100).map(|n| [198, 51, 100, n]))), 12);
        assert_eq!(dials(&mut rule, v4((0..100).map(|n| [198, 51, n, 1]))), 100);
        let v6 = |n| format!("/ip6/2001:db8:1:{n}::5/udp/4001/quic-v1");
        assert_eq!(dials(&mut rule, (0..10).map(|_| v6(1))), 4);
        assert_eq!(dials(&mut rule, (0..100).map(v6)), 12);
        // An IPv4 address in IPv6's clothes is the IPv4 address.
        assert_eq!(dials(&mut rule, ["/ip6/::ffff:198.51.100.9/tcp/1".to_owned()]), 0);
    }

    #[test]
    fn whoever_leaves_makes_room_and_familiar_peers_take_none() {
        let mut rule = rule(Diversity::default());
        let address: Multiaddr = "/ip4/198.51.100.7/tcp/1".parse().unwrap();
        let id = ConnectionId::new_unchecked;
        for n in 0..100 {
            rule.pending(id(n), &address).unwrap();
            rule.gone(id(n));
        }
        assert!(rule.counts.is_empty());
        let friend = PeerId::random();
        lock(&rule.familiar).insert(friend);
        for n in 0..10 {
            rule.pending(id(n), &address).unwrap();
            rule.established(id(n), &friend, &address, true).unwrap();
        }
        for n in 20..24 {
            rule.pending(id(n), &address).unwrap();
            rule.established(id(n), &PeerId::random(), &address, true).unwrap();
        }
        assert!(rule.pending(id(30), &address).is_err());
    }

    #[test]
    fn local_networks_are_exempt_unless_they_are_not() {
        let local = || v4([[127, 0, 0, 1], [10, 1, 2, 3], [192, 168, 0, 9], [100, 64, 0, 1]].repeat(10));
        assert_eq!(dials(&mut rule(Diversity::default()), local()), 40);
        let strict = Diversity { private_exempt: false, ..Diversity::default() };
        assert_eq!(dials(&mut rule(strict), local()), 16);
    }
}
