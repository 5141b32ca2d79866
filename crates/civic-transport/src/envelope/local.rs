#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use civic_types::limits::MAX_PAYLOAD_BYTES;

use super::{EnvelopeError, Priority};

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

impl LocalEnvelope {
    /// The bytes: type ‖ priority ‖ payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&[self.message_type, self.priority.code()], self.payload.as_ref()].concat()
    }

    /// Reads the bytes; the payload shares them.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Truncated`], [`EnvelopeError::Priority`] or [`EnvelopeError::TooLarge`].
    pub fn decode(bytes: &Bytes) -> Result<Self, EnvelopeError> {
        let [message_type, priority, ..] = **bytes else {
            return Err(EnvelopeError::Truncated { got: bytes.len() });
        };
        let priority = Priority::from_code(priority.into())?;
        let payload = bytes.slice(HEADER_BYTES..);
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(EnvelopeError::TooLarge { got: payload.len(), limit: MAX_PAYLOAD_BYTES });
        }
        Ok(Self { message_type, priority, payload })
    }
}

const HEADER_BYTES: usize = 2;
