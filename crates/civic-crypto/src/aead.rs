//! Authenticated encryption of records: `suite ‖ nonce 24 ‖ ciphertext ‖ tag 16`.
//!
//! Suite 1 is XChaCha20-Poly1305 with a random nonce, so keys need no counters and no coordination.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use civic_types::label::Label;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::Error;
use crate::rng::random_bytes;

/// The suite that is written.
pub const SUITE_XCHACHA20_POLY1305: u8 = 1;

/// Bytes that sealing adds: suite, nonce, tag.
pub const OVERHEAD_BYTES: usize = 1 + NONCE_LEN + 16;

const NONCE_LEN: usize = 24;

/// A 256-bit key for records. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct RecordKey(Zeroizing<[u8; 32]>);

impl RecordKey {
    /// Takes 32 bytes of key material.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key of a purpose and a context under a secret: BLAKE3 `derive_key` of the label's context
    /// over `secret ‖ context`.
    #[must_use]
    pub fn derive(label: Label, secret: &[u8; 32], context: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(label.context());
        hasher.update(secret).update(context);
        Self::from_bytes(*hasher.finalize().as_bytes())
    }

    /// Encrypts under associated data that whoever opens it must name too.
    #[must_use]
    pub fn seal(&self, rng: &mut dyn CryptoRng, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random_bytes(rng);
        let mut out = Vec::with_capacity(plaintext.len() + OVERHEAD_BYTES);
        out.push(SUITE_XCHACHA20_POLY1305);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&encrypt(&self.0, &nonce, aad, plaintext));
        out
    }

    /// Decrypts.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for another suite, [`Error::Aead`] for everything else.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (suite, rest) = sealed.split_first().ok_or(Error::Aead)?;
        if *suite != SUITE_XCHACHA20_POLY1305 {
            return Err(Error::Unsupported { what: "this encryption suite" });
        }
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Error::Aead)?;
        decrypt(&self.0, nonce, aad, ciphertext)
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKey")
    }
}

/// XChaCha20-Poly1305: ciphertext, then tag.
#[expect(clippy::expect_used, reason = "the one failure is a plaintext of 256 GiB, which no caller can hold")]
pub(crate) fn encrypt(key: &[u8; 32], nonce: &[u8; NONCE_LEN], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let payload = Payload { msg: plaintext, aad };
    let sealed = XChaCha20Poly1305::new(key.into()).encrypt(&XNonce::from(*nonce), payload);
    sealed.expect("a plaintext in memory is shorter than the cipher's limit")
}

pub(crate) fn decrypt(
    key: &[u8; 32],
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<Vec<u8>, Error> {
    let payload = Payload { msg: ciphertext, aad };
    XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(*nonce), payload).map_err(|_| Error::Aead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    #[test]
    fn what_was_sealed_opens_with_the_same_key_and_data_only() {
        let key = RecordKey::derive(Label::STORE_RECORD, &[1; 32], b"store");
        let sealed = key.seal(&mut SystemRng::new(), b"aad", b"secret");
        assert_eq!(sealed.len(), 6 + OVERHEAD_BYTES);
        assert_eq!(key.open(b"aad", &sealed).unwrap(), b"secret");
        assert!(key.open(b"dad", &sealed).is_err());
        assert!(RecordKey::derive(Label::STORE_RECORD, &[1; 32], b"other").open(b"aad", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(b"aad", &changed).is_err(), "byte {at}");
            assert!(key.open(b"aad", &sealed[..at]).is_err(), "cut at {at}");
        }
        assert_eq!(format!("{key:?}"), "RecordKey");
    }
}
