use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::{KeyRange, Pair};

/// An ordered map that is cheap to clone: a map from first keys to shared leaves.
///
/// A write that follows a clone copies one leaf and the list of leaves, not the entries: for 100 000
/// entries some thousand pointers.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree(Arc<BTreeMap<Bytes, Arc<Vec<Pair>>>>);

/// Most entries of one leaf: balances the copy of one leaf against the copy of the list of leaves.
const MAX_LEAF: usize = 128;

impl Tree {
    pub(super) fn get(&self, key: &[u8]) -> Option<Bytes> {
        let (_, leaf) = self.0.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back()?;
        let at = position(leaf, key).ok()?;
        leaf.get(at).map(|(_, value)| value.clone())
    }

    pub(super) fn scan(&self, range: &KeyRange, limit: usize) -> Vec<Pair> {
        if range.is_empty() {
            return Vec::new();
        }
        let (start, end) = range.bounds();
        let first = match start {
            Bound::Unbounded => Bound::Unbounded,
            // The leaf that holds the start begins at or before it.
            Bound::Included(key) | Bound::Excluded(key) => self
                .0
                .range::<[u8], _>((Bound::Unbounded, Bound::Included(key)))
                .next_back()
                .map_or(Bound::Unbounded, |(first, _)| Bound::Included(first.as_ref())),
        };
        let after_start = |key: &[u8]| match start {
            Bound::Unbounded => true,
            Bound::Included(start) => key >= start,
            Bound::Excluded(start) => key > start,
        };
        let before_end = |key: &[u8]| match end {
            Bound::Unbounded => true,
            Bound::Included(end) => key <= end,
            Bound::Excluded(end) => key < end,
        };
        self.0
            .range::<[u8], _>((first, Bound::Unbounded))
            .flat_map(|(_, leaf)| leaf.iter())
            .skip_while(|(key, _)| !after_start(key))
            .take_while(|(key, _)| before_end(key))
            .take(limit)
            .cloned()
            .collect()
    }

    pub(super) fn set(&mut self, key: &Bytes, value: Option<Bytes>) {
        let leaves = Arc::make_mut(&mut self.0);
        let home = leaves.range::<[u8], _>((Bound::Unbounded, Bound::Included(key.as_ref()))).next_back();
        let first = match home.or_else(|| leaves.first_key_value()) {
            Some((first, _)) => first.clone(),
            None => {
                leaves.extend(value.map(|value| (key.clone(), Arc::new(vec![(key.clone(), value)]))));
                return;
            }
        };
        let Some(mut shared) = leaves.remove(&first) else { return };
        let leaf = Arc::make_mut(&mut shared);
        match (position(leaf, key), value) {
            (Ok(at), Some(value)) => {
                if let Some(slot) = leaf.get_mut(at) {
                    slot.1 = value;
                }
            }
            (Ok(at), None) => {
                leaf.remove(at);
            }
            (Err(at), Some(value)) => leaf.insert(at, (key.clone(), value)),
            (Err(_), None) => {}
        }
        // Keys mostly ascend (the log, generated ids): full leaves stay nearly full.
        let upper = (leaf.len() > MAX_LEAF).then(|| leaf.split_off(MAX_LEAF * 7 / 8));
        for leaf in [Some(shared), upper.map(Arc::new)].into_iter().flatten() {
            if let Some((first, _)) = leaf.first() {
                leaves.insert(first.clone(), leaf);
            }
        }
    }
}

fn position(leaf: &[Pair], key: &[u8]) -> Result<usize, usize> {
    leaf.binary_search_by(|(other, _)| other.as_ref().cmp(key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(number: u16) -> Bytes {
        Bytes::copy_from_slice(&number.to_be_bytes())
    }

    proptest! {
        #[test]
        fn it_reads_like_an_ordered_map(
            ops in prop::collection::vec((0_u16..600, prop::option::of(any::<u8>())), 0..2000),
            range in (0_u16..600, 0_u16..600),
            limit in 0_usize..400,
        ) {
            let (mut tree, mut model) = (Tree::default(), BTreeMap::new());
            for (number, value) in ops {
                let value = value.map(|v| Bytes::copy_from_slice(&[v]));
                tree.set(&key(number), value.clone());
                match value {
                    Some(value) => model.insert(key(number), value),
                    None => model.remove(&key(number)),
                };
            }
            for number in 0..600 {
                prop_assert_eq!(tree.get(&key(number)), model.get(&key(number)).cloned());
            }
            let range = KeyRange {
                start: Bound::Excluded(key(range.0).to_vec()),
                end: Bound::Included(key(range.1).to_vec()),
            };
            let inside: Vec<Pair> = if range.is_empty() {
                Vec::new()
            } else {
                model.range::<[u8], _>(range.bounds()).take(limit).map(|(k, v)| (k.clone(), v.clone())).collect()
            };
            prop_assert_eq!(tree.scan(&range, limit), inside);
            prop_assert_eq!(tree.scan(&KeyRange::all(), usize::MAX).len(), model.len());
        }
    }

    #[test]
    fn a_clone_does_not_change() {
        let mut tree = Tree::default();
        (0..1000).for_each(|n| tree.set(&key(n), Some(Bytes::from_static(b"a"))));
        let before = tree.clone();
        (0..1000).for_each(|n| tree.set(&key(n), None));
        assert_eq!(before.scan(&KeyRange::all(), usize::MAX).len(), 1000);
        assert!(tree.scan(&KeyRange::all(), usize::MAX).is_empty());
    }
}
