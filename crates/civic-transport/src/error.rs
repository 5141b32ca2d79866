//! [`Error`] and [`TrySendError`]: why a link refuses or fails.

use std::time::Duration;

use civic_types::PeerId;

use crate::peer::TransportKind;

/// Why a link refuses or fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody else listens there.
    #[error("the address {address} is in use")]
    AddressInUse {
        /// Where.
        address: String,
    },
    /// The medium failed.
    #[error("the {transport:?} link failed")]
    Backend {
        /// Which medium.
        transport: TransportKind,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was not started, or stopped.
    #[error("the link is not active")]
    Inactive,
    /// The address makes no sense on this medium.
    #[error("{address:?} is no address of this link")]
    InvalidAddress {
        /// The address.
        address: String,
    },
    /// The peer is connected, and no link that reaches it takes this envelope now: each is refused by the
    /// routing table, too small, out of duty cycle, or has failed.
    #[error("no link to {peer} takes this envelope")]
    NoRoute {
        /// To whom.
        peer: PeerId,
    },
    /// No connection to that peer.
    #[error("{peer} is not connected")]
    NotConnected {
        /// Who; all zero bytes for a broadcast to nobody.
        peer: PeerId,
    },
    /// The payload does not fit the medium.
    #[error("a payload of {got} bytes is more than {limit}")]
    TooLarge {
        /// Its size.
        got: usize,
        /// What fits.
        limit: usize,
    },
    /// Nobody answers there.
    #[error("{address} cannot be reached")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another device answered than the address names.
    #[error("{got} answered where {want} was expected")]
    WrongPeer {
        /// Who answered.
        got: PeerId,
        /// Who was named.
        want: PeerId,
    },
}

impl Error {
    /// Whether the same call may succeed later without anything else being done.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::NoRoute { .. } | Self::NotConnected { .. } | Self::Unreachable { .. })
    }
}

/// Why an envelope was not taken at once.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrySendError {
    /// The queue is full.
    #[error("the queue is full")]
    Busy,
    /// The law allows no transmission now.
    #[error("the duty cycle allows no transmission for {retry_after:?}")]
    DutyCycle {
        /// Until when.
        retry_after: Duration,
    },
    /// It would not be taken later either.
    #[error(transparent)]
    Refused(#[from] Error),
}
