use std::sync::Arc;

use bytes::Bytes;
use civic_store::{ReadView, RecordScan, WriteOp};
use civic_types::CollectionId;

use super::Replicated;
use super::shared::Shared;
use super::state::{all, record};
use crate::error::Error;
use crate::reconcile::{ShortId, Sketch};
use crate::sketches::{CHECKPOINT_EVERY, Following, MAX_LAG};
use crate::table::{self, Arrival, ScopeState};

/// Symbols of a small collection's sketch, which is made when it is wanted.
const SMALL_SKETCH: usize = 1024;

/// Sketches in memory: of the collections last written or compared.
pub(super) const MAX_CACHED_SKETCHES: usize = 64;

/// Takes a collection's sketch along inside a commit that has moved its log from `before` to `after`; when that
/// crosses a checkpoint, gives the records to write. `added` are the short ids and the chain of what this commit
/// adds.
pub(super) fn checkpoint(
    shared: &Shared,
    view: &dyn ReadView,
    collection: &CollectionId,
    (before, after): (u64, &ScopeState),
    added: &[ShortId],
) -> Result<Vec<WriteOp>, Error> {
    let crosses = before / CHECKPOINT_EVERY != after.seq / CHECKPOINT_EVERY;
    let Some(size) = Sketch::size(after.seq) else { return Ok(Vec::new()) };
    let cached = shared.sketch(collection);
    let behind = cached.as_ref().is_none_or(|cached| before.saturating_sub(cached.seq) >= MAX_LAG);
    if !crosses && !behind {
        return Ok(Vec::new());
    }
    let read = |seq: u64| view.record(table::ARRIVAL, &table::arrival_key(collection, seq));
    let kept = match cached {
        Some(cached) => Some(cached),
        None => {
            Following::from_checkpoint(&table::all_records(table::SKETCH, collection.as_bytes(), |scan| {
                view.records(scan)
            })?)
        }
    };
    let mut following = match kept {
        Some(kept) if kept.seq <= before && is_of_log(&kept, shared, |seq| Ok::<_, Error>(read(seq)?))? => {
            kept
        }
        _ => Following::new(&shared.epoch, size),
    };
    while following.seq < before {
        following.take(&view.records(&following.next(collection))?.items, before)?;
    }
    shared.keep_sketch(*collection, following.clone());
    if !crosses {
        return Ok(Vec::new());
    }
    let sketch = Arc::make_mut(&mut following.sketch);
    added.iter().for_each(|id| sketch.add(*id));
    (following.seq, following.chain) = (after.seq, after.chain);
    Ok(following.checkpoint(collection))
}

/// Whether a sketch is of the log that is there.
fn is_of_log<E>(
    following: &Following,
    shared: &Shared,
    mut read: impl FnMut(u64) -> Result<Option<Bytes>, E>,
) -> Result<bool, Error>
where
    Error: From<E>,
{
    if following.seq == 0 {
        return Ok(following.chain == shared.epoch);
    }
    let arrival = read(following.seq)?.map(|bytes| Arrival::decode(&bytes)).transpose()?;
    Ok(arrival.is_some_and(|arrival| arrival.chain == following.chain))
}

impl Replicated {
    /// The first coded symbols of a collection's short ids.
    pub(crate) async fn sketch(&self, collection: &CollectionId) -> Result<Arc<Sketch>, Error> {
        let state = record(&*self.store, table::SCOPE, collection.as_bytes()).await?;
        let state = ScopeState::read(state, &self.shared.epoch)?;
        let Some(size) = Sketch::size(state.seq) else {
            return Ok(Arc::new(Sketch::of(&self.ids(collection).await?, SMALL_SKETCH)));
        };
        let kept = match self.shared.sketch(collection) {
            Some(cached) => Some(cached),
            None => {
                Following::from_checkpoint(&all(&*self.store, table::SKETCH, collection.as_bytes()).await?)
            }
        };
        // One that was kept while the collection was smaller has too few symbols.
        let kept = kept.filter(|kept| kept.seq <= state.seq && kept.sketch.symbols().len() >= size);
        let mut following = Following::new(&self.shared.epoch, size);
        if let Some(kept) = kept {
            let at = table::arrival_key(collection, kept.seq);
            let arrival = record(&*self.store, table::ARRIVAL, &at).await?;
            if is_of_log(&kept, &self.shared, |_| Ok::<_, Error>(arrival.clone()))? {
                following = kept;
            }
        }
        while following.seq < state.seq {
            let page = self.store.records(&following.next(collection)).await?;
            if page.items.is_empty() {
                return Err(Error::Damaged { what: "the arrival log" });
            }
            following.take(&page.items, state.seq)?;
        }
        let sketch = Arc::clone(&following.sketch);
        self.shared.keep_sketch(*collection, following);
        Ok(sketch)
    }

    /// All short ids of a collection, ascending.
    pub(crate) async fn ids(&self, collection: &CollectionId) -> Result<Arc<[ShortId]>, Error> {
        let mut scan = RecordScan::table(table::SHORT).prefix(Bytes::copy_from_slice(collection.as_bytes()));
        let mut ids = Vec::new();
        loop {
            let page = self.store.records(&scan).await?;
            for record in &page.items {
                ids.push(table::short_row(record)?.0);
            }
            match (page.next, page.items.last()) {
                (Some(_), Some(last)) => scan = scan.after(last.key.clone()),
                _ => break,
            }
        }
        ids.dedup();
        Ok(ids.into())
    }
}
