//! [`ScopeIndex`]: one collection's arrival log in memory, for comparing with peers.

use std::collections::HashMap;
use std::sync::Arc;

use civic_store::{RecordScan, StorageAdapter};
use civic_types::{CollectionId, PeerId};

use crate::error::Error;
use crate::reconcile::ShortId;
use crate::table::{self, Arrival, Chain, Cursor, Place};

/// Arrivals 1..=seq of one collection. It follows the log when asked to, so a start of a session reads no
/// more than what is new.
#[derive(Debug, Default)]
pub(crate) struct ScopeIndex {
    entries: Vec<Entry>,
    by_id: HashMap<ShortId, u32>,
    sorted: Option<Arc<[ShortId]>>,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) short: ShortId,
    pub(crate) chain: Chain,
    pub(crate) source: Option<PeerId>,
    pub(crate) place: Place,
}

impl ScopeIndex {
    /// Reads what arrived up to `seq` and is not here yet.
    pub(crate) async fn follow(
        &mut self,
        store: &dyn StorageAdapter,
        collection: &CollectionId,
        seq: u64,
    ) -> Result<(), Error> {
        while self.seq() < seq {
            let prefix = table::key(&[collection.as_bytes()]);
            let after = table::arrival_key(collection, self.seq());
            let page = store.records(&RecordScan::table(table::ARRIVAL).prefix(prefix).after(after)).await?;
            if page.items.is_empty() {
                return Err(Error::Damaged { what: "the arrival log" });
            }
            for record in page.items {
                if table::arrival_seq(&record.key)? != self.seq() + 1 {
                    return Err(Error::Damaged { what: "the arrival log" });
                }
                let arrival = Arrival::decode(&record.value)?;
                self.by_id.insert(arrival.short, u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
                let (short, chain, place) = (arrival.short, arrival.chain, arrival.place);
                self.entries.push(Entry { short, chain, source: arrival.source, place });
            }
            self.sorted = None;
        }
        Ok(())
    }

    /// The newest arrival.
    pub(crate) fn seq(&self) -> u64 {
        self.entries.len() as u64
    }

    /// All short ids, ascending.
    pub(crate) fn ids(&mut self) -> Arc<[ShortId]> {
        let entries = &self.entries;
        let sorted = self.sorted.get_or_insert_with(|| {
            let mut ids: Vec<ShortId> = entries.iter().map(|entry| entry.short).collect();
            ids.sort_unstable();
            ids.dedup();
            ids.into()
        });
        Arc::clone(sorted)
    }

    /// Whether a cursor names a prefix of this very log.
    pub(crate) fn verifies(&self, epoch: &[u8; 16], cursor: &Cursor) -> bool {
        if cursor.epoch != *epoch {
            return false;
        }
        match cursor.seq.checked_sub(1) {
            None => cursor.chain == Chain::default(),
            Some(at) => {
                let entry = usize::try_from(at).ok().and_then(|at| self.entries.get(at));
                entry.is_some_and(|entry| entry.chain == cursor.chain)
            }
        }
    }

    /// Arrivals by number from `at`, which counts from 0.
    pub(crate) fn from(&self, at: usize) -> &[Entry] {
        self.entries.get(at..).unwrap_or_default()
    }

    /// The arrival of that id.
    pub(crate) fn position(&self, id: ShortId) -> Option<u32> {
        self.by_id.get(&id).copied()
    }
}
