use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::engine::{EngineOp, KeyRange, Pair, Snapshot, Table};
use crate::error::Error;

/// Changes that are not written yet, over the state below them.
pub(super) struct Layer<'a> {
    below: &'a dyn Snapshot,
    changes: Changes,
}

/// Per table, the new value of each key that changed; `None` where it was removed.
pub(super) type Changes = [BTreeMap<Bytes, Option<Bytes>>; Table::ALL.len()];

impl<'a> Layer<'a> {
    pub(super) fn new(below: &'a dyn Snapshot) -> Self {
        Self { below, changes: Changes::default() }
    }

    pub(super) fn set(&mut self, table: Table, key: Bytes, value: Option<Bytes>) {
        if let Some(changes) = self.changes.get_mut(usize::from(table.number())) {
            changes.insert(key, value);
        }
    }

    pub(super) fn into_changes(self) -> Changes {
        self.changes
    }

    /// Takes the changes of a layer above.
    pub(super) fn absorb(&mut self, changes: Changes) {
        for (table, changes) in self.changes.iter_mut().zip(changes) {
            table.extend(changes);
        }
    }

    pub(super) fn into_ops(self) -> Vec<EngineOp> {
        let tables = Table::ALL.into_iter().zip(self.changes);
        tables
            .flat_map(|(table, changes)| {
                changes.into_iter().map(move |(key, value)| EngineOp { table, key, value })
            })
            .collect()
    }

    fn table(&self, table: Table) -> Option<&BTreeMap<Bytes, Option<Bytes>>> {
        self.changes.get(usize::from(table.number()))
    }
}

impl Snapshot for Layer<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, Error> {
        match self.table(table).and_then(|changes| changes.get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.below.get(table, key),
        }
    }

    fn scan(&self, table: Table, range: &KeyRange, limit: usize) -> Result<Vec<Pair>, Error> {
        let changes = match self.table(table) {
            Some(changes) if !changes.is_empty() => changes,
            _ => return self.below.scan(table, range, limit),
        };
        let (mut range, mut out) = (range.clone(), Vec::new());
        while out.len() < limit && !range.is_empty() {
            let below = self.below.scan(table, &range, limit)?;
            // Where the page below was cut, changes beyond its last key have to wait for the next page.
            let last = if below.len() < limit { None } else { below.last().map(|(key, _)| key.clone()) };
            let upto = match &last {
                Some(key) => KeyRange { start: range.start.clone(), end: Bound::Included(key.to_vec()) },
                None => range.clone(),
            };
            let mut merged: BTreeMap<Bytes, Bytes> = below.into_iter().collect();
            for (key, value) in changes.range::<[u8], _>(upto.bounds()) {
                match value {
                    Some(value) => merged.insert(key.clone(), value.clone()),
                    None => merged.remove(key),
                };
            }
            out.extend(merged);
            match last {
                Some(key) => range = range.after(&key),
                None => break,
            }
        }
        out.truncate(limit);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::batch::Durability;
    use crate::engine::Engine;
    use crate::engines::MemoryEngine;

    fn op((key, value): (u8, Option<u8>)) -> EngineOp {
        let value = value.map(|v| Bytes::copy_from_slice(&[v]));
        EngineOp { table: Table::Records, key: Bytes::copy_from_slice(&[key]), value }
    }

    proptest! {
        #[test]
        fn a_layer_reads_as_if_it_had_been_written(
            below in prop::collection::vec((any::<u8>(), any::<Option<u8>>()), 0..200),
            above in prop::collection::vec((any::<u8>(), any::<Option<u8>>()), 0..100),
            start in any::<u8>(),
            limit in 0_usize..100,
        ) {
            let engine = MemoryEngine::new();
            engine.write(&below.into_iter().map(op).collect::<Vec<_>>(), Durability::Full).unwrap();
            let base = engine.snapshot().unwrap();
            let mut layer = Layer::new(&*base);
            let above: Vec<_> = above.into_iter().map(op).collect();
            above.iter().for_each(|op| layer.set(op.table, op.key.clone(), op.value.clone()));
            engine.write(&above, Durability::Full).unwrap();
            let written = engine.snapshot().unwrap();
            for range in [KeyRange::all(), KeyRange::all().after(&[start])] {
                prop_assert_eq!(
                    layer.scan(Table::Records, &range, limit).unwrap(),
                    written.scan(Table::Records, &range, limit).unwrap()
                );
            }
            for key in 0..=u8::MAX {
                prop_assert_eq!(
                    layer.get(Table::Records, &[key]).unwrap(),
                    written.get(Table::Records, &[key]).unwrap()
                );
            }
        }
    }
}
