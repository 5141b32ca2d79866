//! The index: a trie over a collection's documents whose root says which versions are held.
//!
//! Leaves hold heads only, so the root does not depend on who can read which body. Its shape depends on
//! the set of rows and not on how it came about. Rows, blocks and roots: the formats, section 5.

mod block;
mod diff;
mod node;
mod proof;
mod trie;

pub use block::{Block, BlockError, Row, RowHeads};
pub use diff::{Diff, DiffError, RowDiff};
pub use node::{MAX_LEAF_ROWS, MAX_ROW_HEADS};
pub use proof::{MAX_PROOF_BYTES, Proof, ProofError};
pub use trie::Trie;

use civic_types::cbor::Encoder;
use civic_types::{Cid, CollectionId, DocumentId, HashAlgorithm};

/// A row's key: SHA-256 of the document id, whatever the collection's hash.
#[must_use]
pub fn row_key(document: &DocumentId) -> [u8; 32] {
    HashAlgorithm::Sha2_256.digest(document.as_str().as_bytes())
}

/// The root over several collections' roots; given in any order, one root per collection.
#[must_use]
pub fn database_root(collections: &[(CollectionId, Cid)]) -> Cid {
    let mut rows: Vec<&(CollectionId, Cid)> = collections.iter().collect();
    rows.sort();
    let mut out = Encoder::new();
    out.array(2).uint(2).array(rows.len());
    for (collection, root) in rows {
        out.array(2).bytes(collection.as_bytes()).link(root);
    }
    Cid::dag_cbor(HashAlgorithm::Sha2_256, out.as_bytes())
}
