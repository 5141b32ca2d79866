//! [`StorageExt`]: conveniences over any adapter.

use std::pin::Pin;

use async_trait::async_trait;
use civic_types::{DocumentKey, Value};
use futures_core::Stream;
use futures_util::{FutureExt, StreamExt, stream};

use crate::adapter::{ChangeStream, StorageAdapter, Stored};
use crate::batch::{Commit, Origin, Precondition, WriteBatch, WriteOp};
use crate::change::{ChangeEvent, ChangeFrom};
use crate::error::Error;
use crate::query::{Page, Query};

/// Attempts of [`StorageExt::update_document`] before it gives up against writers that are always faster.
pub const UPDATE_ATTEMPTS: usize = 64;

/// What a subscription gives: the state now, then each later state that was seen.
///
/// States that follow each other faster than they are read may be skipped; the newest never is. It ends
/// when the store closes, and after an error.
pub type Subscription<T> = Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>;

/// Conveniences over any [`StorageAdapter`]; every write here is of local origin.
#[async_trait]
pub trait StorageExt: StorageAdapter {
    /// The document, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`StorageAdapter::get`].
    async fn get_document(&self, key: &DocumentKey) -> Result<Option<Stored>, Error> {
        self.get(key).await
    }

    /// Stores a document as a change of what it is now: what others change at the same time is kept by
    /// replicating adapters.
    ///
    /// # Errors
    ///
    /// As [`StorageAdapter::commit`].
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it has happened entirely or not at all.
    async fn set_document(&self, key: &DocumentKey, value: Value) -> Result<Commit, Error> {
        let heads = self.get(key).await?.map(|stored| stored.heads).unwrap_or_default();
        let put = WriteOp::Put { key: key.clone(), value, base: Some(heads) };
        self.batch_write(WriteBatch::new().with(put)).await
    }

    /// Stores a document whatever it was and whatever others change at the same time.
    ///
    /// # Errors
    ///
    /// As [`StorageAdapter::commit`].
    ///
    /// # Cancel safety
    ///
    /// As [`set_document`](Self::set_document).
    async fn overwrite(&self, key: &DocumentKey, value: Value) -> Result<Commit, Error> {
        let put = WriteOp::Put { key: key.clone(), value, base: None };
        self.batch_write(WriteBatch::new().with(put)).await
    }

    /// Reads a document, lets `change` make its new value, and stores that as a change of what was read;
    /// starts again when somebody was faster.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] after [`UPDATE_ATTEMPTS`] attempts; else as [`StorageAdapter::commit`].
    ///
    /// # Cancel safety
    ///
    /// As [`set_document`](Self::set_document); `change` may have run all the same.
    async fn update_document<F>(&self, key: &DocumentKey, mut change: F) -> Result<Commit, Error>
    where
        F: FnMut(Option<&Value>) -> Value + Send,
    {
        let mut attempt = 1;
        loop {
            let before = self.get(key).await?;
            let value = change(before.as_ref().map(|stored| &stored.value));
            let precondition =
                before.as_ref().map_or(Precondition::NotExists, |stored| Precondition::RevIs(stored.rev));
            let base = Some(before.map(|stored| stored.heads).unwrap_or_default());
            let put = WriteOp::Put { key: key.clone(), value, base };
            match self.batch_write(WriteBatch::new().with_if(put, precondition)).await {
                Err(Error::Precondition { .. }) if attempt < UPDATE_ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    /// Removes a document; removing one that is not there does nothing.
    ///
    /// # Errors
    ///
    /// As [`StorageAdapter::commit`].
    ///
    /// # Cancel safety
    ///
    /// As [`set_document`](Self::set_document).
    async fn delete_document(&self, key: &DocumentKey) -> Result<Commit, Error> {
        self.batch_write(WriteBatch::new().with(WriteOp::Delete { key: key.clone() })).await
    }

    /// Applies a batch as a local write.
    ///
    /// # Errors
    ///
    /// As [`StorageAdapter::commit`].
    ///
    /// # Cancel safety
    ///
    /// As [`set_document`](Self::set_document).
    async fn batch_write(&self, batch: WriteBatch) -> Result<Commit, Error> {
        self.commit(batch, Origin::Local).await
    }

    /// One document now, and again after each change; for adapters that can be cloned, such as
    /// `Arc<dyn StorageAdapter>`.
    fn subscribe(&self, key: DocumentKey) -> Subscription<Option<Stored>>
    where
        Self: Clone + Sized,
    {
        let (store, of) = (self.clone(), key.clone());
        watch(
            self.changes(ChangeFrom::Now),
            move |changed| *changed == of,
            move || {
                let (store, key) = (store.clone(), key.clone());
                async move { store.get(&key).await }
            },
        )
    }

    /// The first page of a query now, and again after each change of its collection; for adapters that
    /// can be cloned.
    fn subscribe_to_query(&self, query: Query) -> Subscription<Page<Stored>>
    where
        Self: Clone + Sized,
    {
        let (store, collection) = (self.clone(), query.collection);
        watch(
            self.changes(ChangeFrom::Now),
            move |changed| changed.collection == collection,
            move || {
                let (store, query) = (store.clone(), query.clone());
                async move { store.query(&query).await }
            },
        )
    }
}

impl<A: StorageAdapter + ?Sized> StorageExt for A {}

/// Reads first, then after each change that concerns it. The stream of changes starts before the first
/// read, so no change falls between.
fn watch<T, C, R, F>(changes: ChangeStream, concerns: C, read: R) -> Subscription<T>
where
    T: Send + 'static,
    C: Fn(&DocumentKey) -> bool + Send + 'static,
    R: Fn() -> F + Send + 'static,
    F: Future<Output = Result<T, Error>> + Send,
{
    let state = (changes, concerns, read, Next::Read);
    Box::pin(stream::unfold(state, |(mut changes, concerns, read, mut next)| async move {
        if next == Next::Wait {
            // Read once for all changes that are there already.
            let mut touched = false;
            while !touched {
                touched = touches(&changes.next().await?, &concerns);
            }
            while let Some(Some(_)) = changes.next().now_or_never() {}
            next = Next::Read;
        }
        if next == Next::End {
            return None;
        }
        match read().await {
            Ok(state) => Some((Ok(state), (changes, concerns, read, Next::Wait))),
            Err(Error::Closed) => None,
            Err(error) => Some((Err(error), (changes, concerns, read, Next::End))),
        }
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    End,
    Read,
    Wait,
}

fn touches(event: &ChangeEvent, concerns: &impl Fn(&DocumentKey) -> bool) -> bool {
    match event {
        ChangeEvent::Commit(change) => change.documents.iter().any(|(key, _)| concerns(key)),
        ChangeEvent::Gap { .. } => true,
    }
}
