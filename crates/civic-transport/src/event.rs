//! What a link tells: [`Event`].

use civic_types::PeerId;

use crate::envelope::Envelope;
use crate::peer::{LinkAddr, PeerInfo};

/// What happened on a link.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A connected peer is reached over other media than before; the connection's number is the same. Only
    /// of adapters that join several.
    Changed(PeerInfo),
    /// A peer is connected and has proved its identity.
    Discovered(PeerInfo),
    /// The subscriber was too slow and missed events: read `peers()` anew.
    Lagged {
        /// How many.
        missed: u64,
    },
    /// The connection to a peer is gone.
    Lost {
        /// Who.
        peer: PeerId,
        /// Which connection.
        connection: u64,
        /// Why.
        reason: LostReason,
    },
    /// An envelope arrived; signed ones have been verified.
    Received {
        /// From which neighbour, which is not always who wrote it.
        via: Via,
        /// On which connection; 0 for unauthenticated ones.
        connection: u64,
        /// What.
        envelope: Envelope,
    },
}

/// The neighbour that delivered something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// It proved its identity on this connection: it may be scored.
    Authenticated(PeerId),
    /// It did not.
    Unauthenticated(LinkAddr),
}

/// Why a connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// It was closed at our end.
    ClosedHere,
    /// It was closed at the other end.
    ClosedThere,
    /// The peer broke the protocol.
    Misbehaved,
    /// Another connection to the same peer took its place.
    Replaced,
    /// Nothing was heard for too long.
    Silent,
}
