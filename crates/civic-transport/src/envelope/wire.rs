#![warn(clippy::indexing_slicing)]

use bytes::{Buf, Bytes};

use super::{Envelope, EnvelopeError, LocalEnvelope, MAX_FULL_BYTES, SignedEnvelope};

/// First byte of a local envelope on links that carry frames.
pub const KIND_LOCAL: u8 = 16;
/// First byte of a signed envelope in its full form on links that carry frames.
pub const KIND_SIGNED: u8 = 17;
/// Longest wire form in bytes, the kind byte counted.
pub const MAX_WIRE_BYTES: usize = 1 + MAX_FULL_BYTES;

impl Envelope {
    /// The bytes on links that carry frames: a kind byte, then the local or the full form.
    #[must_use]
    pub fn encode_wire(&self) -> Bytes {
        let (kind, body) = match self {
            Self::Local(envelope) => (KIND_LOCAL, envelope.encode()),
            Self::Signed(envelope) => (KIND_SIGNED, envelope.encode_full()),
        };
        [&[kind], body.as_slice()].concat().into()
    }

    /// Reads the bytes; signatures are not verified here.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError`] with the first rule broken.
    pub fn decode_wire(bytes: &Bytes) -> Result<Self, EnvelopeError> {
        let mut rest = bytes.clone();
        match rest.try_get_u8() {
            Ok(KIND_LOCAL) => LocalEnvelope::decode(&rest).map(Self::Local),
            Ok(KIND_SIGNED) => SignedEnvelope::decode_full(&rest).map(Self::Signed),
            Ok(got) => Err(EnvelopeError::Kind { got }),
            Err(_) => Err(EnvelopeError::Truncated { got: 0 }),
        }
    }
}
