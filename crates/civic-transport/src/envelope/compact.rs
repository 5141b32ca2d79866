#![warn(clippy::indexing_slicing)]

use bytes::{Buf, Bytes};
use civic_crypto::Verifier;
use civic_types::limits::MAX_PAYLOAD_BYTES;
use civic_types::{PeerId, PublicKey, Signature};

use super::signed::{Signable, short_id};
use super::{EnvelopeError, EnvelopeFields, EnvelopeId, Priority, SignedEnvelope, Ttl};

/// The form of a signed envelope on radio links: 83 bytes and the payload, 91 with a recipient. It names
/// sender and recipient by the first eight bytes of their ids, so it takes the sender's key to verify it
/// and both to make it a [`SignedEnvelope`] again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactEnvelope {
    sender: [u8; 8],
    recipient: Option<[u8; 8]>,
    /// Its recipient is unknown here and `None`.
    fields: EnvelopeFields,
    signature: Signature,
    hops: u8,
    time: SenderTime,
}

/// Whether the sender trusted its clock when it wrote; advisory and not signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SenderTime {
    /// It did.
    #[default]
    Trusted,
    /// It did not.
    Untrusted,
}

impl CompactEnvelope {
    /// Shortens an envelope.
    #[must_use]
    pub fn new(envelope: &SignedEnvelope, time: SenderTime) -> Self {
        Self {
            sender: short_id(&envelope.sender.peer_id()),
            recipient: envelope.fields.recipient.as_ref().map(short_id),
            fields: EnvelopeFields { recipient: None, ..envelope.fields.clone() },
            signature: envelope.signature,
            hops: envelope.hops,
            time,
        }
    }

    /// The first eight bytes of the sender's id.
    #[must_use]
    pub const fn sender(&self) -> [u8; 8] {
        self.sender
    }

    /// The first eight bytes of the recipient's id; `None` for everybody.
    #[must_use]
    pub const fn recipient(&self) -> Option<[u8; 8]> {
        self.recipient
    }

    /// Whether the sender trusted its clock.
    #[must_use]
    pub const fn sender_time(&self) -> SenderTime {
        self.time
    }

    /// Whether the signature holds under a key that might be the sender's; the recipient need not be known.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::ShortId`] for a key of another name, [`EnvelopeError::Signature`].
    pub fn verify(&self, verifier: &Verifier, net: &str, sender: &PublicKey) -> Result<(), EnvelopeError> {
        self.signable(sender)?.verify(verifier, net, &self.signature)
    }

    /// The id, equal to that of the whole envelope.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::ShortId`], [`EnvelopeError::Network`].
    pub fn id(&self, net: &str, sender: &PublicKey) -> Result<EnvelopeId, EnvelopeError> {
        self.signable(sender)?.id(net, &self.signature)
    }

    /// The whole envelope again, for one who knows both peers.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::ShortId`] when one of them has another name.
    pub fn resolve(
        self,
        sender: PublicKey,
        recipient: Option<PeerId>,
    ) -> Result<SignedEnvelope, EnvelopeError> {
        self.signable(&sender)?;
        if recipient.as_ref().map(short_id) != self.recipient {
            return Err(EnvelopeError::ShortId);
        }
        let fields = EnvelopeFields { recipient, ..self.fields };
        Ok(SignedEnvelope { sender, fields, signature: self.signature, hops: self.hops })
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let fields = &self.fields;
        let mut out = Vec::with_capacity(MAX_OVERHEAD_BYTES + fields.payload.len());
        out.extend([VERSION << 4 | fields.priority.code(), fields.message_type]);
        out.extend(fields.created_s.to_be_bytes());
        out.extend([fields.ttl.code(), self.hops << 4 | fields.max_hops]);
        out.extend(fields.n.to_be_bytes());
        let recipient = if self.recipient.is_some() { FLAG_RECIPIENT } else { 0 };
        let untrusted = if self.time == SenderTime::Untrusted { FLAG_UNTRUSTED_TIME } else { 0 };
        out.push(recipient | untrusted);
        out.extend(self.sender);
        out.extend(self.recipient.unwrap_or_default().iter().take(self.recipient.map_or(0, |r| r.len())));
        out.extend(self.signature.as_bytes());
        out.extend_from_slice(&fields.payload);
        out
    }

    /// Reads the bytes; the payload shares them.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError`] with the first rule broken.
    pub fn decode(bytes: &Bytes) -> Result<Self, EnvelopeError> {
        let truncated = || EnvelopeError::Truncated { got: bytes.len() };
        let mut input = bytes.clone();
        let first = input.try_get_u8().map_err(|_| truncated())?;
        if first >> 4 != VERSION {
            return Err(EnvelopeError::Version { got: u64::from(first >> 4) });
        }
        let priority = Priority::from_code(u64::from(first & 0xf))?;
        let message_type = input.try_get_u8().map_err(|_| truncated())?;
        let created_s = input.try_get_u32().map_err(|_| truncated())?;
        let ttl = Ttl::from_code(input.try_get_u8().map_err(|_| truncated())?.into())?;
        let both = input.try_get_u8().map_err(|_| truncated())?;
        let (hops, max_hops) = (both >> 4, both & 0xf);
        if hops > max_hops {
            return Err(EnvelopeError::Hops { hops, max_hops });
        }
        let n = input.try_get_u16().map_err(|_| truncated())?;
        let flags = input.try_get_u8().map_err(|_| truncated())?;
        if flags & !(FLAG_RECIPIENT | FLAG_UNTRUSTED_TIME) != 0 {
            return Err(EnvelopeError::Flags { got: flags });
        }
        let sender = array(&mut input).ok_or_else(truncated)?;
        let recipient =
            if flags & FLAG_RECIPIENT == 0 { None } else { Some(array(&mut input).ok_or_else(truncated)?) };
        let signature = Signature::from_bytes(array(&mut input).ok_or_else(truncated)?);
        if input.len() > MAX_PAYLOAD_BYTES {
            return Err(EnvelopeError::TooLarge { got: input.len(), limit: MAX_PAYLOAD_BYTES });
        }
        let time = if flags & FLAG_UNTRUSTED_TIME == 0 { SenderTime::Trusted } else { SenderTime::Untrusted };
        let payload = input;
        let fields =
            EnvelopeFields { message_type, priority, recipient: None, created_s, ttl, max_hops, n, payload };
        Ok(Self { sender, recipient, fields, signature, hops, time })
    }

    fn signable<'a>(&'a self, sender: &'a PublicKey) -> Result<Signable<'a>, EnvelopeError> {
        if short_id(&sender.peer_id()) != self.sender {
            return Err(EnvelopeError::ShortId);
        }
        Ok(Signable { sender, recipient: self.recipient, fields: &self.fields })
    }
}

fn array<const N: usize>(input: &mut Bytes) -> Option<[u8; N]> {
    let array = input.first_chunk().copied()?;
    input.advance(N);
    Some(array)
}

const VERSION: u8 = 1;
const FLAG_RECIPIENT: u8 = 1;
const FLAG_UNTRUSTED_TIME: u8 = 2;
/// Bytes around the payload, at most.
const MAX_OVERHEAD_BYTES: usize = 91;
