//! The writer: groups, and what becomes of the others when one batch or the medium fails.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use civic_store::docstore::Config;
use civic_store::engine::{Blinder, EngineOp, Snapshot};
use civic_store::engines::MemoryEngine;
use civic_store::*;
use civic_types::{CollectionId, DocumentId, DocumentKey, value};
use futures_util::{FutureExt, future};

/// A memory engine that counts its writes and can fail.
#[derive(Debug, Default)]
struct Probe {
    inner: MemoryEngine,
    writes: AtomicUsize,
    /// Refuse writes of more bytes than that with `Full`, if it is not 0.
    most_bytes: AtomicUsize,
    fails_next: AtomicBool,
    poisoned: AtomicBool,
}

impl Engine for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn write(&self, ops: &[EngineOp], durability: Durability) -> Result<(), Error> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let bytes: usize = ops.iter().filter_map(|op| op.value.as_ref()).map(|value| value.len()).sum();
        let most = self.most_bytes.load(Ordering::SeqCst);
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(Error::Poisoned);
        }
        if self.fails_next.swap(false, Ordering::SeqCst) {
            self.poisoned.store(true, Ordering::SeqCst);
            return Err(Error::backend("probe", "the sync failed"));
        }
        if most > 0 && bytes > most {
            return Err(Error::Full);
        }
        self.inner.write(ops, durability)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        self.inner.snapshot()
    }

    fn maintain(&self, task: Maintain) -> Result<Report, Error> {
        self.inner.maintain(task)
    }

    fn proof(&self) -> DurabilityProof {
        DurabilityProof::None
    }

    fn blinder(&self) -> Option<Blinder> {
        None
    }

    fn close(&self) -> Result<(), Error> {
        self.inner.close()
    }
}

/// Holds the writer until told to go on.
#[derive(Debug)]
struct Hold(Mutex<mpsc::Receiver<()>>, mpsc::SyncSender<()>);

impl CommitHook for Hold {
    fn on_commit(&self, _: &dyn ReadView, _: &mut WriteBatch) -> Result<(), Error> {
        self.1.send(()).map_err(Error::hook)?;
        self.0.lock().unwrap().recv().map_err(Error::hook)
    }
}

fn key(id: &str) -> DocumentKey {
    DocumentKey::new(CollectionId::from_bytes([1; 32]), DocumentId::new(id).unwrap())
}

fn put(id: &str, size: usize) -> WriteBatch {
    WriteBatch::new().with(WriteOp::Put { key: key(id), value: value!("x".repeat(size)), base: None })
}

fn store() -> (Arc<Probe>, DocStore<Arc<Probe>>) {
    let engine = Arc::new(Probe::default());
    (Arc::clone(&engine), DocStore::with_engine(engine, Config::default()).unwrap())
}

/// Commits all batches as one group, behind one that holds the writer while they queue.
async fn as_group(store: &DocStore<Arc<Probe>>, batches: Vec<WriteBatch>) -> Vec<Result<Commit, Error>> {
    let ((go, held), (holding, waits)) = (mpsc::sync_channel(1), mpsc::sync_channel(1));
    let hook: Option<Arc<dyn CommitHook>> = Some(Arc::new(Hold(Mutex::new(held), holding)));
    let mut first = store.commit(WriteBatch { hook, ..WriteBatch::new() }, Origin::Local);
    assert!((&mut first).now_or_never().is_none());
    waits.recv().unwrap();
    let mut group = future::join_all(batches.into_iter().map(|batch| store.commit(batch, Origin::Local)));
    assert!((&mut group).now_or_never().is_none());
    go.send(()).unwrap();
    first.await.unwrap();
    group.await
}

#[tokio::test]
async fn all_that_wait_share_one_write() {
    let (engine, store) = store();
    let outcomes = as_group(&store, (0..500).map(|n| put(&format!("d{n}"), 10)).collect()).await;
    let seqs: Vec<u64> = outcomes.into_iter().map(|outcome| outcome.unwrap().seq).collect();
    assert_eq!(seqs, (2..502).collect::<Vec<_>>());
    assert_eq!(engine.writes.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_batch_that_does_not_fit_leaves_the_rest_of_its_group_alone() {
    let (engine, store) = store();
    engine.most_bytes.store(5_000, Ordering::SeqCst);
    let outcomes = as_group(&store, vec![put("a", 10), put("large", 10_000), put("b", 10)]).await;
    assert!(matches!(outcomes.as_slice(), [Ok(_), Err(Error::Full), Ok(_)]), "{outcomes:?}");
    assert!(store.get(&key("a")).await.unwrap().is_some());
    assert!(store.get(&key("large")).await.unwrap().is_none());
    assert_eq!(store.overwrite(&key("c"), value!(1)).await.unwrap().seq, 4, "no gap");
}

#[tokio::test]
async fn a_poisoned_store_can_be_read_and_closed_only() {
    let (engine, store) = store();
    store.overwrite(&key("a"), value!(1)).await.unwrap();
    engine.fails_next.store(true, Ordering::SeqCst);
    assert!(matches!(store.overwrite(&key("a"), value!(2)).await, Err(Error::Backend { .. })));
    for _ in 0..2 {
        assert!(matches!(store.overwrite(&key("a"), value!(3)).await, Err(Error::Poisoned)));
    }
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().value, value!(1));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_full_queue_makes_commits_wait_and_loses_none() {
    let (_engine, store) = store();
    let outcomes = as_group(&store, (0..5_000).map(|n| put(&format!("d{n}"), 1)).collect()).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(store.overwrite(&key("last"), value!(1)).await.unwrap().seq, 5_002);
}

#[tokio::test]
async fn dropping_a_store_finishes_what_was_accepted() {
    let (engine, store) = store();
    let mut commit = store.commit(put("a", 1), Origin::Local);
    // Handed over, and then nobody waits for it.
    let _ = (&mut commit).now_or_never();
    drop(commit);
    drop(store);
    assert_eq!(engine.writes.load(Ordering::SeqCst), 1);
    assert!(matches!(engine.snapshot(), Err(Error::Closed)));
}

#[tokio::test]
async fn the_log_stays_bounded_by_itself_and_forgets_keys_with_its_commits() {
    use futures_util::StreamExt;

    const RETENTION: u64 = 10;
    const COMMITS: u64 = 2_000;
    let store = Memory::with_config(Config::default().with_log_retention(RETENTION));
    let keyed = |n: u64| {
        let mut idempotency = [0; 16];
        idempotency[..8].copy_from_slice(&n.to_le_bytes());
        store.commit(WriteBatch { idempotency: Some(idempotency), ..put("d", 1) }, Origin::Local)
    };
    for n in 1..=COMMITS {
        keyed(n).await.unwrap();
    }
    let mut changes = store.changes(ChangeFrom::After(0));
    let Some(ChangeEvent::Gap { resume_at }) = changes.next().await else { panic!("no gap") };
    assert!((COMMITS - RETENTION - 300..=COMMITS - RETENTION + 1).contains(&resume_at), "{resume_at}");
    for n in resume_at..=COMMITS {
        assert!(matches!(changes.next().await, Some(ChangeEvent::Commit(change)) if change.seq == n));
    }
    assert!(keyed(COMMITS).await.unwrap().replayed);
    assert!(!keyed(1).await.unwrap().replayed);
}

#[tokio::test]
async fn subscriptions_follow_and_updates_are_not_lost() {
    use futures_util::StreamExt;

    let store: Arc<dyn StorageAdapter> = Arc::new(Memory::new());
    let mut one = store.subscribe(key("n"));
    let mut all = store.subscribe_to_query(Query::new(key("n").collection, 10));
    assert_eq!(one.next().await.unwrap().unwrap(), None);
    assert!(all.next().await.unwrap().unwrap().items.is_empty());
    let add =
        |before: Option<&civic_types::Value>| value!(before.and_then(|n| n.as_u64()).unwrap_or_default() + 1);
    let n = key("n");
    let updates = (0..30).map(|_| store.update_document(&n, add));
    future::try_join_all(updates).await.unwrap();
    assert_eq!(one.next().await.unwrap().unwrap().unwrap().value, value!(30));
    assert_eq!(all.next().await.unwrap().unwrap().items.len(), 1);
    assert!(one.next().now_or_never().is_none());
    store.delete_document(&key("n")).await.unwrap();
    assert_eq!(one.next().await.unwrap().unwrap(), None);
    store.close().await.unwrap();
    assert!(one.next().await.is_none());
}
