use civic_store::{ChangeEvent, ChangeFrom, ChangeStream, StorageAdapter};
use civic_types::CollectionId;
use futures_util::StreamExt;

/// The commits that touch one collection, cut down to it.
pub(super) fn changes_of(store: &dyn StorageAdapter, collection: CollectionId) -> ChangeStream {
    let mine = move |event| async move {
        match event {
            ChangeEvent::Commit(mut change) => {
                change.documents.retain(|(key, _)| key.collection == collection);
                change.tables.clear();
                (!change.documents.is_empty()).then_some(ChangeEvent::Commit(change))
            }
            gap => Some(gap),
        }
    };
    store.changes(ChangeFrom::Now).filter_map(mine).boxed()
}
