use std::sync::{Arc, OnceLock};

use civic_types::cbor::Encoder;
use civic_types::limits::MAX_PARENTS;
use civic_types::{Cid, HashAlgorithm};

use super::block::{Row as BlockRow, RowHeads};

/// A subtree. Copies of an index share those that did not change since.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) content: Content,
    cid: OnceLock<Cid>,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// At most [`MAX_LEAF_ROWS`] rows, ascending by key.
    Leaf(Vec<Row>),
    /// More rows, by the next nibble of their keys.
    Branch { rows: usize, children: Box<[Option<Arc<Node>>; 16]> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) key: [u8; 32],
    pub(super) heads: Vec<Cid>,
}

impl Node {
    pub(super) fn rows(&self) -> usize {
        match &self.content {
            Content::Leaf(rows) => rows.len(),
            Content::Branch { rows, .. } => *rows,
        }
    }

    /// Sets or, without heads, removes a row; says whether anything changed.
    pub(super) fn set(&mut self, row: Row, depth: usize) -> bool {
        let changed = match &mut self.content {
            Content::Leaf(rows) => set_in_leaf(rows, row),
            Content::Branch { rows, children } => match children.get_mut(nibble(&row.key, depth)) {
                Some(child) => {
                    let node = Arc::make_mut(child.get_or_insert_default());
                    let before = node.rows();
                    let changed = node.set(row, depth + 1);
                    *rows = *rows + node.rows() - before;
                    if node.rows() == 0 {
                        *child = None;
                    }
                    changed
                }
                None => false,
            },
        };
        if changed {
            self.cid = OnceLock::new();
            self.settle(depth);
        }
        changed
    }

    /// Splits or joins, so that the shape depends on the number of rows alone.
    fn settle(&mut self, depth: usize) {
        match &mut self.content {
            Content::Leaf(rows) if rows.len() > MAX_LEAF_ROWS && depth < NIBBLES => {
                let (count, rows) = (rows.len(), std::mem::take(rows));
                let mut children: Box<[Option<Arc<Self>>; 16]> = Box::default();
                for row in rows {
                    if let Some(child) = children.get_mut(nibble(&row.key, depth)) {
                        Arc::make_mut(child.get_or_insert_default()).set(row, depth + 1);
                    }
                }
                self.content = Content::Branch { rows: count, children };
            }
            Content::Branch { rows, children } if *rows <= MAX_LEAF_ROWS => {
                let mut rows = Vec::with_capacity(*rows);
                children.iter().flatten().for_each(|child| child.rows_into(&mut rows));
                self.content = Content::Leaf(rows);
            }
            _ => {}
        }
    }

    fn rows_into(&self, out: &mut Vec<Row>) {
        match &self.content {
            Content::Leaf(rows) => out.extend_from_slice(rows),
            Content::Branch { children, .. } => {
                children.iter().flatten().for_each(|child| child.rows_into(out));
            }
        }
    }

    pub(super) fn cid(&self, hash: HashAlgorithm) -> &Cid {
        self.cid.get_or_init(|| Cid::dag_cbor(hash, &self.block(hash)))
    }

    pub(super) fn block(&self, hash: HashAlgorithm) -> Vec<u8> {
        let mut out = Encoder::new();
        match &self.content {
            Content::Leaf(rows) => {
                out.array(2).uint(0).array(rows.len());
                rows.iter().for_each(|row| row.write(hash, &mut out));
            }
            Content::Branch { children, .. } => {
                out.array(2).uint(1).array(16);
                for child in children.iter() {
                    match child {
                        Some(child) => out.link(child.cid(hash)),
                        None => out.null(),
                    };
                }
            }
        }
        out.into_bytes()
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Leaf(Vec::new())
    }
}

impl Row {
    fn write(&self, hash: HashAlgorithm, out: &mut Encoder) {
        BlockRow { key: self.key, heads: RowHeads::of(&self.heads, hash) }.write(out);
    }
}

fn set_in_leaf(rows: &mut Vec<Row>, row: Row) -> bool {
    match rows.binary_search_by(|other| other.key.cmp(&row.key)) {
        Ok(at) if row.heads.is_empty() => {
            rows.remove(at);
            true
        }
        Ok(at) => rows.get_mut(at).is_some_and(|held| {
            let changed = *held != row;
            *held = row;
            changed
        }),
        Err(_) if row.heads.is_empty() => false,
        Err(at) => {
            rows.insert(at, row);
            true
        }
    }
}

/// Most rows of a subtree that is one block.
pub const MAX_LEAF_ROWS: usize = 32;

/// Most heads that a row lists; above, it links the document's version id.
pub const MAX_ROW_HEADS: usize = MAX_PARENTS;

/// Nibbles of a key.
pub(super) const NIBBLES: usize = 64;

pub(super) fn nibble(key: &[u8; 32], depth: usize) -> usize {
    let byte = key.get(depth / 2).copied().unwrap_or_default();
    usize::from(if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f })
}
