//! [`Cid`]: the content identifier, a hash that says how it was made.
//!
//! Made and written: CIDv1 with sha2-256 or BLAKE3, in base32 (`b…`). Read as well: CIDv0 (`Qm…`), which stays
//! one until [`Cid::to_v1`], other hashes, whose content nobody here can check, and the text forms base58btc
//! (`z…`) and base36 (`k…`). Source: the multiformats CID, multihash and multibase specifications.

mod hash;
mod text;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

pub use hash::HashAlgorithm;

/// Codec of canonical DAG-CBOR blocks.
pub const DAG_CBOR: u64 = 0x71;
/// Codec of raw blocks.
pub const RAW: u64 = 0x55;

/// Codec of a CIDv0.
const DAG_PB: u8 = 0x70;
const SHORT_LEN: usize = 36;
const VERSION_1: u8 = 1;
const DIGEST_LEN: u8 = 32;
const MAX_VARINT_BYTES: usize = 9;

/// A content identifier, ordered and compared by its bytes.
#[derive(Clone)]
pub struct Cid(Repr);

#[derive(Clone)]
enum Repr {
    /// CIDv1 with one-byte codec and a 32-byte digest: every CID we make.
    Short([u8; SHORT_LEN]),
    /// Any other well-formed CID.
    Long(Box<[u8]>),
}

impl Cid {
    /// The CID of canonical DAG-CBOR bytes.
    #[must_use]
    pub fn dag_cbor(hash: HashAlgorithm, bytes: &[u8]) -> Self {
        Self::from_digest(0x71, hash, &hash.digest(bytes))
    }

    /// The CID of a raw block.
    #[must_use]
    pub fn raw(hash: HashAlgorithm, bytes: &[u8]) -> Self {
        Self::from_digest(0x55, hash, &hash.digest(bytes))
    }

    /// The CID of canonical DAG-CBOR with a digest that is known already.
    #[must_use]
    pub fn dag_cbor_from_digest(hash: HashAlgorithm, digest: &[u8; 32]) -> Self {
        Self::from_digest(0x71, hash, digest)
    }

    fn from_digest(codec: u8, hash: HashAlgorithm, digest: &[u8; 32]) -> Self {
        let mut bytes = [0; SHORT_LEN];
        bytes[..4].copy_from_slice(&[VERSION_1, codec, hash.code(), DIGEST_LEN]);
        bytes[4..].copy_from_slice(digest);
        Self(Repr::Short(bytes))
    }

    /// Reads exactly one CID.
    ///
    /// # Errors
    ///
    /// [`CidError`] unless the bytes are one CIDv0 or CIDv1 with minimal varints and a digest of the
    /// stated length, and nothing after it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CidError> {
        if let [0x12, 0x20, digest @ ..] = bytes {
            return if digest.len() == 32 {
                Ok(Self(Repr::Long(bytes.into())))
            } else {
                Err(CidError::Length)
            };
        }
        if let Ok(short) = <[u8; SHORT_LEN]>::try_from(bytes)
            && short[0] == VERSION_1
            && short[1] < 0x80
            && short[2] < 0x80
            && short[3] == DIGEST_LEN
        {
            return Ok(Self(Repr::Short(short)));
        }
        let (version, rest) = varint(bytes)?;
        if version != 1 {
            return Err(CidError::Version);
        }
        let (_codec, rest) = varint(rest)?;
        let (_hash, rest) = varint(rest)?;
        let (length, digest) = varint(rest)?;
        if usize::try_from(length) != Ok(digest.len()) {
            return Err(CidError::Length);
        }
        Ok(Self(Repr::Long(bytes.into())))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short(bytes) => bytes,
            Repr::Long(bytes) => bytes,
        }
    }

    /// The same content under CIDv1: a CIDv0 becomes a dag-pb CIDv1, a CIDv1 stays as it is.
    #[must_use]
    pub fn to_v1(&self) -> Self {
        match self.as_bytes() {
            [0x12, 0x20, digest @ ..] => match digest.try_into() {
                Ok(digest) => Self::from_digest(DAG_PB, HashAlgorithm::Sha2_256, digest),
                Err(_) => self.clone(),
            },
            _ => self.clone(),
        }
    }

    /// The version, 0 or 1.
    #[must_use]
    pub fn version(&self) -> u8 {
        u8::from(self.as_bytes().first() == Some(&VERSION_1))
    }

    /// The multihash code; 0x12, sha2-256, for a CIDv0.
    #[must_use]
    pub fn hash_code(&self) -> u64 {
        varint(self.multihash()).map_or(0, |(code, _)| code)
    }

    /// The content codec; a CIDv0 is dag-pb (0x70).
    #[must_use]
    pub fn codec(&self) -> u64 {
        match &self.0 {
            Repr::Short(bytes) => u64::from(bytes[1]),
            Repr::Long(bytes) if bytes.first() == Some(&0x12) => 0x70,
            Repr::Long(bytes) => {
                varint(bytes).and_then(|(_, rest)| varint(rest)).map_or(0, |(codec, _)| codec)
            }
        }
    }

    /// The hash, if it is one of ours with its full 32 bytes.
    #[must_use]
    pub fn hash_algorithm(&self) -> Option<HashAlgorithm> {
        let [code, DIGEST_LEN, digest @ ..] = self.multihash() else { return None };
        let ours = [HashAlgorithm::Blake3, HashAlgorithm::Sha2_256].into_iter().find(|h| h.code() == *code);
        ours.filter(|_| digest.len() == 32)
    }

    /// The 32-byte digest, if the hash is one of ours.
    #[must_use]
    pub fn digest(&self) -> Option<&[u8; 32]> {
        self.hash_algorithm()?;
        self.as_bytes().last_chunk()
    }

    /// What follows version and codec: hash code, length, digest.
    fn multihash(&self) -> &[u8] {
        match (&self.0, self.as_bytes()) {
            (Repr::Short(_), [_, _, multihash @ ..]) | (_, multihash @ [0x12, ..]) => multihash,
            (_, bytes) => {
                let rest = varint(bytes).and_then(|(_, rest)| varint(rest));
                rest.map_or(&[], |(_, rest)| rest)
            }
        }
    }

    /// Whether this is a CIDv1 with that codec and that hash.
    #[must_use]
    pub fn is(&self, codec: u64, hash: HashAlgorithm) -> bool {
        self.version() == 1 && self.codec() == codec && self.hash_algorithm() == Some(hash)
    }

    /// Whether `bytes` hash to this CID; false for hashes that are not ours.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        match (self.hash_algorithm(), self.digest()) {
            (Some(hash), Some(digest)) => &hash.digest(bytes) == digest,
            _ => false,
        }
    }
}

impl PartialEq for Cid {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Cid {}

impl Ord for Cid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Cid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Cid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cid({self})")
    }
}

/// Why bytes or text are not a CID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CidError {
    /// The text begins like no base that is read: base32, base36, base58btc, or CIDv0 text.
    #[error("the text is in no known base")]
    Base,
    /// The digest is shorter or longer than stated, or the bytes end early.
    #[error("the digest does not have the stated length")]
    Length,
    /// The text does not fit the base it begins with, or is too long for it.
    #[error("the text does not fit its base")]
    Text,
    /// A varint is not minimal or longer than 9 bytes.
    #[error("a varint is not minimal")]
    Varint,
    /// Neither version 0 nor version 1.
    #[error("unknown CID version")]
    Version,
}

/// Reads one minimal unsigned varint.
fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), CidError> {
    let mut value = 0_u64;
    for (i, byte) in bytes.iter().enumerate().take(MAX_VARINT_BYTES) {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            let minimal = *byte != 0 || i == 0;
            return if minimal {
                Ok((value, bytes.get(i + 1..).unwrap_or_default()))
            } else {
                Err(CidError::Varint)
            };
        }
    }
    Err(if bytes.len() < MAX_VARINT_BYTES { CidError::Length } else { CidError::Varint })
}

#[cfg(test)]
mod tests;
