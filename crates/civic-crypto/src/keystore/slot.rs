#![warn(clippy::indexing_slicing)]

use argon2::{Algorithm, Argon2, Params, Version};
use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::Profile;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::KeyStoreError;
use crate::rng::random_bytes;

/// Longest passphrase in bytes of UTF-8.
pub const MAX_PASSPHRASE_BYTES: usize = 1024;

pub(super) const TYPE_ARGON2ID: u8 = 1;
pub(super) const TYPE_PBKDF2: u8 = 2;

const SALT_LEN: usize = 16;

/// How a passphrase becomes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KdfParams {
    /// Argon2id (RFC 9106). Accepted: 8 MiB..=1 GiB, 1..=16 passes, 1..=4 lanes.
    Argon2id {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes.
        passes: u32,
        /// Lanes.
        lanes: u8,
    },
    /// PBKDF2-HMAC-SHA-256. Accepted: 10^5..=10^7 iterations.
    Pbkdf2 {
        /// Iterations.
        iterations: u32,
    },
}

/// Argon2id with 64 MiB, 3 passes, 1 lane: about 0.2 s on a phone.
impl Default for KdfParams {
    fn default() -> Self {
        Self::Argon2id { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

/// Parameters and salt as they stand in a slot before its wrap.
pub(super) struct Kdf {
    pub(super) params: KdfParams,
    salt: [u8; SALT_LEN],
}

impl Kdf {
    pub(super) fn new(params: KdfParams, rng: &mut dyn CryptoRng) -> Result<Self, KeyStoreError> {
        Self { params, salt: random_bytes(rng) }.checked()
    }

    pub(super) const fn slot_type(&self) -> u8 {
        match self.params {
            KdfParams::Argon2id { .. } => TYPE_ARGON2ID,
            KdfParams::Pbkdf2 { .. } => TYPE_PBKDF2,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        match self.params {
            KdfParams::Argon2id { memory_kib, passes, lanes } => {
                [&memory_kib.to_be_bytes()[..], &passes.to_be_bytes(), &[lanes], &self.salt].concat()
            }
            KdfParams::Pbkdf2 { iterations } => [&iterations.to_be_bytes()[..], &self.salt].concat(),
        }
    }

    /// Reads a slot's body and gives what stands behind, the wrap.
    pub(super) fn decode(slot_type: u8, body: &[u8]) -> Result<(Self, &[u8]), KeyStoreError> {
        let unlock = || KeyStoreError::Unlock;
        let (params, rest) = match slot_type {
            TYPE_ARGON2ID => {
                let (memory_kib, rest) = body.split_first_chunk().ok_or_else(unlock)?;
                let (passes, rest) = rest.split_first_chunk().ok_or_else(unlock)?;
                let (lanes, rest) = rest.split_first().ok_or_else(unlock)?;
                let (memory_kib, passes) = (u32::from_be_bytes(*memory_kib), u32::from_be_bytes(*passes));
                (KdfParams::Argon2id { memory_kib, passes, lanes: *lanes }, rest)
            }
            _ => {
                let (iterations, rest) = body.split_first_chunk().ok_or_else(unlock)?;
                (KdfParams::Pbkdf2 { iterations: u32::from_be_bytes(*iterations) }, rest)
            }
        };
        let (salt, wrap) = rest.split_first_chunk().ok_or_else(unlock)?;
        Ok((Self { params, salt: *salt }.checked()?, wrap))
    }

    /// The key that a passphrase gives under these parameters.
    pub(super) fn key(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, KeyStoreError> {
        if passphrase.len() > MAX_PASSPHRASE_BYTES {
            return Err(KeyStoreError::Passphrase);
        }
        let prepared = OpaqueString::new().enforce(passphrase).map_err(|_| KeyStoreError::Passphrase)?;
        let prepared = Zeroizing::new(prepared.into_owned());
        let mut key = Zeroizing::new([0; 32]);
        match self.params {
            KdfParams::Argon2id { memory_kib, passes, lanes } => {
                let params = Params::new(memory_kib, passes, lanes.into(), Some(32))
                    .map_err(|_| KeyStoreError::Unlock)?;
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(prepared.as_bytes(), &self.salt, &mut key[..])
                    .map_err(|_| KeyStoreError::Unlock)?;
            }
            KdfParams::Pbkdf2 { iterations } => {
                pbkdf2::pbkdf2_hmac::<Sha256>(prepared.as_bytes(), &self.salt, iterations, &mut key[..]);
            }
        }
        Ok(key)
    }

    /// Refuses parameters that are too weak to protect or too strong to compute.
    fn checked(self) -> Result<Self, KeyStoreError> {
        let accepted = match self.params {
            KdfParams::Argon2id { memory_kib, passes, lanes } => {
                (8 * 1024..=1024 * 1024).contains(&memory_kib)
                    && (1..=16).contains(&passes)
                    && (1..=4).contains(&lanes)
            }
            KdfParams::Pbkdf2 { iterations } => (100_000..=10_000_000).contains(&iterations),
        };
        if accepted { Ok(self) } else { Err(KeyStoreError::Unlock) }
    }
}
