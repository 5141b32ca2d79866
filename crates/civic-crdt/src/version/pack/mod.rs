//! [`pack()`] and [`unpack`]: versions of one collection, close together for the journey.
//!
//! Whatever a receiver can work out is left out, and headers are rebuilt exactly: CIDs are of the rebuilt
//! bytes, so a pack needs no checksum of its own. A pack is bytes without framing; deflate (feature
//! `deflate`), where a link wants it, goes around it.
//!
//! # Layout
//!
//! `uint` is an unsigned LEB128 number in its shortest form, at most 10 bytes. `zigzag` is a uint that
//! stands for 0, -1, 1, -2 … `digest` is the 32 bytes of a CID whose codec and hash follow from where it
//! stands: dag-cbor for `a`, `p` and `q`, raw for blocks, and the collection's hash.
//!
//! | part | bytes |
//! |---|---|
//! | format | u8, 1 |
//! | collection | 32 |
//! | replicas | uint count, then 48 each: public key 32, nonce 16; strictly ascending |
//! | documents | uint count, then each uint length, UTF-8; each once, in order of first use |
//! | outside links | uint count, then 32 each: digests of versions and grants that are not earlier in the pack; each once, in order of first use |
//! | versions | uint count, then entries |
//!
//! An entry starts with its flags, a uint:
//!
//! | bit | set | clear |
//! |---|---|---|
//! | 0 | same replica as the entry before | uint: number of the replica's record |
//! | 1 | same document as the entry before | uint: number of the document |
//! | 2 | `k` is one more than in the replica's entry before, `q` its CID | uint `k`; if it is not 1, reference `q` |
//! | 3 | `s` follows the replica's last dot of this document in the pack; 1 if there is none | uint `s` |
//! | 4 | exactly one parent: the document's entry before | bit 5 says |
//! | 5 | uint count, then a reference each | no parents, or bit 4 |
//! | 6 | the inline body in short form | its bytes |
//! | 7 | uint counter of the stamp | counter 0 |
//! | 8 | signature: 64 bytes | none |
//! | 9 | linked body | inline body |
//! | 10 | the block is here (only with bit 9) | not here |
//! | 11 | reference to the grant `a` | `a` is null |
//! | 12 | uint `i`, uint `m` of the group | no group |
//!
//! Then, each only where the flags ask for it and in this order: replica, document, `k`, `q`, `s`, parents,
//! milliseconds as zigzag of the difference to the entry before (the first: to 0), counter, `n`, grant,
//! group, body, signature. A reference is a uint: twice the distance back to an earlier entry (2 = the
//! entry before), or twice the number of an outside link plus 1. A body is uint length and bytes; a linked
//! body whose block is not here is its digest. The short form of a body is
//! uint count and the numbers of its replicas' records; uint count and for each operation uint length and
//! bytes of its path, kind, code and argument, uint count of its kills and for each uint index of the replica
//! and zigzag of `s` minus the dot's number, modulo 2^64.
//!
//! Nothing may follow the last entry. Every count is checked against its bound and never reserved for.

mod body;
#[cfg(feature = "deflate")]
mod deflate;
mod read;
mod wire;
mod write;

#[cfg(feature = "deflate")]
pub use deflate::{InflateError, deflate, inflate};
pub use read::unpack;
pub use write::pack;

use bytes::Bytes;
use civic_types::item::ReplicaRecord;
use civic_types::{CollectionId, ReplicaId, Signature};

use super::{HeaderError, Version};

/// Most bytes of a pack: what fits a link's longest transfer without slicing elsewhere.
pub const MAX_PACK_BYTES: usize = 4 * 1024 * 1024;

/// Most versions in a pack.
pub const MAX_PACK_VERSIONS: usize = 16_384;

/// Most replica records in a pack.
pub const MAX_PACK_REPLICAS: usize = 4096;

/// Most documents in a pack.
pub const MAX_PACK_DOCUMENTS: usize = MAX_PACK_VERSIONS;

/// Most outside links in a pack.
pub const MAX_PACK_LINKS: usize = 65_536;

/// Most bytes of headers and blocks that a pack may unfold to: references make headers grow.
pub const MAX_UNPACKED_BYTES: usize = 16 * 1024 * 1024;

/// Longest block that travels inside a pack; longer ones are asked for apart.
pub const MAX_PACKED_BLOCK_BYTES: usize = 64 * 1024;

/// The format's number, a pack's first byte.
pub const PACK_FORMAT: u8 = 1;

/// A version on its way, with what travels beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedVersion {
    /// The version.
    pub version: Version,
    /// Its own signature; a run needs one at its end.
    pub signature: Option<Signature>,
    /// The block of a linked body, if it is at hand and at most 64 KiB.
    pub block: Option<Bytes>,
}

/// What a pack holds. Nothing in it has been authenticated or admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// The collection of all versions.
    pub collection: CollectionId,
    /// The records of all replicas named.
    pub records: Vec<ReplicaRecord>,
    /// The versions in the order in which they were packed.
    pub versions: Vec<PackedVersion>,
}

/// Why versions cannot be packed, or bytes are no pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// A block does not belong to its version.
    #[error("the block of entry {entry} is not the one that its header links")]
    Block {
        /// Number of the version, from 0.
        entry: usize,
    },
    /// The versions are of several collections.
    #[error("a pack holds versions of one collection")]
    Collections,
    /// There is nothing to pack.
    #[error("a pack holds at least one version")]
    Empty,
    /// The bytes end inside the pack.
    #[error("the pack ends early")]
    End,
    /// Flags that no entry has.
    #[error("entry {entry} has unknown or contradictory flags")]
    Flags {
        /// Number of the version, from 0.
        entry: usize,
    },
    /// The first byte is not 1.
    #[error("unknown pack format {got}")]
    Format {
        /// Byte found.
        got: u8,
    },
    /// A rebuilt header breaks a rule.
    #[error("the header of entry {entry} breaks a rule")]
    Header {
        /// Number of the version, from 0.
        entry: usize,
        /// The rule.
        source: HeaderError,
    },
    /// More of something than a pack may have.
    #[error("a pack may have {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A number is not in its shortest form or too large.
    #[error("a number is malformed")]
    Number,
    /// Dictionaries are not in their one order, or have an entry that nobody uses.
    #[error("a dictionary is out of order, repeated or unused")]
    Order,
    /// A version's replica has no record.
    #[error("the record of replica {replica} is missing")]
    Record {
        /// The replica.
        replica: ReplicaId,
    },
    /// A reference leads out of the pack.
    #[error("entry {entry} refers to something that is not there")]
    Reference {
        /// Number of the version, from 0.
        entry: usize,
    },
    /// Bytes behind the last entry.
    #[error("bytes follow the pack")]
    Trailing,
    /// Nobody here knows the collection's rules.
    #[error("the collection {collection} is unknown")]
    UnknownCollection {
        /// The collection.
        collection: CollectionId,
    },
}

/// The bits of an entry's flags.
mod flag {
    pub(super) const SAME_REPLICA: u64 = 1;
    pub(super) const SAME_DOCUMENT: u64 = 1 << 1;
    pub(super) const CHAINED: u64 = 1 << 2;
    pub(super) const DOT_FOLLOWS: u64 = 1 << 3;
    pub(super) const ONE_PARENT: u64 = 1 << 4;
    pub(super) const PARENTS: u64 = 1 << 5;
    pub(super) const SHORT: u64 = 1 << 6;
    pub(super) const COUNTER: u64 = 1 << 7;
    pub(super) const SIGNED: u64 = 1 << 8;
    pub(super) const LINKED: u64 = 1 << 9;
    pub(super) const BLOCK: u64 = 1 << 10;
    pub(super) const GRANT: u64 = 1 << 11;
    pub(super) const GROUP: u64 = 1 << 12;
    pub(super) const ALL: u64 = (1 << 13) - 1;
}

/// A number of things as a uint.
fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
