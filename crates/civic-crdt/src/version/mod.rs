//! Versions: the signed graph of changes that documents are the fold of.
//!
//! A [`Version`] is a [`Header`] with its bytes and their CID; its [`Body`] holds the operations. Whether
//! a version counts is decided by [`Document::insert`](crate::Document::insert) from its ancestors alone
//! ([`Admission`]), and by [`authenticate`] from signatures; versions travel in packs ([`pack`](mod@pack)).

pub mod admit;
pub mod authentic;
pub mod body;
mod error;
mod fork_proof;
mod group;
mod header;
pub mod pack;

pub use admit::{Admission, Refusal};
pub use authentic::{Authenticated, ChainLink, Verify, authenticate, item_message};
pub use body::{Body, BodyError, Code, Kind, Operation};
pub use error::HeaderError;
pub use fork_proof::{Branch, ForkProof, ForkProofError, MAX_BRANCH_HEADERS, MAX_FORK_PROOF_BYTES};
pub use group::units;
pub use header::{BodyRef, Header, Rules};

use bytes::Bytes;
use civic_types::limits::MAX_ITEM_BYTES;
use civic_types::{Cid, DocumentKey};

/// A decoded header with its bytes and the CID of exactly those bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    header: Header,
    cid: Cid,
    bytes: Bytes,
}

impl Version {
    /// Checks the header's bytes and hashes them as they came.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] as [`Header::decode`].
    pub fn decode(bytes: impl Into<Bytes>, rules: &Rules) -> Result<Self, HeaderError> {
        let bytes = bytes.into();
        let header = Header::decode(&bytes, rules)?;
        Ok(Self { header, cid: Cid::dag_cbor(rules.hash, &bytes), bytes })
    }

    /// Encodes a header that this device has made.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when the header breaks a rule; nobody would take it.
    pub fn from_header(header: &Header, rules: &Rules) -> Result<Self, HeaderError> {
        Self::build(header.clone(), rules)
    }

    /// As [`from_header`](Self::from_header), taking the header.
    pub(crate) fn build(header: Header, rules: &Rules) -> Result<Self, HeaderError> {
        header.check(rules)?;
        let bytes = Bytes::from(header.encode());
        if bytes.len() > MAX_ITEM_BYTES {
            return Err(HeaderError::TooLarge { got: bytes.len() });
        }
        Ok(Self { header, cid: Cid::dag_cbor(rules.hash, &bytes), bytes })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The CID of the header's bytes.
    #[must_use]
    pub const fn cid(&self) -> &Cid {
        &self.cid
    }

    /// The header's bytes, as received.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The document that the version changes.
    #[must_use]
    pub fn key(&self) -> DocumentKey {
        DocumentKey::new(self.header.collection, self.header.document.clone())
    }

    /// The body, if it stands inside the header.
    #[must_use]
    pub const fn inline_body(&self) -> Option<&Bytes> {
        match &self.header.body {
            BodyRef::Inline(body) => Some(body),
            BodyRef::Link(_) => None,
        }
    }

    /// The link of the block that holds the body, if it stands outside.
    #[must_use]
    pub const fn block(&self) -> Option<&Cid> {
        match &self.header.body {
            BodyRef::Inline(_) => None,
            BodyRef::Link(link) => Some(link),
        }
    }
}
