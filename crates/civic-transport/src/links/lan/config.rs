use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::discovery::LanDiscovery;
use crate::hub::HubConfig;
use crate::peer::PeerAddr;
use crate::receive::ReceiveConfig;

/// How a LAN link behaves. The defaults suit a phone on battery in a blackout.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LanConfig {
    /// Where to listen. Default `0.0.0.0:0`: every IPv4 interface, a port that the system picks, so that
    /// any number of nodes run on one device.
    pub listen: SocketAddr,
    /// Addresses to dial from the start and for ever, such as those that a user typed in. Default none.
    pub manual: Vec<PeerAddr>,
    /// How to find peers, or not at all: then only addresses given by hand are dialled. Default
    /// [`LanDiscovery::default`]; [`loopback`](Self::loopback) has none.
    pub discovery: Option<LanDiscovery>,
    /// The neighbourhood: devices of other sites are neither discovered nor let in. Default the empty one.
    pub site: String,
    /// Longest silence of our own before a ping. Default 5 s.
    pub keepalive: Duration,
    /// Silence of a peer after which it is lost. Default 15 s: three keepalives.
    pub lost_after: Duration,
    /// Longest time to dial, for TLS and for hello together. Default 10 s.
    pub handshake_timeout: Duration,
    /// Inbound handshakes at once; further dials wait in the system's backlog. Default 32.
    pub max_handshakes: usize,
    /// Most peers at once. Default 256, at up to 5 MiB each if all of them stall.
    pub max_peers: usize,
    /// Bytes that wait for one peer, in five classes of a fifth each. Default 4 MiB.
    pub queue_bytes: usize,
    /// Bytes gathered for one write. Default 64 KiB: four TLS records.
    pub coalesce_bytes: usize,
    /// First and unit of the redial delays, which are drawn evenly below `unit · 2ⁿ`. Default 1 s.
    pub backoff_unit: Duration,
    /// Longest redial delay. Default 5 minutes.
    pub backoff_cap: Duration,
    /// How long a peer's reader waits for the slowest subscriber before that one misses events. Default 1 s.
    pub subscriber_grace: Duration,
    /// Bounds of each event subscription.
    pub events: HubConfig,
    /// Which signed envelopes are taken.
    pub receive: ReceiveConfig,
}

impl Default for LanConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            manual: Vec::new(),
            discovery: Some(LanDiscovery::default()),
            site: String::new(),
            keepalive: Duration::from_secs(5),
            lost_after: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(10),
            max_handshakes: 32,
            max_peers: 256,
            queue_bytes: 4 * 1024 * 1024,
            coalesce_bytes: 64 * 1024,
            backoff_unit: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(300),
            subscriber_grace: Duration::from_secs(1),
            events: HubConfig::default(),
            receive: ReceiveConfig::default(),
        }
    }
}

impl LanConfig {
    /// Listening on the loopback interface alone and without discovery, for tests and examples.
    #[must_use]
    pub fn loopback() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { discovery: None, ..Self::default().with_listen(listen) }
    }

    /// Listening there.
    #[must_use]
    pub const fn with_listen(mut self, listen: SocketAddr) -> Self {
        self.listen = listen;
        self
    }

    /// Dialling one more address from the start and for ever.
    #[must_use]
    pub fn with_manual(mut self, address: PeerAddr) -> Self {
        self.manual.push(address);
        self
    }

    /// Finding peers that way.
    #[must_use]
    pub fn with_discovery(mut self, discovery: LanDiscovery) -> Self {
        self.discovery = Some(discovery);
        self
    }

    /// Dialling only addresses given by hand.
    #[must_use]
    pub fn without_discovery(mut self) -> Self {
        self.discovery = None;
        self
    }

    /// In that neighbourhood.
    #[must_use]
    pub fn with_site(mut self, site: impl Into<String>) -> Self {
        self.site = site.into();
        self
    }

    /// With other times of keepalive and loss.
    #[must_use]
    pub const fn with_keepalive(mut self, keepalive: Duration, lost_after: Duration) -> Self {
        self.keepalive = keepalive;
        self.lost_after = lost_after;
        self
    }

    /// With another time for dialling and handshake.
    #[must_use]
    pub const fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// With other redial delays.
    #[must_use]
    pub const fn with_backoff(mut self, unit: Duration, cap: Duration) -> Self {
        self.backoff_unit = unit;
        self.backoff_cap = cap;
        self
    }

    /// With another bound on the bytes that wait for one peer.
    #[must_use]
    pub const fn with_queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// With another bound on peers.
    #[must_use]
    pub const fn with_max_peers(mut self, peers: usize) -> Self {
        self.max_peers = peers;
        self
    }
}
