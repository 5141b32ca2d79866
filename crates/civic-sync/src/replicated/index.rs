//! The index of a collection, kept in memory and led on by the arrival log.

use std::collections::BTreeSet;

use civic_crdt::root::Trie;
use civic_store::RecordScan;
use civic_types::{Cid, CollectionId};

use super::Replicated;
use super::state::{all, record};
use crate::error::Error;
use crate::table::{self, Arrival, Chain, Head, ScopeState};

/// An index with the heads that it had, at least, when the log was so long.
#[derive(Clone, Debug)]
pub(super) struct Indexed {
    seq: u64,
    chain: Chain,
    trie: Trie,
}

/// Collections whose index is kept.
pub(super) const MAX_INDEXES: usize = 64;

/// Documents of an index that is kept: about 30 MB.
const MAX_INDEXED_DOCUMENTS: usize = 131_072;

impl Replicated {
    /// The root of a collection's index: equal wherever the same versions are held.
    ///
    /// Costs what has arrived since it was last asked for; at first, and in large collections always, what is
    /// there.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCollection`], [`Error::Store`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it only reads.
    pub async fn root(&self, collection: &CollectionId) -> Result<Cid, Error> {
        let spec =
            self.shared.spec(collection).ok_or(Error::UnknownCollection { collection: *collection })?;
        let state = record(&*self.store, table::SCOPE, collection.as_bytes()).await?;
        let state = ScopeState::read(state, &self.shared.epoch)?;
        let trie = match self.shared.indexed(collection) {
            Some(kept) if self.leads_to(collection, &kept, &state).await? => {
                let mut trie = kept.trie;
                self.lead_on(collection, &mut trie, kept.seq).await?;
                trie
            }
            _ => {
                let mut trie = Trie::new(spec.hash);
                for record in all(&*self.store, table::HEAD, collection.as_bytes()).await? {
                    let head = Head::decode(&record.value)?;
                    trie.set(&head.document, head.heads);
                }
                trie
            }
        };
        let root = trie.root();
        if trie.len() <= MAX_INDEXED_DOCUMENTS {
            self.shared.keep_indexed(*collection, Indexed { seq: state.seq, chain: state.chain, trie });
        }
        Ok(root)
    }

    /// Whether a kept index is of this log, and not so far behind that reading all is less.
    async fn leads_to(
        &self,
        collection: &CollectionId,
        kept: &Indexed,
        state: &ScopeState,
    ) -> Result<bool, Error> {
        let behind = state.seq.checked_sub(kept.seq);
        if behind.is_none_or(|behind| usize::try_from(behind).is_ok_and(|behind| behind > kept.trie.len())) {
            return Ok(false);
        }
        if kept.seq == state.seq {
            return Ok(kept.chain == state.chain);
        }
        if kept.seq == 0 {
            return Ok(kept.chain == self.shared.epoch);
        }
        let at = table::arrival_key(collection, kept.seq);
        let arrival = record(&*self.store, table::ARRIVAL, &at).await?;
        Ok(arrival
            .map(|arrival| Arrival::decode(&arrival))
            .transpose()?
            .is_some_and(|it| it.chain == kept.chain))
    }

    /// Reads the heads of the documents that anything has arrived for.
    async fn lead_on(&self, collection: &CollectionId, trie: &mut Trie, seq: u64) -> Result<(), Error> {
        let prefix = bytes::Bytes::copy_from_slice(collection.as_bytes());
        let after = table::arrival_key(collection, seq);
        let mut scan = RecordScan::table(table::ARRIVAL).prefix(prefix).after(after);
        let mut rows = BTreeSet::new();
        loop {
            let page = self.store.records(&scan).await?;
            let last = page.items.last().map(|record| record.key.clone());
            for record in &page.items {
                rows.insert(Arrival::decode(&record.value)?.place.row);
            }
            match (page.next, last) {
                (Some(_), Some(last)) => scan = scan.after(last),
                _ => break,
            }
        }
        for row in rows {
            let at = table::key(&[collection.as_bytes(), &row]);
            let head = record(&*self.store, table::HEAD, &at).await?;
            let head = Head::decode(&head.ok_or(Error::Damaged { what: "a document's heads" })?)?;
            trie.set(&head.document, head.heads);
        }
        Ok(())
    }
}
