use std::fmt;

use civic_types::label::Label;
use civic_types::{PeerId, PublicKey, Signature};
use ed25519_dalek::{Signer, SigningKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::VerifyingKey;
use crate::Error;
use crate::rng::random_bytes;

/// What RFC 8446 section 4.4.3 puts before a CertificateVerify: 64 spaces and a context string.
const TLS_CONTEXTS: [&[u8]; 2] =
    [b"TLS 1.3, server CertificateVerify\0", b"TLS 1.3, client CertificateVerify\0"];
const TLS_PADDING: usize = 64;

/// A device's Ed25519 key. It is wiped from memory when dropped, cannot be printed, and signs only under
/// a label of the closed list or for TLS 1.3.
pub struct DeviceKey(SigningKey);

impl DeviceKey {
    /// A fresh key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_seed(&Zeroizing::new(random_bytes(rng)))
    }

    /// The key of a 32-byte seed (RFC 8032 private key).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, to keep in a key store.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// The public half, ready to verify with.
    ///
    /// # Errors
    ///
    /// [`Error::PublicKey`] for the few seeds, never met by chance, whose key is refused.
    pub fn verifying_key(&self) -> Result<VerifyingKey, Error> {
        VerifyingKey::admit(&self.public_key())
    }

    /// The peer that this key is.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.public_key().peer_id()
    }

    /// Signs a message under a label.
    #[must_use]
    pub fn sign(&self, label: Label, message: &[u8]) -> Signature {
        let bytes = [label.as_bytes(), message].concat();
        Signature::from_bytes(self.0.sign(&bytes).to_bytes())
    }

    /// Signs the content of a TLS 1.3 CertificateVerify and nothing else.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when the message is not one.
    pub fn sign_tls13(&self, message: &[u8]) -> Result<Signature, Error> {
        check_tls13(message)?;
        Ok(Signature::from_bytes(self.0.sign(message).to_bytes()))
    }
}

/// Refuses whatever is not the content of a CertificateVerify.
pub(super) fn check_tls13(message: &[u8]) -> Result<(), Error> {
    let malformed = Error::Malformed { what: "TLS 1.3 CertificateVerify" };
    match message.split_at_checked(TLS_PADDING) {
        Some((padding, rest))
            if padding.iter().all(|b| *b == b' ') && TLS_CONTEXTS.iter().any(|c| rest.starts_with(c)) =>
        {
            Ok(())
        }
        _ => Err(malformed),
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey")
    }
}
