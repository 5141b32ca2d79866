//! Every bound that more than one crate must agree on, with its unit and its reason.
//!
//! A limit that belongs to one crate alone lives in that crate.

/// Deepest nesting of arrays and maps in canonical bytes, the outermost counting 1.
///
/// Bounds the stack a decoder needs; the deepest value of our own formats nests under 32.
pub const MAX_CBOR_DEPTH: usize = 64;

/// Longest encoding in bytes of a value that stands alone: sixteen times the largest block and document state.
pub const MAX_VALUE_BYTES: usize = 16 * 1024 * 1024;

/// Most data items of a value that stands alone: one for each byte of the largest block, so no block has more.
pub const MAX_VALUE_ITEMS: usize = 1024 * 1024;

/// Longest item in bytes, without its frame: one item fits any session frame.
pub const MAX_ITEM_BYTES: usize = 8 * 1024;

/// Longest version body in bytes that stands inside its header.
pub const MAX_INLINE_BODY_BYTES: usize = 4096;

/// Longest block in bytes (a linked body, a blob slice).
pub const MAX_BLOCK_BYTES: usize = 1024 * 1024;

/// Longest envelope payload in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;

/// Longest sync frame in bytes; larger blocks travel in slices.
pub const MAX_SYNC_FRAME_BYTES: usize = 256 * 1024;

/// Most operations of one version.
pub const MAX_OPERATIONS: u64 = 4096;

/// Most parents of one version.
pub const MAX_PARENTS: usize = 64;

/// Most versions committed together as one group.
pub const MAX_GROUP: u64 = 4096;

/// Most kills in one version body.
pub const MAX_KILLS: usize = 65_536;

/// Deepest field path, in segments.
pub const MAX_PATH_SEGMENTS: usize = 32;

/// Longest segment of a field path in bytes of UTF-8; the shortest is 1.
pub const MAX_SEGMENT_BYTES: usize = 256;

/// Deepest value in an operation's argument; a scalar is 0, an empty list 1.
pub const MAX_ARGUMENT_DEPTH: usize = 24;

/// Longest document id in bytes of UTF-8; the shortest is 1.
pub const MAX_DOCUMENT_ID_BYTES: usize = 128;

/// Longest collection or community name in bytes of UTF-8; the shortest is 1.
pub const MAX_NAME_BYTES: usize = 128;

/// Most signatures in the frame of one item.
pub const MAX_FRAME_PAIRS: usize = 16;

/// First millisecond that a stamp may not name: 2200-01-01T00:00:00Z.
pub const END_OF_TIME_MILLIS: u64 = 7_258_118_400_000;

/// Largest plain document state in bytes; beyond it use child documents or blobs.
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;
