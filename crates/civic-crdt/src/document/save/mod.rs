//! A document as bytes that this device keeps for itself: opened again without folding anything.
//!
//! Canonical CBOR of `[format, policy, hash, key, floor, [replica…], cids, [version…], fields]` and 8 bytes of the
//! BLAKE3 of all before. `policy` is 0 (last write wins) or 1 (add wins); `hash` the multihash code; `key`
//! null or `[collection, document id]`; `floor` how many of the versions a snapshot began with; replicas stand in the order of their first version here; `cids` are
//! the digests of all versions, 32 bytes each, in order of admission; a version is
//! `[replica's number, position, first dot, operations, milliseconds, counter, [parent…], body]`. First dot
//! and milliseconds are differences, to the dot after the greatest of the replica and to the version before;
//! a parent is how many versions back it is; body is 0 (folded), 1 (missing) or 2 (unreadable). `fields` is
//! the state of the fold. No bodies are in it.
//!
//! What a device keeps of its own is written so, and what members agree on when they prune. Of the former,
//! what one build wrote need not be read by the next, which then folds the stored versions again.

mod read;
#[cfg(test)]
mod tests;
mod write;

use civic_types::cbor;

use super::fold::StateError;

/// Why bytes are no saved document: fold the versions again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not canonical, or a part of another type.
    #[error("the saved document is not canonical or a part has another type")]
    Cbor(#[from] cbor::Error),
    /// The bytes are not those that were written.
    #[error("the saved document is damaged")]
    Checksum,
    /// The fold's state is malformed.
    #[error("the state of the saved document's fields is malformed")]
    Fields,
    /// Another build wrote it.
    #[error("unknown format {got} of a saved document")]
    Format {
        /// Number found.
        got: u64,
    },
    /// Policy, hash, key or replicas are malformed.
    #[error("what a saved document says of itself is malformed")]
    Head,
    /// A version is malformed, repeated, or before its parents.
    #[error("version {number} of a saved document is malformed")]
    Version {
        /// Its number in order of admission, from 0.
        number: usize,
    },
}

impl From<StateError> for OpenError {
    fn from(_: StateError) -> Self {
        Self::Fields
    }
}

/// Number of this format.
const FORMAT: u64 = 1;

/// Bytes of the checksum at the end.
const CHECKSUM_BYTES: usize = 8;

/// A version's body in a saved document.
mod body {
    pub(super) const FOLDED: u64 = 0;
    pub(super) const MISSING: u64 = 1;
    pub(super) const UNREADABLE: u64 = 2;
}
