use sha2::{Digest, Sha256};

/// The hashes that CIDs of this workspace are made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashAlgorithm {
    /// BLAKE3 with 32 bytes of output, multihash code 0x1e.
    Blake3,
    /// SHA-256, multihash code 0x12: the default.
    #[default]
    Sha2_256,
}

impl HashAlgorithm {
    /// The multihash name: `blake3` or `sha2-256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blake3 => "blake3",
            Self::Sha2_256 => "sha2-256",
        }
    }

    /// The algorithm with that multihash name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Blake3, Self::Sha2_256].into_iter().find(|h| h.name() == name)
    }

    /// The multihash code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Blake3 => 0x1e,
            Self::Sha2_256 => 0x12,
        }
    }

    /// The 32-byte digest of `bytes`.
    #[must_use]
    pub fn digest(self, bytes: &[u8]) -> [u8; 32] {
        match self {
            Self::Blake3 => *blake3::hash(bytes).as_bytes(),
            Self::Sha2_256 => Sha256::digest(bytes).into(),
        }
    }
}
