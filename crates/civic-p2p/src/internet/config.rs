use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use civic_transport::PeerAddr;
use civic_transport::hub::HubConfig;
use civic_transport::receive::ReceiveConfig;
use civic_types::PeerId;
use civic_types::cell::StateCell;

/// How an internet link behaves. The defaults suit a phone; [`hub`](Self::hub) suits a machine that stays
/// on and can be reached.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InternetConfig {
    /// Where to listen, as multiaddrs. Default every IPv4 interface over QUIC and TCP, at ports that the
    /// system picks; none is fine for a device that only dials.
    pub listen: Vec<String>,
    /// Addresses at which others reach us, as multiaddrs without `/p2p/`. Default none: found out by asking
    /// peers (AutoNAT) and, with feature `upnp`, the router.
    pub external_addresses: Vec<String>,
    /// Whether peers are told nothing but the external addresses. Default no: whoever is on the same local
    /// network needs the others.
    pub hide_listen_addresses: bool,
    /// Whether others are expected to reach us at our listen addresses. Default no; a hub's is yes.
    pub assume_reachable: bool,
    /// Addresses to dial from the start and for ever. Default none. One that cannot be read or reached is
    /// counted and told by a warning.
    pub bootstrap: Vec<PeerAddr>,
    /// Relays at which to be reachable, as multiaddrs with `/p2p/`. Default none.
    pub relays: Vec<String>,
    /// Whether to relay for others. Default no; a hub's is yes.
    pub relay_server: bool,
    /// Whether to search for peers in the distributed hash table and to offer ourselves there. Default yes.
    pub discovery: bool,
    /// Whether to ask the router for a port; needs feature `upnp`. Default yes.
    pub upnp: bool,
    /// Who may connect. Default everybody.
    pub access: Access,
    /// Most connections at once. Default 256, a hub's 4096: about 100 KB each.
    pub max_connections: u32,
    /// Most connections that are being made by others at once. Default 64, a hub's 512.
    pub max_pending: u32,
    /// Bytes of memory of the whole process above which no connection is taken. Default 1 GiB; a hub's
    /// 4 GiB.
    pub max_process_bytes: usize,
    /// How many strangers one part of the internet may place here.
    pub diversity: Diversity,
    /// Peers below which to look for more. Default 8.
    pub wanted_peers: usize,
    /// Time between two walks of the table while short of peers. Default 30 s.
    pub walk_short: Duration,
    /// Time between two walks otherwise. Default 5 minutes.
    pub walk_long: Duration,
    /// Longest silence of our own before a ping. Default 5 s.
    pub keepalive: Duration,
    /// Silence of a peer after which it is lost. Default 15 s: three keepalives.
    pub lost_after: Duration,
    /// Longest time to dial and to begin a session. Default 10 s.
    pub handshake_timeout: Duration,
    /// Bytes that wait for one peer, in five classes of a fifth each. Default 4 MiB.
    pub queue_bytes: usize,
    /// Bytes gathered for one write. Default 64 KiB.
    pub coalesce_bytes: usize,
    /// First and unit of the redial delays, which are drawn evenly below `unit · 2ⁿ`. Default 1 s.
    pub backoff_unit: Duration,
    /// Longest redial delay. Default 5 minutes.
    pub backoff_cap: Duration,
    /// After a session was lost in silence, how long to try again every second, so that a peer that returns
    /// is found within two. Default 2 minutes.
    pub insist: Duration,
    /// Time without any stream after which a connection is closed. Default 10 s.
    pub idle_timeout: Duration,
    /// How long a peer's reader waits for the slowest subscriber before that one misses events. Default 1 s.
    pub subscriber_grace: Duration,
    /// Where good addresses outlive the process. Default nowhere.
    pub addresses: Option<Arc<dyn StateCell>>,
    /// Bounds of each event subscription.
    pub events: HubConfig,
    /// Which signed envelopes are taken.
    pub receive: ReceiveConfig,
}

/// Who may connect, decided on the authenticated identity before any state is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Only these.
    Allow(BTreeSet<PeerId>),
    /// All but these.
    Block(BTreeSet<PeerId>),
    /// Everybody.
    #[default]
    Open,
}

impl Access {
    /// Whether that peer may connect.
    #[must_use]
    pub fn admits(&self, peer: &PeerId) -> bool {
        match self {
            Self::Allow(peers) => peers.contains(peer),
            Self::Block(peers) => !peers.contains(peer),
            Self::Open => true,
        }
    }
}

/// How many connections of strangers one part of the internet may hold here, so that whoever rents a block
/// of addresses cannot surround a device. Peers that we dialled ourselves do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diversity {
    /// For one IPv4 address or one IPv6 /64. Default 4.
    pub per_host: usize,
    /// For one IPv4 /24 or one IPv6 /48. Default 16.
    pub per_block: usize,
    /// Whether loopback, private and link-local addresses are exempt. Default yes: a village behind one
    /// router is no attack.
    pub private_exempt: bool,
}

impl Default for Diversity {
    fn default() -> Self {
        Self { per_host: 4, per_block: 16, private_exempt: true }
    }
}

impl Default for InternetConfig {
    fn default() -> Self {
        Self {
            listen: vec!["/ip4/0.0.0.0/udp/0/quic-v1".into(), "/ip4/0.0.0.0/tcp/0".into()],
            external_addresses: Vec::new(),
            hide_listen_addresses: false,
            assume_reachable: false,
            bootstrap: Vec::new(),
            relays: Vec::new(),
            relay_server: false,
            discovery: true,
            upnp: true,
            access: Access::Open,
            max_connections: 256,
            max_pending: 64,
            max_process_bytes: 1024 * 1024 * 1024,
            diversity: Diversity::default(),
            wanted_peers: 8,
            walk_short: Duration::from_secs(30),
            walk_long: Duration::from_secs(300),
            keepalive: Duration::from_secs(5),
            lost_after: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(10),
            queue_bytes: 4 * 1024 * 1024,
            coalesce_bytes: 64 * 1024,
            backoff_unit: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(300),
            insist: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(10),
            subscriber_grace: Duration::from_secs(1),
            addresses: None,
            events: HubConfig::default(),
            receive: ReceiveConfig::default(),
        }
    }
}

impl InternetConfig {
    /// For a machine that stays on and can be reached: more room, relays for others, and offers its listen
    /// addresses.
    #[must_use]
    pub fn hub() -> Self {
        Self {
            assume_reachable: true,
            relay_server: true,
            max_connections: 4096,
            max_pending: 512,
            max_process_bytes: 4 * 1024 * 1024 * 1024,
            ..Self::default()
        }
    }

    /// Listening on the loopback interface alone over QUIC and TCP, for tests and examples.
    #[must_use]
    pub fn loopback() -> Self {
        let listen = ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"];
        Self { upnp: false, ..Self::default() }.with_listen(listen)
    }

    /// Listening there instead.
    #[must_use]
    pub fn with_listen<A: Into<String>>(mut self, listen: impl IntoIterator<Item = A>) -> Self {
        self.listen = listen.into_iter().map(Into::into).collect();
        self
    }

    /// Reachable at one more external address.
    #[must_use]
    pub fn with_external_address(mut self, address: impl Into<String>) -> Self {
        self.external_addresses.push(address.into());
        self
    }

    /// Telling peers nothing but the external addresses, or the listen addresses too.
    #[must_use]
    pub const fn with_hidden_listen_addresses(mut self, hide: bool) -> Self {
        self.hide_listen_addresses = hide;
        self
    }

    /// Expecting to be reached at the listen addresses, or not.
    #[must_use]
    pub const fn with_assumed_reachability(mut self, reachable: bool) -> Self {
        self.assume_reachable = reachable;
        self
    }

    /// Dialling one more address from the start and for ever.
    #[must_use]
    pub fn with_bootstrap(mut self, address: PeerAddr) -> Self {
        self.bootstrap.push(address);
        self
    }

    /// Reachable through one more relay.
    #[must_use]
    pub fn with_relay(mut self, relay: impl Into<String>) -> Self {
        self.relays.push(relay.into());
        self
    }

    /// Relaying for others, or not.
    #[must_use]
    pub const fn with_relay_server(mut self, relay: bool) -> Self {
        self.relay_server = relay;
        self
    }

    /// Looking for peers, or not.
    #[must_use]
    pub const fn with_discovery(mut self, discovery: bool) -> Self {
        self.discovery = discovery;
        self
    }

    /// With another rule of who may connect.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// With other bounds on strangers.
    #[must_use]
    pub const fn with_diversity(mut self, diversity: Diversity) -> Self {
        self.diversity = diversity;
        self
    }

    /// With another bound on connections.
    #[must_use]
    pub const fn with_max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }

    /// With other times between walks.
    #[must_use]
    pub const fn with_walks(mut self, short: Duration, long: Duration) -> Self {
        self.walk_short = short;
        self.walk_long = long;
        self
    }

    /// With other times of keepalive and loss.
    #[must_use]
    pub const fn with_keepalive(mut self, keepalive: Duration, lost_after: Duration) -> Self {
        self.keepalive = keepalive;
        self.lost_after = lost_after;
        self
    }

    /// With another time for dialling and beginning.
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

    /// With good addresses that outlive the process.
    #[must_use]
    pub fn with_addresses(mut self, cell: Arc<dyn StateCell>) -> Self {
        self.addresses = Some(cell);
        self
    }
}
