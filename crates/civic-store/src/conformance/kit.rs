use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use civic_types::{CollectionId, DocumentId, DocumentKey, Value};
use futures_util::StreamExt;
use futures_util::future::{self, BoxFuture, Either};

use super::Breach;
use crate::adapter::{ChangeStream, StorageAdapter};
use crate::batch::{Commit, Origin, WriteBatch, WriteOp};
use crate::change::{Change, ChangeEvent};
use crate::error::Error;

/// What an adapter claims, and so has to show.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Whether a store can be opened again.
    pub reopens: bool,
    /// Commits that the change log of the opened adapters keeps, if it can be shortened to so few that a
    /// check writes more: some ten.
    pub log_retention: Option<u64>,
}

impl Profile {
    /// Nothing outlives the adapter.
    #[must_use]
    pub const fn volatile() -> Self {
        Self { reopens: false, log_retention: None }
    }

    /// What was acknowledged outlives the adapter.
    #[must_use]
    pub const fn durable() -> Self {
        Self { reopens: true, log_retention: None }
    }

    /// The opened adapters keep so many commits.
    #[must_use]
    pub const fn with_log_retention(mut self, commits: u64) -> Self {
        self.log_retention = Some(commits);
        self
    }
}

/// Reads of the adapter that a check waits for something that is due.
const PATIENCE: usize = 10_000;

/// Opens adapters for the checks.
pub(super) struct Kit<'a> {
    open: &'a Open<'a>,
    places: AtomicU32,
    pub(super) profile: Profile,
}

type Open<'a> = dyn Fn(u32) -> BoxFuture<'static, Result<Arc<dyn StorageAdapter>, Error>> + Send + Sync + 'a;

impl<'a> Kit<'a> {
    pub(super) fn new(open: &'a Open<'a>, profile: Profile) -> Self {
        Self { open, places: AtomicU32::new(0), profile }
    }

    /// An empty adapter.
    pub(super) async fn fresh(&self) -> Result<Store, Breach> {
        let place = self.places.fetch_add(1, Ordering::Relaxed);
        self.at(place).await
    }

    /// The adapter at a place that was opened before and is closed.
    pub(super) async fn at(&self, place: u32) -> Result<Store, Breach> {
        let adapter = (self.open)(place).await?;
        Ok(Store { adapter, place })
    }
}

/// An adapter under test.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) adapter: Arc<dyn StorageAdapter>,
    pub(super) place: u32,
}

impl std::ops::Deref for Store {
    type Target = Arc<dyn StorageAdapter>;

    fn deref(&self) -> &Self::Target {
        &self.adapter
    }
}

impl Store {
    pub(super) async fn write(&self, ops: impl IntoIterator<Item = WriteOp> + Send) -> Result<Commit, Error> {
        self.adapter.commit(batch(ops), Origin::Local).await
    }

    pub(super) async fn value(&self, id: &str) -> Result<Option<Value>, Breach> {
        Ok(self.adapter.get(&key(id)).await?.map(|stored| stored.value))
    }

    /// The next event of a stream that has one due.
    pub(super) async fn due(&self, changes: &mut ChangeStream) -> Result<ChangeEvent, Breach> {
        let waiting = std::pin::pin!(async {
            for _ in 0..PATIENCE {
                // What it answers does not matter: reading passes the time.
                drop(self.adapter.get(&key("nothing")).await);
                yield_once().await;
            }
        });
        match future::select(changes.next(), waiting).await {
            Either::Left((Some(event), _)) => Ok(event),
            Either::Left((None, _)) => Err(breach("a change stream ended early")),
            Either::Right(_) => Err(breach("a change did not come")),
        }
    }

    pub(super) async fn due_commit(&self, changes: &mut ChangeStream) -> Result<Change, Breach> {
        match self.due(changes).await? {
            ChangeEvent::Commit(change) => Ok(change),
            event @ ChangeEvent::Gap { .. } => Err(breach(format!("{event:?} instead of a commit"))),
        }
    }
}

pub(super) async fn yield_once() {
    let mut yielded = false;
    future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

pub(super) fn breach(what: impl Into<String>) -> Breach {
    Breach::Contract(what.into())
}

/// Fails a check unless something holds.
macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(crate::conformance::kit::breach(format!($($why)+)));
        }
    };
}

/// Fails a check unless a result is an error of that shape.
macro_rules! ensure_err {
    ($result:expr, $shape:pat) => {
        match $result {
            Err($shape) => {}
            other => {
                let what = format!("{other:?} instead of {}", stringify!($shape));
                return Err(crate::conformance::kit::breach(what));
            }
        }
    };
}

pub(super) use {ensure, ensure_err};

/// The collection that checks write to.
pub(super) fn collection() -> CollectionId {
    CollectionId::from_bytes([0xc0; 32])
}

pub(super) fn key(id: &str) -> DocumentKey {
    in_collection(collection(), id)
}

pub(super) fn in_collection(collection: CollectionId, id: &str) -> DocumentKey {
    #[expect(clippy::expect_used, reason = "checks name documents by short literals")]
    let document = DocumentId::new(id).expect("a document id");
    DocumentKey { collection, document }
}

pub(super) fn put(id: &str, value: impl Into<Value>) -> WriteOp {
    WriteOp::Put { key: key(id), value: value.into(), base: None }
}

pub(super) fn delete(id: &str) -> WriteOp {
    WriteOp::Delete { key: key(id) }
}

pub(super) fn record(table: &str, key: &[u8], value: Option<&[u8]>) -> WriteOp {
    use bytes::Bytes;
    let (key, value) = (Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice));
    WriteOp::Record { table: table.to_owned(), key, value }
}

pub(super) fn batch(ops: impl IntoIterator<Item = WriteOp>) -> WriteBatch {
    ops.into_iter().fold(WriteBatch::new(), WriteBatch::with)
}

/// A small generator of numbers that are alike in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(sides).unwrap_or(1)).unwrap_or_default()
    }
}
