use std::fmt;

use crate::peer::TransportKind;

/// A link of a [`MultiTransport`](super::MultiTransport), numbered from 1 and never again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub(super) u32);

impl LinkId {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {}", self.0)
    }
}

/// How a link does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkStatus {
    /// Which.
    pub id: LinkId,
    /// Its medium.
    pub kind: TransportKind,
    /// Whether it is started.
    pub active: bool,
    /// Why it did not start or stop when it was last asked to, in words.
    pub failure: Option<String>,
    /// Peers that it reaches.
    pub peers: usize,
    /// What has gone through it.
    pub statistics: LinkStatistics,
}

/// What has gone through a link since it was added. Counters stop at their greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkStatistics {
    /// Envelopes that it has taken.
    pub sent: u64,
    /// Bytes of their payloads.
    pub sent_bytes: u64,
    /// Envelopes that it has refused or held for too long.
    pub failed: u64,
    /// Envelopes that came over it, copies counted.
    pub received: u64,
    /// Bytes of their payloads.
    pub received_bytes: u64,
    /// Of these, copies of what had come before.
    pub duplicates: u64,
    /// Envelopes that went to another link because this one died or stalled.
    pub handed_over: u64,
    /// Times that it lost a peer.
    pub lost: u64,
    /// Bytes that wait for it now.
    pub queued_bytes: usize,
}

/// What has gone through all links together, removed ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MultiStatistics {
    /// Envelopes that links have taken; one that went over three is three.
    pub sent: u64,
    /// Envelopes that were handed to subscribers.
    pub delivered: u64,
    /// Signed envelopes that were dropped because they had come before.
    pub duplicates: u64,
    /// Envelopes that went to another link because theirs died or stalled.
    pub handed_over: u64,
    /// Accepted envelopes that no link took in the end: their peer was lost, or all of its links refused.
    pub undeliverable: u64,
    /// Bytes that wait now.
    pub queued_bytes: usize,
    /// Bytes that are kept for a hand-over now.
    pub handover_bytes: usize,
}
