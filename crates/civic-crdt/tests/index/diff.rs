use std::cell::Cell;
use std::collections::BTreeMap;

use civic_crdt::root::{Diff, DiffError, RowDiff, RowHeads, Trie};
use civic_types::Cid;
use proptest::prelude::*;

use crate::{HASH, head, key, trie};

/// The rows in which two maps differ, one by one.
fn plainly(before: &BTreeMap<[u8; 32], Vec<Cid>>, after: &BTreeMap<[u8; 32], Vec<Cid>>) -> Vec<RowDiff> {
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let listed = |heads: Option<&Vec<Cid>>| heads.cloned().map(RowHeads::Listed);
    keys.into_iter()
        .map(|key| RowDiff { key: *key, before: listed(before.get(key)), after: listed(after.get(key)) })
        .filter(|row| row.before != row.after)
        .collect()
}

fn index(rows: &BTreeMap<[u8; 32], Vec<Cid>>) -> Trie {
    Trie::from_keys(HASH, rows.iter().map(|(key, heads)| (*key, heads.clone())))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_difference_is_that_of_the_rows(
        common in 0..200_u64,
        before in proptest::collection::btree_map(0..300_u64, 0..3_u64, 0..60),
        after in proptest::collection::btree_map(0..300_u64, 0..3_u64, 0..60),
    ) {
        let rows = |own: &BTreeMap<u64, u64>| {
            let mut rows: BTreeMap<_, _> = (0..common).map(|n| (key(n), vec![head(n)])).collect();
            rows.extend(own.iter().map(|(n, value)| (key(*n), vec![head(*value)])));
            rows
        };
        let (before, after) = (rows(&before), rows(&after));
        let found: Vec<_> = index(&before).diff(&index(&after)).collect();
        prop_assert_eq!(found, plainly(&before, &after));
    }
}

#[test]
fn a_copy_stays_as_it_was_and_tells_what_changed_since() {
    let mut now = trie(5000);
    let before = now.clone();
    let root = before.root();
    now.set_key(key(7), vec![head(1), head(2)]);
    now.set_key(key(6000), vec![head(3)]);
    now.set_key(key(8), Vec::new());
    assert_eq!(before.root(), root);
    let mut keys: Vec<_> = before.diff(&now).map(|row| row.key).collect();
    let mut want = [key(7), key(6000), key(8)];
    want.sort_unstable();
    keys.sort_unstable();
    assert_eq!(keys, want);
    assert_eq!(now.diff(&now).count(), 0);
}

#[test]
fn what_is_shared_is_not_read() {
    let before = trie(20_000);
    let mut after = before.clone();
    for number in 0..10 {
        after.set_key(key(number), vec![head(number + 1)]);
    }
    let asked = Cell::new(0);
    let fetch = |cid: &Cid, prefix: &[u8]| {
        asked.set(asked.get() + 1);
        let blocks = [before.block(prefix), after.block(prefix)];
        blocks.into_iter().flatten().find(|block| cid.matches(block))
    };
    let rows = Diff::new(HASH, &before.root(), &after.root(), fetch).collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(rows.len(), 10);
    // Two sides, at most five levels of at most ten ways each; all blocks are over a thousand.
    assert!(asked.get() <= 2 * 5 * 10, "{} blocks", asked.get());
    assert!(before.blocks().len() > 1000);
}

#[test]
fn blocks_that_are_missing_or_others_end_the_difference() {
    let (before, after) = (trie(100), trie(200));
    let none = Diff::new(HASH, &before.root(), &after.root(), |_, _| None).collect::<Vec<_>>();
    assert_eq!(none, [Err(DiffError::Missing { cid: before.root() })]);
    let other = |_: &Cid, _: &[u8]| trie(3).block(&[]);
    let other = Diff::new(HASH, &before.root(), &after.root(), other).collect::<Vec<_>>();
    assert_eq!(other, [Err(DiffError::Mismatch { cid: before.root() })]);
    // A subtree in another's place: the right bytes for the link, with keys that do not belong there.
    let leaf = trie(1).block(&[]).unwrap();
    let cid = Cid::dag_cbor(HASH, &leaf);
    let mut out = civic_types::cbor::Encoder::new();
    out.array(2).uint(1).array(16);
    let wrong = usize::from(key(0)[0] >> 4) ^ 1;
    for nibble in 0..16 {
        if nibble == wrong {
            out.link(&cid)
        } else {
            out.null()
        };
    }
    let branch = out.into_bytes();
    let root = Cid::dag_cbor(HASH, &branch);
    let fetch =
        |want: &Cid, _: &[u8]| [&branch, &leaf].into_iter().find(|block| want.matches(block)).cloned();
    let rows = Diff::new(HASH, &root, &Trie::new(HASH).root(), |want, prefix| {
        fetch(want, prefix).or_else(|| Trie::new(HASH).block(&[]))
    });
    assert!(matches!(rows.last(), Some(Err(DiffError::Block { .. }))));
}
