//! What links carry: [`Envelope`].

use bytes::Bytes;

/// Urgency; a claim of the sender, and the order of the queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Priority {
    /// Life and limb.
    Critical = 0,
    /// Before everyday traffic.
    High = 1,
    /// Everyday traffic.
    #[default]
    Normal = 2,
    /// May wait.
    Low = 3,
    /// Large and patient.
    Bulk = 4,
}

/// What links carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// Between authenticated neighbours only; unsigned, never forwarded.
    Local(LocalEnvelope),
}

/// A payload for an authenticated neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalEnvelope {
    /// What the payload is, as the layers above number it.
    pub message_type: u8,
    /// Its urgency.
    pub priority: Priority,
    /// The payload.
    pub payload: Bytes,
}
