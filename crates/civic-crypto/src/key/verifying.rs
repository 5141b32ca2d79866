use std::fmt;

use civic_types::label::Label;
use civic_types::{PublicKey, Signature};
use curve25519_dalek::edwards::CompressedEdwardsY;

use super::device::check_tls13;
use crate::Error;

/// A public key that was admitted, decompressed once and ready to verify with.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// The one rule of admission: refuses bytes that are no point, not the canonical encoding of one, of
    /// small order, or with a torsion part. Costs about one verification.
    ///
    /// # Errors
    ///
    /// [`Error::PublicKey`].
    pub fn admit(key: &PublicKey) -> Result<Self, Error> {
        let compressed = CompressedEdwardsY(*key.as_bytes());
        let point = compressed.decompress().ok_or(Error::PublicKey)?;
        if point.compress() != compressed || point.is_small_order() || !point.is_torsion_free() {
            return Err(Error::PublicKey);
        }
        ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes()).map(Self).map_err(|_| Error::PublicKey)
    }

    /// The bytes.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.to_bytes())
    }

    /// The one rule of use: strict verification, one signature at a time, never in a batch.
    ///
    /// # Errors
    ///
    /// [`Error::Signature`].
    pub fn verify(&self, label: Label, message: &[u8], signature: &Signature) -> Result<(), Error> {
        self.verify_bytes(&[label.as_bytes(), message].concat(), signature)
    }

    /// Verifies the content of a TLS 1.3 CertificateVerify by the same rule.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when the message is not one, [`Error::Signature`].
    pub fn verify_tls13(&self, message: &[u8], signature: &Signature) -> Result<(), Error> {
        check_tls13(message)?;
        self.verify_bytes(message, signature)
    }

    fn verify_bytes(&self, bytes: &[u8], signature: &Signature) -> Result<(), Error> {
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        self.0.verify_strict(bytes, &signature).map_err(|_| Error::Signature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.public_key().peer_id())
    }
}
