//! [`Proof`]: that an index says something of a document, for whoever has nothing but its root.
#![warn(clippy::indexing_slicing)]

use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::{Cid, HashAlgorithm};

use super::block::{Block, BlockError, RowHeads};
use super::node::{NIBBLES, nibble};

/// The blocks from a root down to where a document's row stands or would stand.
///
/// One block a level: for a million documents four branches of at most 660 bytes and a leaf.
///
/// ```
/// use civic_crdt::root::{Trie, row_key};
/// use civic_types::{Cid, DocumentId, HashAlgorithm};
///
/// let hash = HashAlgorithm::Sha2_256;
/// let (pump, hall) = (DocumentId::new("pump-3")?, DocumentId::new("hall-1")?);
/// let heads = vec![Cid::dag_cbor(hash, b"\x01")];
/// let trie = Trie::from_rows(hash, [(&pump, heads.clone())]);
///
/// let root = trie.root();
/// let shown = trie.prove(&row_key(&pump)).check(&root, &row_key(&pump), hash)?;
/// assert!(shown.is_some_and(|row| row.are(&heads, hash)));
/// let absent = trie.prove(&row_key(&hall)).check(&root, &row_key(&hall), hash)?;
/// assert_eq!(absent, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub(super) blocks: Vec<Vec<u8>>,
}

impl Proof {
    /// What the index with this root says of the document with this key: its heads, or that it is absent.
    ///
    /// # Errors
    ///
    /// [`ProofError`] when the blocks do not lead from the root to the key's place.
    pub fn check(
        &self,
        root: &Cid,
        key: &[u8; 32],
        hash: HashAlgorithm,
    ) -> Result<Option<RowHeads>, ProofError> {
        let mut want = Some(root.clone());
        let mut prefix = Vec::new();
        let mut found = None;
        for bytes in &self.blocks {
            let cid = want.take().ok_or(ProofError::Length)?;
            if !cid.matches(bytes) {
                return Err(ProofError::Mismatch { depth: prefix.len() });
            }
            match Block::decode(bytes, hash, &prefix)? {
                Block::Branch(links) => {
                    let next = nibble(key, prefix.len());
                    want = links.get(next).cloned().flatten();
                    prefix.push(u8::try_from(next).unwrap_or_default());
                }
                Block::Leaf(rows) => {
                    found = rows.into_iter().find(|row| row.key == *key).map(|row| row.heads);
                }
            }
        }
        // The last block is a leaf, or a branch without anything on the key's way.
        if want.is_some() { Err(ProofError::Length) } else { Ok(found) }
    }

    /// The canonical bytes: an array of the blocks as byte strings, the root's first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(self.blocks.len());
        for block in &self.blocks {
            out.bytes(block);
        }
        out.into_bytes()
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    ///
    /// [`ProofError`] when the bytes are not canonical, longer than [`MAX_PROOF_BYTES`], or of more blocks
    /// than an index has levels.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(ProofError::Length);
        }
        let mut input = Decoder::new(bytes);
        let count = input.array()?;
        if count > NIBBLES + 1 {
            return Err(ProofError::Length);
        }
        let blocks = (0..count).map(|_| Ok(input.bytes()?.to_vec())).collect::<Result<_, cbor::Error>>()?;
        input.finish()?;
        Ok(Self { blocks })
    }
}

/// Most bytes of a proof: a leaf of full rows and a branch on each level above it.
pub const MAX_PROOF_BYTES: usize = 160 * 1024;

/// Why a proof shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// A block is malformed.
    #[error("a block is malformed")]
    Block(#[from] BlockError),
    /// The bytes are not canonical.
    #[error("the proof is not canonical")]
    Cbor(#[from] cbor::Error),
    /// It ends early, or goes on behind the key's place, or is longer than any.
    #[error("the proof ends early or goes on behind its end")]
    Length,
    /// A block is not the one linked from above.
    #[error("the block at depth {depth} is not the one that is linked")]
    Mismatch {
        /// Nibbles above it.
        depth: usize,
    },
}
