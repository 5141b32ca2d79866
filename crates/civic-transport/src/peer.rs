//! Who is there and how to reach them: [`PeerInfo`], [`PeerAddr`], [`TransportKind`].

use std::collections::BTreeMap;
use std::fmt;

use civic_types::PeerId;
use civic_types::time::Timestamp;

/// A medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TransportKind {
    /// Bluetooth Low Energy.
    Ble,
    /// Files carried by hand.
    File,
    /// libp2p over the internet.
    Internet,
    /// A local network: TCP and TLS 1.3.
    Lan,
    /// LoRa radio.
    Lora,
    /// Memory of one process, for tests and examples.
    Memory,
    /// Several media as one.
    Multi,
    /// Wi-Fi Direct.
    WifiDirect,
}

/// Where to dial.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr {
    /// Who must answer; `None` takes whoever does.
    pub peer: Option<PeerId>,
    /// Where, in the medium's own words: `192.0.2.7:4001` on a LAN, a peer id in memory.
    pub address: String,
}

impl PeerAddr {
    /// An address at which only that peer may answer.
    #[must_use]
    pub fn new(peer: PeerId, address: impl Into<String>) -> Self {
        Self { peer: Some(peer), address: address.into() }
    }

    /// An address at which anybody may answer.
    #[must_use]
    pub fn anyone(address: impl Into<String>) -> Self {
        Self { peer: None, address: address.into() }
    }
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Who.
    pub peer: PeerId,
    /// The name it gives itself, unverified.
    pub display_name: Option<String>,
    /// Over which media.
    pub transports: Vec<TransportKind>,
    /// When it was last heard.
    pub last_seen: Timestamp,
    /// 0.0..=1.0 where somebody keeps score.
    pub reputation: Option<f32>,
    /// What else it says of itself, unverified.
    pub metadata: BTreeMap<String, String>,
    /// Counts the connections of this adapter: a reconnected peer has a greater one.
    pub connection: u64,
    /// What both ends of this very connection and nobody else can know. One, or none on a link without; for
    /// a peer reached over several links at once one for each, oldest first, at most [`MAX_BINDINGS`].
    pub bindings: Vec<ChannelBinding>,
}

impl PeerInfo {
    /// A peer just connected over one medium.
    #[must_use]
    pub fn new(peer: PeerId, transport: TransportKind, seen: Timestamp, connection: u64) -> Self {
        Self {
            peer,
            display_name: None,
            transports: vec![transport],
            last_seen: seen,
            reputation: None,
            metadata: BTreeMap::new(),
            connection,
            bindings: Vec::new(),
        }
    }

    /// With the channel binding of its connection.
    #[must_use]
    pub fn with_binding(mut self, binding: ChannelBinding) -> Self {
        self.bindings = vec![binding];
        self
    }
}

/// 32 bytes that only the two ends of one connection know, such as a TLS exporter value. Proofs made over
/// them cannot be relayed to another connection.
#[derive(Clone, PartialEq, Eq)]
pub struct ChannelBinding([u8; 32]);

impl ChannelBinding {
    /// Wraps the bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ChannelBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelBinding")
    }
}

/// Most channel bindings of one peer.
pub const MAX_BINDINGS: usize = 8;

/// An unauthenticated sender, in the medium's own words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkAddr(pub String);
