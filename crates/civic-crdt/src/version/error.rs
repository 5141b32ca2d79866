use civic_types::cbor;
use civic_types::id::DocumentIdError;
use civic_types::limits::{MAX_GROUP, MAX_INLINE_BODY_BYTES, MAX_ITEM_BYTES, MAX_OPERATIONS, MAX_PARENTS};

/// The rule that a version's header breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// `b` has more bytes than fit a header.
    #[error("an inline body of {got} bytes is longer than {MAX_INLINE_BODY_BYTES}")]
    BodyLength {
        /// Bytes found.
        got: usize,
    },
    /// `b` links something that is no raw block under the collection's hash.
    #[error("the body link is not a raw block under the collection's hash")]
    BodyLink,
    /// Not canonical, or a field of another type or size.
    #[error("the header is not canonical or a field has another type")]
    Cbor(#[from] cbor::Error),
    /// `t` has a counter of 2^16 or more.
    #[error("the stamp's counter does not fit 16 bits")]
    Counter,
    /// `d` is no document id.
    #[error("the document id is malformed")]
    DocumentId(#[from] DocumentIdError),
    /// `s` is 0.
    #[error("dots are numbered from 1")]
    FirstDot,
    /// `v` is not 1.
    #[error("unknown version of the header format")]
    FormatVersion,
    /// `a` is set in an open collection.
    #[error("a grant is named in an open collection")]
    GrantInOpen,
    /// `a` links something other than an item under the collection's hash.
    #[error("the grant link is not an item under the collection's hash")]
    GrantLink,
    /// `a` is null in a granted collection.
    #[error("no grant is named in a granted collection")]
    GrantMissing,
    /// `g` is not 1 ≤ i ≤ m ≤ 4096.
    #[error("a group index and size are not 1 <= i <= m <= {MAX_GROUP}")]
    Group,
    /// A key is missing or superfluous.
    #[error("the header's keys are not those of a version")]
    Keys,
    /// `n` is 0 or above the limit.
    #[error("a version has 1..={MAX_OPERATIONS} operations")]
    Operations,
    /// `p` links something other than an item under the collection's hash.
    #[error("a parent link is not an item under the collection's hash")]
    ParentLink,
    /// `p` is not strictly ascending.
    #[error("parents are not strictly ascending")]
    ParentOrder,
    /// `p` has too many links.
    #[error("{got} parents are more than {MAX_PARENTS}")]
    Parents {
        /// Links found.
        got: usize,
    },
    /// `k` is 0.
    #[error("positions in a log start at 1")]
    Position,
    /// `q` is null although `k` is not 1, or the reverse.
    #[error("the previous link is null if and only if the position is 1")]
    Previous,
    /// `q` links something other than an item under the collection's hash.
    #[error("the previous link is not an item under the collection's hash")]
    PreviousLink,
    /// `t` is in the year 2200 or later.
    #[error("the stamp is beyond the year 2199")]
    Stamp,
    /// More bytes than an item may have.
    #[error("a header of {got} bytes is longer than {MAX_ITEM_BYTES}")]
    TooLarge {
        /// Bytes found.
        got: usize,
    },
}
