//! [`Block`]: one block of an index as bytes say it, from whoever sent them.
#![warn(clippy::indexing_slicing)]

use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::cid::DAG_CBOR;
use civic_types::{Cid, HashAlgorithm};

use super::node::{MAX_LEAF_ROWS, MAX_ROW_HEADS, NIBBLES, nibble};
use crate::document::version_id;

/// A block of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Larger subtrees, by the next nibble of the keys in them.
    Branch(Box<[Option<Cid>; 16]>),
    /// At most [`MAX_LEAF_ROWS`] rows, ascending by key.
    Leaf(Vec<Row>),
}

/// What an index says of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The document's [`row_key`](super::row_key).
    pub key: [u8; 32],
    /// Its heads.
    pub heads: RowHeads,
}

/// A document's heads as a row names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowHeads {
    /// At most [`MAX_ROW_HEADS`], ascending.
    Listed(Vec<Cid>),
    /// The version id of more.
    Version(Cid),
}

impl RowHeads {
    /// As a row names these heads, ascending and at least one.
    pub(super) fn of(heads: &[Cid], hash: HashAlgorithm) -> Self {
        match version_id(heads, hash).filter(|_| heads.len() > MAX_ROW_HEADS) {
            Some(version) => Self::Version(version),
            None => Self::Listed(heads.to_vec()),
        }
    }

    /// Whether exactly these heads, ascending, are meant.
    #[must_use]
    pub fn are(&self, heads: &[Cid], hash: HashAlgorithm) -> bool {
        *self == Self::of(heads, hash)
    }
}

impl Block {
    /// Reads the block of a subtree in a collection with this hash.
    ///
    /// `prefix` are the nibbles that lead to the subtree: every key in it starts with them.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when the bytes are no block of that subtree; whether their CID is the one asked for is
    /// the caller's to check.
    pub fn decode(bytes: &[u8], hash: HashAlgorithm, prefix: &[u8]) -> Result<Self, BlockError> {
        let input = &mut Decoder::new(bytes);
        array_of(input, 2)?;
        let block = match input.uint()? {
            0 => Self::Leaf(decode_rows(input, hash, prefix)?),
            1 if prefix.len() < NIBBLES => Self::Branch(decode_links(input, hash)?),
            _ => return Err(BlockError::Shape),
        };
        input.clone().finish()?;
        Ok(block)
    }
}

/// Why bytes are no block of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// Not canonical, or a part of another type.
    #[error("the block is not canonical or a part has another type")]
    Cbor(#[from] cbor::Error),
    /// A row has no heads or too many, or they are not strictly ascending.
    #[error("a row has 1..={MAX_ROW_HEADS} heads, strictly ascending")]
    Heads,
    /// A link with another codec or hash than the collection's blocks and versions have.
    #[error("a link has another codec or hash than the collection's")]
    Link,
    /// A key is not in the subtree.
    #[error("a key is outside the subtree")]
    Outside,
    /// Too many rows, or they are not strictly ascending.
    #[error("a leaf has at most {MAX_LEAF_ROWS} rows, strictly ascending")]
    Rows,
    /// Neither a leaf nor a branch.
    #[error("the block is neither a leaf nor a branch")]
    Shape,
}

impl Row {
    pub(super) fn write(&self, out: &mut Encoder) {
        out.array(2).bytes(&self.key);
        match &self.heads {
            RowHeads::Listed(heads) => {
                out.array(heads.len());
                for head in heads {
                    out.link(head);
                }
            }
            RowHeads::Version(version) => {
                out.link(version);
            }
        }
    }
}

fn decode_rows(input: &mut Decoder<'_>, hash: HashAlgorithm, prefix: &[u8]) -> Result<Vec<Row>, BlockError> {
    let count = input.array()?;
    // Only the whole index may be empty.
    if count > MAX_LEAF_ROWS || (count == 0 && !prefix.is_empty()) {
        return Err(BlockError::Rows);
    }
    let mut rows: Vec<Row> = Vec::with_capacity(count);
    for _ in 0..count {
        array_of(input, 2)?;
        let key = input.byte_array()?;
        if (0..).zip(prefix).any(|(depth, want)| nibble(&key, depth) != usize::from(*want)) {
            return Err(BlockError::Outside);
        }
        if rows.last().is_some_and(|last| last.key >= key) {
            return Err(BlockError::Rows);
        }
        rows.push(Row { key, heads: decode_heads(input, hash)? });
    }
    Ok(rows)
}

fn decode_heads(input: &mut Decoder<'_>, hash: HashAlgorithm) -> Result<RowHeads, BlockError> {
    if !input.at_array() {
        return Ok(RowHeads::Version(link(input, hash)?));
    }
    let count = input.array()?;
    if count == 0 || count > MAX_ROW_HEADS {
        return Err(BlockError::Heads);
    }
    let mut heads: Vec<Cid> = Vec::with_capacity(count);
    for _ in 0..count {
        let head = link(input, hash)?;
        if heads.last().is_some_and(|last| *last >= head) {
            return Err(BlockError::Heads);
        }
        heads.push(head);
    }
    Ok(RowHeads::Listed(heads))
}

fn decode_links(input: &mut Decoder<'_>, hash: HashAlgorithm) -> Result<Box<[Option<Cid>; 16]>, BlockError> {
    array_of(input, 16)?;
    let mut links: Box<[Option<Cid>; 16]> = Box::default();
    for slot in &mut *links {
        *slot = if input.try_null() { None } else { Some(link(input, hash)?) };
    }
    if links.iter().all(Option::is_none) { Err(BlockError::Shape) } else { Ok(links) }
}

fn link(input: &mut Decoder<'_>, hash: HashAlgorithm) -> Result<Cid, BlockError> {
    let link = input.link()?;
    if link.is(DAG_CBOR, hash) { Ok(link) } else { Err(BlockError::Link) }
}

fn array_of(input: &mut Decoder<'_>, length: usize) -> Result<(), BlockError> {
    if input.array()? == length { Ok(()) } else { Err(BlockError::Shape) }
}
