//! [`Error`]: opaque by design.

/// Why a cryptographic operation failed; says nothing that helps a forger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ciphertext, its key or its associated data is wrong.
    #[error("decryption failed")]
    Aead,
    /// The bytes are no well-formed structure of the named kind.
    #[error("malformed {what}")]
    Malformed {
        /// Which structure.
        what: &'static str,
    },
    /// The public key may not be used: not a point, not canonical, weak, or with a torsion part.
    #[error("public key refused")]
    PublicKey,
    /// The signature does not hold.
    #[error("signature refused")]
    Signature,
    /// A later version of this software made it, or a part this build lacks.
    #[error("{what} is not supported")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// The key store could not be opened or written.
    #[cfg(feature = "keystore")]
    #[error(transparent)]
    KeyStore(#[from] crate::keystore::KeyStoreError),
}
