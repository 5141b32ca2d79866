use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use if_addrs::{IfAddr, Interface};
use mdns_sd::IfKind;

/// The interfaces that discovery uses: those that the listener is reachable on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Listening on one address.
    One(IpAddr),
    /// Listening on every IPv4 address, or on every address of either kind.
    Every { v6: bool, loopback: bool },
}

/// An address of ours and the network around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    ip: IpAddr,
    prefix: u8,
}

impl Scope {
    pub(super) const fn new(listen: SocketAddr, loopback: bool) -> Self {
        match listen.ip() {
            ip if ip.is_unspecified() => Self::Every { v6: ip.is_ipv6(), loopback },
            ip => Self::One(ip),
        }
    }

    /// The networks there are now; interfaces come and go.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub(super) fn networks(self) -> io::Result<Vec<Network>> {
        let all = if_addrs::get_if_addrs()?;
        Ok(all.iter().filter(|interface| self.uses(interface)).map(Network::of).take(MAX_NETWORKS).collect())
    }

    /// What mDNS is to use, after everything else was switched off.
    pub(super) fn kinds(self) -> Vec<IfKind> {
        match self {
            Self::One(IpAddr::V4(ip)) if ip.is_loopback() => vec![IfKind::LoopbackV4],
            Self::One(IpAddr::V6(ip)) if ip.is_loopback() => vec![IfKind::LoopbackV6],
            Self::One(ip) => vec![IfKind::Addr(ip)],
            Self::Every { v6: true, .. } => vec![IfKind::All],
            Self::Every { v6: false, .. } => vec![IfKind::IPv4],
        }
    }

    /// What mDNS is not to use of these.
    pub(super) fn excluded(self) -> Vec<IfKind> {
        match self {
            Self::Every { loopback: false, .. } => vec![IfKind::LoopbackV4, IfKind::LoopbackV6],
            _ => Vec::new(),
        }
    }

    fn uses(self, interface: &Interface) -> bool {
        match self {
            Self::One(ip) if ip.is_loopback() => {
                interface.is_loopback() && interface.ip().is_ipv4() == ip.is_ipv4()
            }
            Self::One(ip) => interface.ip() == ip,
            Self::Every { v6, loopback } => {
                (v6 || interface.ip().is_ipv4()) && (loopback || !interface.is_loopback())
            }
        }
    }
}

impl Network {
    fn of(interface: &Interface) -> Self {
        match &interface.addr {
            IfAddr::V4(v4) => Self { ip: v4.ip.into(), prefix: v4.prefixlen },
            IfAddr::V6(v6) => Self { ip: v6.ip.into(), prefix: v6.prefixlen },
        }
    }

    /// Our own address.
    pub(super) const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Whether an address is reached without a router.
    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        let differ = match (self.ip, ip) {
            (IpAddr::V4(ours), IpAddr::V4(ip)) => u128::from(ours.to_bits() ^ ip.to_bits()) << 96,
            (IpAddr::V6(ours), IpAddr::V6(ip)) => ours.to_bits() ^ ip.to_bits(),
            _ => return false,
        };
        differ.leading_zeros() >= u32::from(self.prefix)
    }

    /// Where everybody on the network hears; nowhere if nobody else can be on it.
    pub(super) fn broadcast(&self) -> Option<Ipv4Addr> {
        match self.ip {
            IpAddr::V4(ip) if self.prefix < 31 => {
                Some(Ipv4Addr::from_bits(ip.to_bits() | (u32::MAX.checked_shr(self.prefix.into())?)))
            }
            _ => None,
        }
    }
}

/// Most networks: a device with containers has dozens.
const MAX_NETWORKS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_know_their_own_and_their_broadcast_address() {
        let home = Network { ip: [192, 0, 2, 77].into(), prefix: 24 };
        assert!(home.contains([192, 0, 2, 1].into()) && !home.contains([192, 0, 3, 1].into()));
        assert!(!home.contains("::1".parse().unwrap()));
        assert_eq!(home.broadcast(), Some([192, 0, 2, 255].into()));
        let odd = Network { ip: [10, 9, 8, 7].into(), prefix: 0 };
        assert!(odd.contains([1, 1, 1, 1].into()));
        assert_eq!(odd.broadcast(), Some([255, 255, 255, 255].into()));
        assert_eq!(Network { ip: [10, 0, 0, 1].into(), prefix: 32 }.broadcast(), None);
        let v6 = Network { ip: "fd00::1".parse().unwrap(), prefix: 64 };
        assert!(v6.contains("fd00::2".parse().unwrap()) && !v6.contains("fd01::2".parse().unwrap()));
        assert_eq!(v6.broadcast(), None);
    }

    #[test]
    fn listening_on_loopback_uses_nothing_else() {
        let scope = Scope::new("127.0.0.1:0".parse().unwrap(), false);
        for network in scope.networks().unwrap() {
            assert!(network.ip.is_loopback(), "{network:?}");
        }
        let every = Scope::new("0.0.0.0:0".parse().unwrap(), false);
        for network in every.networks().unwrap() {
            assert!(!network.ip.is_loopback() && network.ip.is_ipv4(), "{network:?}");
        }
    }
}
