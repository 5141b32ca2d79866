//! What links carry: [`Envelope`], either [`SignedEnvelope`] or [`LocalEnvelope`], and its bytes.
//!
//! A signed envelope has two forms under one signature: the full form, canonical CBOR, and the
//! [`CompactEnvelope`] of radio links, which shortens the ids. A local one is a type, a priority and a
//! payload, and never leaves the link that it was sent on.

mod compact;
mod error;
mod full;
mod local;
mod priority;
mod signed;
#[cfg(test)]
mod tests;
mod ttl;
mod wire;

pub use compact::{CompactEnvelope, SenderTime};
pub use error::EnvelopeError;
pub use full::{MAX_FULL_BYTES, MAX_FULL_OVERHEAD_BYTES};
pub use local::LocalEnvelope;
pub use priority::Priority;
pub(crate) use signed::short_id;
pub use signed::{DEFAULT_MAX_HOPS, EnvelopeFields, EnvelopeId, MAX_HOPS, SignedEnvelope};
pub use ttl::Ttl;
pub use wire::{KIND_LOCAL, KIND_SIGNED, MAX_WIRE_BYTES};

use bytes::Bytes;

/// What links carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// Between authenticated neighbours only; unsigned, never forwarded.
    Local(LocalEnvelope),
    /// Signed by whoever wrote it; may be forwarded.
    Signed(SignedEnvelope),
}

impl Envelope {
    /// A payload of everyday urgency for a neighbour.
    ///
    /// ```
    /// use civic_transport::{Envelope, Priority};
    ///
    /// let envelope = Envelope::local(7, "hello");
    /// assert_eq!((envelope.message_type(), envelope.priority()), (7, Priority::Normal));
    /// ```
    #[must_use]
    pub fn local(message_type: u8, payload: impl Into<Bytes>) -> Self {
        Self::Local(LocalEnvelope { message_type, priority: Priority::Normal, payload: payload.into() })
    }

    /// What the payload is, as the layers above number it.
    #[must_use]
    pub const fn message_type(&self) -> u8 {
        match self {
            Self::Local(envelope) => envelope.message_type,
            Self::Signed(envelope) => envelope.fields().message_type,
        }
    }

    /// Its urgency.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        match self {
            Self::Local(envelope) => envelope.priority,
            Self::Signed(envelope) => envelope.fields().priority,
        }
    }

    /// The payload.
    #[must_use]
    pub const fn payload(&self) -> &Bytes {
        match self {
            Self::Local(envelope) => &envelope.payload,
            Self::Signed(envelope) => &envelope.fields().payload,
        }
    }
}

impl From<LocalEnvelope> for Envelope {
    fn from(envelope: LocalEnvelope) -> Self {
        Self::Local(envelope)
    }
}

impl From<SignedEnvelope> for Envelope {
    fn from(envelope: SignedEnvelope) -> Self {
        Self::Signed(envelope)
    }
}
