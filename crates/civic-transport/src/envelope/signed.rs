use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use civic_crypto::{DeviceKey, Verifier};
use civic_types::cbor::Encoder;
use civic_types::label::Label;
use civic_types::limits::MAX_PAYLOAD_BYTES;
use civic_types::time::Timestamp;
use civic_types::{PeerId, PublicKey, Signature};

use super::{EnvelopeError, Priority, Ttl};
use crate::receive::TimeTrust;

/// Greatest cap on hops that the formats can write.
pub const MAX_HOPS: u8 = 15;
/// Usual cap on hops: ten links cross a city; radio meshes use five.
pub const DEFAULT_MAX_HOPS: u8 = 10;

/// What the sender of a signed envelope chooses. All of it is signed, but of the recipient only the first
/// eight bytes: whoever passes a full form on can alter the rest, so it is a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeFields {
    /// What the payload is, as the layers above number it.
    pub message_type: u8,
    /// Its urgency.
    pub priority: Priority,
    /// For whom; `None` for everybody.
    pub recipient: Option<PeerId>,
    /// When it was written, in seconds since 1970.
    pub created_s: u32,
    /// How long it lives.
    pub ttl: Ttl,
    /// Links that it may cross, at most [`MAX_HOPS`].
    pub max_hops: u8,
    /// The sender's running counter.
    pub n: u16,
    /// The payload, at most 1 MiB.
    pub payload: Bytes,
}

/// An envelope that its writer has signed. Whoever holds one has parsed it; [`verify`](Self::verify) says
/// whether the signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedEnvelope {
    pub(super) sender: PublicKey,
    pub(super) fields: EnvelopeFields,
    pub(super) signature: Signature,
    pub(super) hops: u8,
}

impl SignedEnvelope {
    /// Signs the fields for a network; no link crossed yet.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::MaxHops`], [`EnvelopeError::TooLarge`], [`EnvelopeError::Network`].
    pub fn sign(key: &DeviceKey, net: &str, fields: EnvelopeFields) -> Result<Self, EnvelopeError> {
        if fields.max_hops > MAX_HOPS {
            return Err(EnvelopeError::MaxHops { got: fields.max_hops });
        }
        if fields.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(EnvelopeError::TooLarge { got: fields.payload.len(), limit: MAX_PAYLOAD_BYTES });
        }
        let sender = key.public_key();
        let signature = key.sign(Label::MESSAGE, &Signable::of(&sender, &fields).message(net)?);
        Ok(Self { sender, fields, signature, hops: 0 })
    }

    /// Whether the sender's key may be used and its signature holds for that network, by the one rule.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Signature`].
    pub fn verify(&self, verifier: &Verifier, net: &str) -> Result<(), EnvelopeError> {
        self.signable().verify(verifier, net, &self.signature)
    }

    /// Its id in a network: covers the signature too, so a copy with another signature is another envelope.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Network`].
    pub fn id(&self, net: &str) -> Result<EnvelopeId, EnvelopeError> {
        self.signable().id(net, &self.signature)
    }

    /// The same after one more link.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Hops`] when it may cross no more.
    pub fn hop(&self) -> Result<Self, EnvelopeError> {
        let max_hops = self.fields.max_hops;
        match self.hops.checked_add(1) {
            Some(hops) if hops <= max_hops => Ok(Self { hops, ..self.clone() }),
            _ => Err(EnvelopeError::Hops { hops: self.hops, max_hops }),
        }
    }

    /// When it must be dropped, for one who received it at `received`: the earlier of creation + ttl and
    /// receipt + ttl. Who does not trust the own clock counts from receipt alone.
    #[must_use]
    pub fn expires_at(&self, received: Timestamp, trust: TimeTrust) -> Timestamp {
        let ttl = self.fields.ttl.duration();
        let from_receipt = received.saturating_add(ttl);
        match trust {
            TimeTrust::Trusted => from_receipt.min(self.created().saturating_add(ttl)),
            TimeTrust::Untrusted => from_receipt,
        }
    }

    /// Who wrote it.
    #[must_use]
    pub const fn sender(&self) -> &PublicKey {
        &self.sender
    }

    /// What the sender chose.
    #[must_use]
    pub const fn fields(&self) -> &EnvelopeFields {
        &self.fields
    }

    /// The sender's signature.
    #[must_use]
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Links crossed; not signed.
    #[must_use]
    pub const fn hops(&self) -> u8 {
        self.hops
    }

    /// When it was written.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        Timestamp::from_millis(0).saturating_add(Duration::from_secs(self.fields.created_s.into()))
    }

    fn signable(&self) -> Signable<'_> {
        Signable::of(&self.sender, &self.fields)
    }
}

/// The signed part as both forms know it: with the short recipient.
pub(super) struct Signable<'a> {
    pub(super) sender: &'a PublicKey,
    pub(super) recipient: Option<[u8; 8]>,
    pub(super) fields: &'a EnvelopeFields,
}

impl<'a> Signable<'a> {
    fn of(sender: &'a PublicKey, fields: &'a EnvelopeFields) -> Self {
        Self { sender, recipient: fields.recipient.as_ref().map(short_id), fields }
    }

    pub(super) fn verify(
        &self,
        verifier: &Verifier,
        net: &str,
        sig: &Signature,
    ) -> Result<(), EnvelopeError> {
        let message = self.message(net)?;
        let key = verifier.key(self.sender).map_err(|_| EnvelopeError::Signature)?;
        key.verify(Label::MESSAGE, &message, sig).map_err(|_| EnvelopeError::Signature)
    }

    pub(super) fn id(&self, net: &str, signature: &Signature) -> Result<EnvelopeId, EnvelopeError> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(Label::MESSAGE.as_bytes()).update(&self.message(net)?).update(signature.as_bytes());
        Ok(EnvelopeId(hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default()))
    }

    /// What the signature covers after the label.
    fn message(&self, net: &str) -> Result<Vec<u8>, EnvelopeError> {
        let length = u32::try_from(net.len()).map_err(|_| EnvelopeError::Network { limit: MAX_NET_BYTES })?;
        if net.len() > MAX_NET_BYTES {
            return Err(EnvelopeError::Network { limit: MAX_NET_BYTES });
        }
        let mut out = Encoder::with_capacity(MAX_NET_BYTES + 128 + self.fields.payload.len());
        out.raw(&length.to_be_bytes()).raw(net.as_bytes());
        out.array(SIGNED_ELEMENTS).uint(VERSION);
        out.uint(self.fields.message_type.into()).uint(self.fields.priority.code().into());
        out.bytes(self.sender.as_bytes());
        match &self.recipient {
            Some(recipient) => out.bytes(recipient),
            None => out.null(),
        };
        out.uint(self.fields.created_s.into()).uint(self.fields.ttl.code().into());
        out.uint(self.fields.max_hops.into()).uint(self.fields.n.into()).bytes(&self.fields.payload);
        Ok(out.into_bytes())
    }
}

/// Names an envelope for deduplication; never sent. Shown as a UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvelopeId([u8; 16]);

impl EnvelopeId {
    /// Wraps the bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnvelopeId({self})")
    }
}

/// The first eight bytes of a peer's id.
pub(crate) fn short_id(peer: &PeerId) -> [u8; 8] {
    peer.as_bytes().first_chunk().copied().unwrap_or_default()
}

pub(super) const VERSION: u64 = 1;
/// Longest name of a network in bytes.
const MAX_NET_BYTES: usize = 255;
const SIGNED_ELEMENTS: usize = 10;
