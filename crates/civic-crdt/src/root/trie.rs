use civic_types::{Cid, DocumentId, HashAlgorithm};

use super::diff::{Diff, RowDiff};
use super::node::{Content, Node, Row, nibble};
use super::proof::Proof;
use super::row_key;
use crate::merge::Effect;

/// The index of one collection: document key to heads.
///
/// Block CIDs are computed on demand and kept until a row below changes, so a change costs one block per
/// level. Copying an index costs nothing: copies share what did not change since, so keep one to compare
/// with later.
///
/// ```
/// use civic_crdt::root::Trie;
/// use civic_types::{Cid, DocumentId, HashAlgorithm};
///
/// let hash = HashAlgorithm::Sha2_256;
/// let mut trie = Trie::new(hash);
/// let empty = trie.root();
/// trie.set(&DocumentId::new("pump-3")?, vec![Cid::dag_cbor(hash, b"\x01")]);
/// assert_ne!(trie.root(), empty);
/// trie.set(&DocumentId::new("pump-3")?, vec![]);
/// assert_eq!(trie.root(), empty);
/// # Ok::<(), civic_types::id::DocumentIdError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trie {
    hash: HashAlgorithm,
    top: Node,
}

impl Trie {
    /// An empty index of a collection with this hash.
    #[must_use]
    pub fn new(hash: HashAlgorithm) -> Self {
        Self { hash, top: Node::default() }
    }

    /// An index of these documents with their heads.
    pub fn from_rows<'a>(
        hash: HashAlgorithm,
        rows: impl IntoIterator<Item = (&'a DocumentId, Vec<Cid>)>,
    ) -> Self {
        Self::from_keys(hash, rows.into_iter().map(|(document, heads)| (row_key(document), heads)))
    }

    /// As [`from_rows`](Self::from_rows), with [`row_key`]s.
    pub fn from_keys(hash: HashAlgorithm, rows: impl IntoIterator<Item = ([u8; 32], Vec<Cid>)>) -> Self {
        let mut trie = Self::new(hash);
        for (key, heads) in rows {
            trie.set_key(key, heads);
        }
        trie
    }

    /// Sets a document's heads; none removes its row.
    pub fn set(&mut self, document: &DocumentId, heads: Vec<Cid>) -> Effect {
        self.set_key(row_key(document), heads)
    }

    /// As [`set`](Self::set), with a [`row_key`].
    pub fn set_key(&mut self, key: [u8; 32], mut heads: Vec<Cid>) -> Effect {
        heads.sort();
        heads.dedup();
        self.top.set(Row { key, heads }, 0).into()
    }

    /// A document's heads, ascending; empty if it has no row.
    #[must_use]
    pub fn heads(&self, key: &[u8; 32]) -> &[Cid] {
        let mut node = &self.top;
        for depth in 0.. {
            match &node.content {
                Content::Leaf(rows) => {
                    let found =
                        rows.binary_search_by(|row| row.key.cmp(key)).ok().and_then(|at| rows.get(at));
                    return found.map(|row| row.heads.as_slice()).unwrap_or_default();
                }
                Content::Branch { children, .. } => match children.get(nibble(key, depth)) {
                    Some(Some(child)) => node = child,
                    _ => return &[],
                },
            }
        }
        &[]
    }

    /// Number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.top.rows()
    }

    /// Whether there is no document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The CID of the top block: equal for equal sets of rows.
    #[must_use]
    pub fn root(&self) -> Cid {
        self.top.cid(self.hash).clone()
    }

    /// Every block with its CID, parents first; the first is the root's.
    #[must_use]
    pub fn blocks(&self) -> Vec<(Cid, Vec<u8>)> {
        let mut blocks = Vec::new();
        let mut open = vec![&self.top];
        while let Some(node) = open.pop() {
            blocks.push((node.cid(self.hash).clone(), node.block(self.hash)));
            if let Content::Branch { children, .. } = &node.content {
                open.extend(children.iter().rev().flatten().map(|child| &**child));
            }
        }
        blocks
    }

    /// The block of the subtree whose keys start with these nibbles, high nibble first; `None` where the
    /// trie has no block of its own.
    #[must_use]
    pub fn block(&self, prefix: &[u8]) -> Option<Vec<u8>> {
        Some(self.node(prefix)?.block(self.hash))
    }

    /// The rows that differ from those of `after`, ascending by key; costs what differs, not what is there.
    ///
    /// Both are of one collection: with another hash every row differs.
    pub fn diff<'a>(&'a self, after: &'a Self) -> impl Iterator<Item = RowDiff> + 'a {
        let fetch = move |cid: &Cid, prefix: &[u8]| {
            let nodes = [self, after].into_iter().filter_map(|trie| Some((trie, trie.node(prefix)?)));
            let mut meant = nodes.filter(|(trie, node)| node.cid(trie.hash) == cid);
            meant.next().map(|(trie, node)| node.block(trie.hash))
        };
        // Blocks of our own are always there and always well-formed.
        Diff::new(self.hash, &self.root(), &after.root(), fetch).filter_map(Result::ok)
    }

    /// Proves what the index says of the document with this key: its heads, or that it is not there.
    #[must_use]
    pub fn prove(&self, key: &[u8; 32]) -> Proof {
        let mut blocks = vec![self.top.block(self.hash)];
        let mut node = &self.top;
        for depth in 0.. {
            let Content::Branch { children, .. } = &node.content else { break };
            let Some(Some(child)) = children.get(nibble(key, depth)) else { break };
            blocks.push(child.block(self.hash));
            node = child;
        }
        Proof { blocks }
    }

    fn node(&self, prefix: &[u8]) -> Option<&Node> {
        let mut node = &self.top;
        for nibble in prefix {
            let Content::Branch { children, .. } = &node.content else { return None };
            node = children.get(usize::from(*nibble))?.as_deref()?;
        }
        Some(node)
    }
}
