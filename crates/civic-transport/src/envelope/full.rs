#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use civic_types::cbor::{Decoder, Encoder};
use civic_types::limits::MAX_PAYLOAD_BYTES;
use civic_types::{PeerId, PublicKey, Signature};

use super::signed::VERSION;
use super::{EnvelopeError, EnvelopeFields, MAX_HOPS, Priority, SignedEnvelope, Ttl};

/// Bytes of the full form around its payload, at most.
pub const MAX_FULL_OVERHEAD_BYTES: usize = 160;
/// Longest full form in bytes.
pub const MAX_FULL_BYTES: usize = MAX_PAYLOAD_BYTES + MAX_FULL_OVERHEAD_BYTES;

impl SignedEnvelope {
    /// The full form: canonical CBOR of `[1, type, priority, sender_pk, recipient or null, created_s, ttl,
    /// max_hops, n, payload, signature, hops]`.
    #[must_use]
    pub fn encode_full(&self) -> Vec<u8> {
        let fields = &self.fields;
        let mut out = Encoder::with_capacity(MAX_FULL_OVERHEAD_BYTES + fields.payload.len());
        out.array(ELEMENTS).uint(VERSION);
        out.uint(fields.message_type.into()).uint(fields.priority.code().into());
        out.bytes(self.sender.as_bytes());
        match &fields.recipient {
            Some(recipient) => out.bytes(recipient.as_bytes()),
            None => out.null(),
        };
        out.uint(fields.created_s.into()).uint(fields.ttl.code().into());
        out.uint(fields.max_hops.into()).uint(fields.n.into()).bytes(&fields.payload);
        out.bytes(self.signature.as_bytes()).uint(self.hops.into());
        out.into_bytes()
    }

    /// Reads the full form, canonical or not at all; the payload shares the bytes. The signature is not
    /// verified here.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError`] with the first rule broken.
    pub fn decode_full(bytes: &Bytes) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_FULL_BYTES {
            return Err(EnvelopeError::TooLarge { got: bytes.len(), limit: MAX_FULL_BYTES });
        }
        let mut input = Decoder::new(bytes);
        let got = input.array()?;
        if got != ELEMENTS {
            return Err(EnvelopeError::Elements { got });
        }
        let version = input.uint()?;
        if version != VERSION {
            return Err(EnvelopeError::Version { got: version });
        }
        let message_type = byte(&mut input)?;
        let priority = Priority::from_code(input.uint()?)?;
        let sender = PublicKey::from_bytes(input.byte_array()?);
        let recipient = if input.try_null() { None } else { Some(PeerId::from_bytes(input.byte_array()?)) };
        let created_s = u32::try_from(input.uint_up_to(u32::MAX.into())?).unwrap_or(u32::MAX);
        let ttl = Ttl::from_code(input.uint()?)?;
        let max_hops = byte(&mut input)?;
        if max_hops > MAX_HOPS {
            return Err(EnvelopeError::MaxHops { got: max_hops });
        }
        let n = u16::try_from(input.uint_up_to(u16::MAX.into())?).unwrap_or(u16::MAX);
        let payload = input.bytes()?;
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(EnvelopeError::TooLarge { got: payload.len(), limit: MAX_PAYLOAD_BYTES });
        }
        let payload = bytes.slice_ref(payload);
        let signature = Signature::from_bytes(input.byte_array()?);
        let hops = byte(&mut input)?;
        if hops > max_hops {
            return Err(EnvelopeError::Hops { hops, max_hops });
        }
        input.finish()?;
        let fields =
            EnvelopeFields { message_type, priority, recipient, created_s, ttl, max_hops, n, payload };
        Ok(Self { sender, fields, signature, hops })
    }
}

fn byte(input: &mut Decoder<'_>) -> Result<u8, EnvelopeError> {
    Ok(u8::try_from(input.uint_up_to(u8::MAX.into())?).unwrap_or(u8::MAX))
}

const ELEMENTS: usize = 12;
