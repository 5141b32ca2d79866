//! [`Cid`]: the content identifier, a hash that says how it was made.
//!
//! Written form: CIDv1; CIDv0 is read. Text is base32 (`b…`), base58 (`z…`) and CIDv0 (`Qm…`) are read.
//! Source: the multiformats CID specification.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

/// Codec of canonical DAG-CBOR blocks.
pub const DAG_CBOR: u64 = 0x71;
/// Codec of raw blocks.
pub const RAW: u64 = 0x55;

const SHORT_LEN: usize = 36;
const VERSION_1: u8 = 1;
const DIGEST_LEN: u8 = 32;
const MAX_VARINT_BYTES: usize = 9;

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
        let Repr::Short(bytes) = &self.0 else { return None };
        [HashAlgorithm::Blake3, HashAlgorithm::Sha2_256].into_iter().find(|h| h.code() == bytes[2])
    }

    /// The 32-byte digest, if the hash is one of ours.
    #[must_use]
    pub fn digest(&self) -> Option<&[u8; 32]> {
        self.hash_algorithm()?;
        let Repr::Short(bytes) = &self.0 else { return None };
        bytes.last_chunk()
    }

    /// Whether this is a CIDv1 with that codec and that hash.
    #[must_use]
    pub fn is(&self, codec: u64, hash: HashAlgorithm) -> bool {
        self.codec() == codec && self.hash_algorithm() == Some(hash)
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

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Long(bytes) if bytes.first() == Some(&0x12) => {
                f.write_str(&bs58::encode(bytes).into_string())
            }
            _ => write!(f, "b{}", BASE32_NOPAD.encode(self.as_bytes()).to_ascii_lowercase()),
        }
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cid({self})")
    }
}

impl FromStr for Cid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        if text.len() == 46 && text.starts_with("Qm") {
            return Self::from_bytes(&bs58::decode(text).into_vec().map_err(|_| CidError::Text)?);
        }
        let mut chars = text.chars();
        let bytes = match chars.next() {
            Some('b') if !text.bytes().any(|b| b.is_ascii_uppercase()) => BASE32_NOPAD
                .decode(chars.as_str().to_ascii_uppercase().as_bytes())
                .map_err(|_| CidError::Text)?,
            Some('z') => bs58::decode(chars.as_str()).into_vec().map_err(|_| CidError::Text)?,
            _ => return Err(CidError::Text),
        };
        if bytes.first() == Some(&0x12) {
            return Err(CidError::Version);
        }
        Self::from_bytes(&bytes)
    }
}

/// Why bytes or text are not a CID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CidError {
    /// The digest is shorter or longer than stated, or the bytes end early.
    #[error("the digest does not have the stated length")]
    Length,
    /// The text is not base32, base58 or CIDv0 text.
    #[error("the text is in no known base")]
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
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_round_trip() {
        for text in [
            "bafyreidykglsfhoixmivffc5uwhcgshx4j465xwqntbmu43nb2dzqwfvae",
            "bafkqabiaaebagba",
            "QmXg9Pp2ytZ14xgmQjYEiHjVjMFXzCVVEcRTWJBmLgR39V",
        ] {
            let cid: Cid = text.parse().unwrap();
            assert_eq!(cid.to_string(), text);
            assert_eq!(Cid::from_bytes(cid.as_bytes()).unwrap(), cid);
        }
    }

    #[test]
    fn a_cid_matches_its_content_only() {
        for hash in [HashAlgorithm::Blake3, HashAlgorithm::Sha2_256] {
            let cid = Cid::raw(hash, b"x");
            assert!(cid.matches(b"x") && !cid.matches(b"y"));
            assert!(cid.is(RAW, hash) && !cid.is(DAG_CBOR, hash));
        }
    }

    #[test]
    fn malformed_cids_are_refused() {
        let good = Cid::raw(HashAlgorithm::Sha2_256, b"x");
        let bytes = good.as_bytes();
        assert_eq!(Cid::from_bytes(&bytes[..35]), Err(CidError::Length));
        assert_eq!(Cid::from_bytes(&[bytes, &[0]].concat()), Err(CidError::Length));
        assert_eq!(Cid::from_bytes(&[&[2], &bytes[1..]].concat()), Err(CidError::Version));
        assert_eq!(Cid::from_bytes(&[&[1, 0xf1, 0], &bytes[2..]].concat()), Err(CidError::Varint));
        assert_eq!(Cid::from_bytes(&[]), Err(CidError::Length));
        assert_eq!("bAFK".parse::<Cid>(), Err(CidError::Text));
    }
}
