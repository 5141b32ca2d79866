//! [`Diff`]: which rows two indexes do not share, without reading what they share.

use std::cmp::Ordering;
use std::iter::Peekable;

use civic_types::{Cid, HashAlgorithm};

use super::block::{Block, BlockError, Row, RowHeads};
use super::node::nibble;

/// A document whose heads differ between two indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDiff {
    /// The document's [`row_key`](super::row_key).
    pub key: [u8; 32],
    /// Its heads in the first index, if it is there.
    pub before: Option<RowHeads>,
    /// Its heads in the second index, if it is there.
    pub after: Option<RowHeads>,
}

/// The rows in which two indexes differ, ascending by key.
///
/// Subtrees with equal CIDs are left out, so that `d` differences among `n` documents cost the blocks on `d`
/// paths: O(d log n). Blocks are asked for by CID and by the nibbles that lead to them, and what comes is
/// checked, so that they may come from anybody. After an error there is nothing more.
///
/// ```
/// use civic_crdt::root::{Diff, Trie, row_key};
/// use civic_types::{Cid, DocumentId, HashAlgorithm};
///
/// let hash = HashAlgorithm::Sha2_256;
/// let pump = DocumentId::new("pump-3")?;
/// let before = Trie::new(hash);
/// let mut after = before.clone();
/// after.set(&pump, vec![Cid::dag_cbor(hash, b"\x01")]);
///
/// let blocks = [before.blocks(), after.blocks()].concat();
/// let fetch = |cid: &Cid, _: &[u8]| blocks.iter().find(|(own, _)| own == cid).map(|(_, block)| block.clone());
/// let rows = Diff::new(hash, &before.root(), &after.root(), fetch).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(rows.len(), 1);
/// assert_eq!(rows[0].key, row_key(&pump));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Diff<F> {
    hash: HashAlgorithm,
    fetch: F,
    /// Subtrees still to compare, the next at the end.
    open: Vec<Pair>,
    /// Rows that are found and not yet given, the next at the end.
    found: Vec<RowDiff>,
}

/// Both sides of one subtree.
#[derive(Debug)]
struct Pair {
    prefix: Vec<u8>,
    before: Side,
    after: Side,
}

/// What is known of a subtree.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Side {
    Link(Cid),
    Rows(Vec<Row>),
}

/// Why a difference cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// Bytes with the right CID that are no block: who made the index lied.
    #[error("the block {cid} is malformed")]
    Block {
        /// The block.
        cid: Cid,
        /// What is wrong with it.
        source: BlockError,
    },
    /// The bytes given for a block have another CID.
    #[error("what was given for the block {cid} has another CID")]
    Mismatch {
        /// The block asked for.
        cid: Cid,
    },
    /// A block was asked for and not given.
    #[error("the block {cid} is missing")]
    Missing {
        /// The block.
        cid: Cid,
    },
}

impl<F: FnMut(&Cid, &[u8]) -> Option<Vec<u8>>> Diff<F> {
    /// Compares the indexes with these roots; `fetch` gives a block by its CID, or by the nibbles that lead
    /// to it.
    pub fn new(hash: HashAlgorithm, before: &Cid, after: &Cid, fetch: F) -> Self {
        let pair =
            Pair { prefix: Vec::new(), before: Side::Link(before.clone()), after: Side::Link(after.clone()) };
        Self { hash, fetch, open: vec![pair], found: Vec::new() }
    }

    /// Opens one subtree: its rows are found, or its parts wait in its place.
    fn compare(&mut self, pair: Pair) -> Result<(), DiffError> {
        if pair.before == pair.after {
            return Ok(());
        }
        let Pair { prefix, before, after } = pair;
        let (before, after) = (self.open_side(before, &prefix)?, self.open_side(after, &prefix)?);
        if let (Block::Leaf(before), Block::Leaf(after)) = (&before, &after) {
            self.found = rows(before, after);
            self.found.reverse();
            return Ok(());
        }
        let (before, after) = (parts(before, prefix.len()), parts(after, prefix.len()));
        let pairs = (0..16_u8).zip(before.into_iter().zip(after)).map(|(nibble, (before, after))| {
            let prefix = prefix.iter().copied().chain([nibble]).collect();
            Pair { prefix, before, after }
        });
        self.open.extend(pairs.rev().filter(|pair| pair.before != pair.after));
        Ok(())
    }

    fn open_side(&mut self, side: Side, prefix: &[u8]) -> Result<Block, DiffError> {
        let cid = match side {
            Side::Rows(rows) => return Ok(Block::Leaf(rows)),
            Side::Link(cid) => cid,
        };
        let Some(bytes) = (self.fetch)(&cid, prefix) else { return Err(DiffError::Missing { cid }) };
        if !cid.matches(&bytes) {
            return Err(DiffError::Mismatch { cid });
        }
        Block::decode(&bytes, self.hash, prefix).map_err(|source| DiffError::Block { cid, source })
    }
}

impl<F: FnMut(&Cid, &[u8]) -> Option<Vec<u8>>> Iterator for Diff<F> {
    type Item = Result<RowDiff, DiffError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.found.pop() {
                return Some(Ok(row));
            }
            let pair = self.open.pop()?;
            if let Err(error) = self.compare(pair) {
                self.open.clear();
                return Some(Err(error));
            }
        }
    }
}

/// The sixteen subtrees below; those of a leaf are the rows that would stand there.
fn parts(block: Block, depth: usize) -> [Side; 16] {
    let mut parts: [Side; 16] = std::array::from_fn(|_| Side::Rows(Vec::new()));
    match block {
        Block::Branch(links) => {
            for (part, link) in parts.iter_mut().zip(*links) {
                if let Some(link) = link {
                    *part = Side::Link(link);
                }
            }
        }
        Block::Leaf(rows) => {
            for row in rows {
                if let Some(Side::Rows(part)) = parts.get_mut(nibble(&row.key, depth)) {
                    part.push(row);
                }
            }
        }
    }
    parts
}

fn rows(before: &[Row], after: &[Row]) -> Vec<RowDiff> {
    let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
    let mut found = Vec::new();
    loop {
        let (old, new) = match (before.peek(), after.peek()) {
            (None, None) => return found,
            (Some(_), None) => (before.next(), None),
            (None, Some(_)) => (None, after.next()),
            (Some(old), Some(new)) => match old.key.cmp(&new.key) {
                Ordering::Less => (before.next(), None),
                Ordering::Equal => both(&mut before, &mut after),
                Ordering::Greater => (None, after.next()),
            },
        };
        let (old_heads, new_heads) = (old.map(|row| &row.heads), new.map(|row| &row.heads));
        if let (Some(row), true) = (old.or(new), old_heads != new_heads) {
            found.push(RowDiff { key: row.key, before: old_heads.cloned(), after: new_heads.cloned() });
        }
    }
}

fn both<I: Iterator>(
    before: &mut Peekable<I>,
    after: &mut Peekable<I>,
) -> (Option<I::Item>, Option<I::Item>) {
    (before.next(), after.next())
}
