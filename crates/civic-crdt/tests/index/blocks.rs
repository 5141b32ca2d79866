use civic_crdt::root::{Block, BlockError, MAX_LEAF_ROWS};
use civic_types::cbor::Encoder;
use civic_types::{Cid, HashAlgorithm};

use crate::{HASH, head, key, trie};

fn leaf(rows: &[([u8; 32], Vec<Cid>)]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.array(2).uint(0).array(rows.len());
    for (key, heads) in rows {
        out.array(2).bytes(key).array(heads.len());
        for head in heads {
            out.link(head);
        }
    }
    out.into_bytes()
}

#[test]
fn every_block_of_an_index_reads() {
    let trie = trie(700);
    assert!(matches!(Block::decode(&trie.block(&[]).unwrap(), HASH, &[]), Ok(Block::Branch(_))));
    let mut rows = 0;
    for nibble in 0..16 {
        for below in 0..16 {
            let Some(block) = trie.block(&[nibble, below]) else { continue };
            let Ok(Block::Leaf(leaf)) = Block::decode(&block, HASH, &[nibble, below]) else { continue };
            rows += leaf.len();
            let elsewhere = Block::decode(&block, HASH, &[nibble ^ 1, below]);
            assert_eq!(elsewhere, Err(BlockError::Outside));
        }
    }
    assert!(rows > 0);
}

#[test]
fn malformed_blocks_are_refused() {
    let keys = || {
        let mut keys: Vec<_> = (0..40).map(key).collect();
        keys.sort_unstable();
        keys
    };
    let rows =
        |count: usize| keys().into_iter().take(count).map(|key| (key, vec![head(1)])).collect::<Vec<_>>();
    assert!(Block::decode(&leaf(&rows(MAX_LEAF_ROWS)), HASH, &[]).is_ok());
    assert_eq!(Block::decode(&leaf(&rows(MAX_LEAF_ROWS + 1)), HASH, &[]), Err(BlockError::Rows));
    let mut turned = rows(3);
    turned.reverse();
    assert_eq!(Block::decode(&leaf(&turned), HASH, &[]), Err(BlockError::Rows));
    let twice = [rows(1), rows(1)].concat();
    assert_eq!(Block::decode(&leaf(&twice), HASH, &[]), Err(BlockError::Rows));
    assert_eq!(Block::decode(&leaf(&[]), HASH, &[1]), Err(BlockError::Rows));
    assert!(Block::decode(&leaf(&[]), HASH, &[]).is_ok());
    assert_eq!(Block::decode(&leaf(&[(key(1), vec![])]), HASH, &[]), Err(BlockError::Heads));
    let mut heads = vec![head(1), head(2)];
    heads.sort();
    assert!(Block::decode(&leaf(&[(key(1), heads.clone())]), HASH, &[]).is_ok());
    heads.reverse();
    assert_eq!(Block::decode(&leaf(&[(key(1), heads)]), HASH, &[]), Err(BlockError::Heads));
    let foreign = vec![Cid::dag_cbor(HashAlgorithm::Blake3, b"")];
    assert_eq!(Block::decode(&leaf(&[(key(1), foreign)]), HASH, &[]), Err(BlockError::Link));
    let raw = vec![Cid::raw(HASH, b"")];
    assert_eq!(Block::decode(&leaf(&[(key(1), raw)]), HASH, &[]), Err(BlockError::Link));
    let mut empty = Encoder::new();
    empty.array(2).uint(1).array(16);
    for _ in 0..16 {
        empty.null();
    }
    assert_eq!(Block::decode(empty.as_bytes(), HASH, &[]), Err(BlockError::Shape));
    let mut other = Encoder::new();
    other.array(2).uint(2).array(0);
    assert_eq!(Block::decode(other.as_bytes(), HASH, &[]), Err(BlockError::Shape));
    let trailing = [leaf(&rows(2)), vec![0]].concat();
    assert!(matches!(Block::decode(&trailing, HASH, &[]), Err(BlockError::Cbor(_))));
}
