//! Every adapter of this crate passes the kit, and broken ones do not.
#![cfg(all(feature = "conformance", feature = "sqlite"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use civic_store::conformance::{self, CHECKS, Profile};
use civic_store::docstore::Config;
use civic_store::engines::SqliteConfig;
use civic_store::record::RecordScan;
use civic_store::*;
use civic_types::{Cid, DocumentKey};
use futures_util::StreamExt;

/// Commits that the adapters under test keep in their log.
const RETENTION: u64 = 600;

fn config() -> Config {
    Config::default().with_log_retention(RETENTION)
}

fn sqlite_config() -> SqliteConfig {
    SqliteConfig::default().with_store(config())
}

async fn passes(
    open: impl Fn(u32) -> Result<Arc<dyn StorageAdapter>, Error> + Send + Sync,
    profile: Profile,
) {
    let open = |place| std::future::ready(open(place));
    let passed = conformance::all(open, profile.with_log_retention(RETENTION))
        .await
        .unwrap_or_else(|failure| panic!("{failure}: {:?}", failure.source));
    assert_eq!(passed.len(), CHECKS.len());
}

fn place(dir: &tempfile::TempDir, place: u32) -> PathBuf {
    dir.path().join(format!("{place}.db"))
}

#[tokio::test]
async fn memory_conforms() {
    passes(|_| Ok(Arc::new(Memory::with_config(config()))), Profile::volatile()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_conforms_on_many_threads() {
    passes(|_| Ok(Arc::new(Memory::with_config(config()))), Profile::volatile()).await;
}

#[tokio::test]
async fn a_box_of_an_arc_conforms() {
    let open = |_| {
        let boxed: Box<dyn StorageAdapter> = Box::new(Arc::new(Memory::with_config(config())));
        Ok(Arc::new(boxed) as Arc<dyn StorageAdapter>)
    };
    passes(open, Profile::volatile()).await;
}

#[tokio::test]
async fn an_arc_conforms() {
    let open = |_| Ok(Arc::new(Arc::new(Memory::with_config(config()))) as Arc<dyn StorageAdapter>);
    passes(open, Profile::volatile()).await;
}

#[tokio::test]
async fn clear_sqlite_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let open = |at| Ok(Arc::new(Sqlite::open_clear_with(place(&dir, at), sqlite_config())?) as _);
    passes(open, Profile::durable()).await;
}

#[tokio::test]
async fn sealed_sqlite_conforms() {
    let (dir, key) = (tempfile::tempdir().unwrap(), StoreKey::from_bytes([3; 32]));
    let open = |at| Ok(Arc::new(Sqlite::open_with(place(&dir, at), &key, sqlite_config())?) as _);
    passes(open, Profile::durable()).await;
}

/// What a broken wrapper does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Loses the last operation of every batch that has more than one.
    LosesLast,
    /// Never tells of a change.
    Deaf,
    /// Ends its streams at once.
    Mute,
    /// Says that all came from here.
    ForgetsOrigin,
    /// Applies each operation by itself.
    Splits,
    /// Takes no notice of idempotency keys.
    Repeats,
    /// Runs no hook.
    Hookless,
    /// Gives the first page for ever.
    IgnoresCursor,
}

#[derive(Debug)]
struct Broken(Memory, Fault);

#[async_trait]
impl StorageAdapter for Broken {
    async fn get(&self, key: &DocumentKey) -> Result<Option<Stored>, Error> {
        self.0.get(key).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Stored>, Error> {
        self.0.scan(scan).await
    }

    async fn query(&self, query: &Query) -> Result<Page<Stored>, Error> {
        let mut query = query.clone();
        if self.1 == Fault::IgnoresCursor {
            query.after = None;
            return self.0.query(&query).await.map(|page| Page { next: None, ..page });
        }
        self.0.query(&query).await
    }

    async fn commit(&self, mut batch: WriteBatch, origin: Origin) -> Result<Commit, Error> {
        match self.1 {
            Fault::LosesLast if batch.ops.len() > 1 => drop(batch.ops.pop()),
            Fault::ForgetsOrigin => return self.0.commit(batch, Origin::Local).await,
            Fault::Repeats => batch.idempotency = None,
            Fault::Hookless => batch.hook = None,
            Fault::Splits if batch.ops.len() > 1 && batch.hook.is_none() => {
                let mut commit = Err(Error::Closed);
                for op in std::mem::take(&mut batch.ops) {
                    commit = Ok(self.0.commit(WriteBatch { ops: vec![op], ..batch.clone() }, origin).await?);
                }
                return commit;
            }
            _ => {}
        }
        self.0.commit(batch, origin).await
    }

    fn changes(&self, from: ChangeFrom) -> ChangeStream {
        match self.1 {
            Fault::Deaf => futures_util::stream::pending().boxed(),
            Fault::Mute => futures_util::stream::empty().boxed(),
            _ => self.0.changes(from),
        }
    }

    async fn records(&self, scan: &RecordScan) -> Result<Page<Record>, Error> {
        self.0.records(scan).await
    }

    fn capabilities(&self) -> StoreCapabilities {
        self.0.capabilities()
    }

    async fn blob(&self, id: &Cid, range: Range<u64>) -> Result<Option<Bytes>, Error> {
        self.0.blob(id, range).await
    }

    async fn maintain(&self, task: Maintain) -> Result<Report, Error> {
        self.0.maintain(task).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.0.close().await
    }
}

#[tokio::test]
async fn broken_adapters_are_refused() {
    for (fault, check) in [
        (Fault::LosesLast, "round_trip"),
        (Fault::Deaf, "completeness"),
        (Fault::Mute, "completeness"),
        (Fault::ForgetsOrigin, "completeness"),
        (Fault::Splits, "round_trip"),
        (Fault::Repeats, "idempotency"),
        (Fault::Hookless, "order"),
        (Fault::IgnoresCursor, "oracle"),
    ] {
        let open = |_| {
            let adapter: Arc<dyn StorageAdapter> = Arc::new(Broken(Memory::with_config(config()), fault));
            std::future::ready(Ok(adapter))
        };
        let profile = Profile::volatile().with_log_retention(RETENTION);
        let failure = conformance::all(open, profile).await.expect_err("a broken adapter passed");
        assert_eq!(failure.name, check, "{fault:?}: {failure}: {:?}", failure.source);
    }
}
