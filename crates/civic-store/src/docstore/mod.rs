//! [`DocStore`]: documents, records, blobs and the change log, written once over [`Engine`].

mod batch_size;
mod config;
mod feed;
mod keys;
mod layer;
mod patch;
mod queue;
mod reader;
mod reply;
mod row;
mod select;
mod transaction;
mod upkeep;
mod writer;

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use async_trait::async_trait;
use bytes::Bytes;
use civic_types::{Cid, DocumentKey};

pub use self::config::{Config, DEFAULT_LOG_RETENTION};
use self::feed::{Feed, FeedStream, seq_of};
use self::keys::{Keys, meta};
use self::queue::{Closed, Queue};
use self::reader::Reader;
use self::reply::{Answerer, Asker, reply};
use self::writer::{Request, Submitted};
use crate::adapter::{ChangeStream, Maintain, ReadView, Report, StorageAdapter, StoreCapabilities, Stored};
use crate::batch::{Commit, Origin, WriteBatch};
use crate::change::ChangeFrom;
use crate::engine::{Engine, KeyRange, Table};
use crate::error::Error;
use crate::query::{Page, Query, Scan};
use crate::record::{Record, RecordScan};

/// The newest format of rows that this build knows.
const FORMAT: u32 = 1;

/// A [`StorageAdapter`] over any [`Engine`].
///
/// Reads run on the caller's thread. Writes go to the store's writer thread, which starts with the first
/// of them, commits all that wait with one sync, and ends with [`close`](StorageAdapter::close) or when
/// the store is dropped; dropping waits for what was accepted.
///
/// An idempotency key is remembered as long as its commit stays in the change log
/// ([`Config::log_retention`]).
///
/// Over an engine that hides keys ([`Engine::blinder`]) documents have no order on disk: `scan` reads and
/// sorts the whole collection for each page, and queries read it whole. Record keys are never hidden.
pub struct DocStore<E: Engine> {
    shared: Arc<Shared<E>>,
    writer: Mutex<Writer>,
}

/// What the writer, the streams and the callers share.
#[derive(Debug)]
struct Shared<E: Engine> {
    engine: E,
    keys: Keys,
    config: Config,
    queue: Queue<Request>,
    feed: Feed,
    closed: AtomicBool,
    end: Mutex<End>,
}

#[derive(Debug)]
enum Writer {
    Idle,
    Running(JoinHandle<()>),
    Ended,
}

#[derive(Debug)]
enum End {
    /// Who waits for it.
    Open(Vec<Answerer<()>>),
    /// How, for the first who asks.
    Ended(Result<(), Error>),
}

impl<E: Engine> DocStore<E> {
    /// Opens what the engine holds.
    ///
    /// # Errors
    ///
    /// [`Error::NewerFormat`], [`Error::Corrupt`], [`Error::InvalidRequest`] when it is sealed and the
    /// engine has no key, or what the engine says.
    pub fn with_engine(engine: E, config: Config) -> Result<Self, Error> {
        let snapshot = engine.snapshot()?;
        if engine.blinder().is_none() && !snapshot.scan(Table::Seal, &KeyRange::all(), 1)?.is_empty() {
            return Err(Error::InvalidRequest { what: "the store is sealed: open it with its key" });
        }
        if let Some(row) = snapshot.get(Table::Meta, meta::FORMAT)? {
            let got = row.as_ref().try_into().map(u32::from_be_bytes);
            match got.map_err(|_| Error::Corrupt { what: "the format's number" })? {
                FORMAT => {}
                got => return Err(Error::NewerFormat { got, known: FORMAT }),
            }
        }
        let head = snapshot.get(Table::Meta, meta::HEAD)?;
        let head = head.map_or(Ok(0), |row| row::decode_seq(&row))?;
        let oldest = snapshot.scan(Table::Log, &KeyRange::all(), 1)?;
        let floor = oldest.first().map_or(Some(head + 1), |(key, _)| seq_of(key));
        let floor = floor.ok_or(Error::Corrupt { what: "change log" })?;
        drop(snapshot);
        Ok(Self::start(engine, config, head, floor))
    }

    pub(crate) fn start(engine: E, config: Config, head: u64, floor: u64) -> Self {
        let shared = Shared {
            keys: Keys::new(engine.blinder()),
            engine,
            config,
            queue: Queue::new(),
            feed: Feed::new(head, floor),
            closed: AtomicBool::new(false),
            end: Mutex::new(End::Open(Vec::new())),
        };
        Self { shared: Arc::new(shared), writer: Mutex::new(Writer::Idle) }
    }

    /// The engine below.
    #[must_use]
    pub fn engine(&self) -> &E {
        &self.shared.engine
    }

    /// Typed reads of the newest state.
    fn read<T>(&self, read: impl FnOnce(Reader<'_>) -> Result<T, Error>) -> Result<T, Error> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        let snapshot = self.shared.engine.snapshot()?;
        read(Reader { snapshot: &*snapshot, keys: &self.shared.keys })
    }

    /// Hands a request to the writer and waits for its answer.
    async fn ask<T>(
        &self,
        request: Request,
        bytes: usize,
        asker: Asker<Result<T, Error>>,
    ) -> Result<T, Error> {
        self.start_writer()?;
        self.shared.queue.push(request, bytes).await.map_err(|Closed| Error::Closed)?;
        asker.await.unwrap_or(Err(Error::Closed))
    }

    fn start_writer(&self) -> Result<(), Error> {
        let mut writer = self.lock_writer();
        if matches!(*writer, Writer::Idle) {
            let shared = Arc::clone(&self.shared);
            let name = format!("civic-store-{}", shared.engine.name());
            let thread = Builder::new().name(name).spawn(move || writer::run(&shared));
            *writer = Writer::Running(thread.map_err(|e| Error::backend(self.shared.engine.name(), e))?);
        }
        Ok(())
    }

    /// Lets nothing more in; the writer ends once all that was accepted is done.
    fn stop(&self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.queue.close();
        let mut writer = self.lock_writer();
        if matches!(*writer, Writer::Idle) {
            *writer = Writer::Ended;
            drop(writer);
            self.shared.finish();
        }
    }

    /// Waits for the writer's thread, which must have been stopped.
    fn join(&self) {
        let writer = std::mem::replace(&mut *self.lock_writer(), Writer::Ended);
        if let Writer::Running(thread) = writer
            // A hook may hold the last handle to its own store.
            && thread.thread().id() != std::thread::current().id()
        {
            // A thread that panicked has ended the store all the same.
            drop(thread.join());
        }
    }

    fn lock_writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Engine> Shared<E> {
    /// Lets go of the medium and tells whoever waits for it. Called once: by the writer or in its stead.
    fn finish(&self) {
        self.feed.close();
        let flushed = match self.engine.maintain(Maintain::Flush) {
            // What a poisoned store cannot flush was never acknowledged.
            Err(Error::Poisoned) => Ok(Report::default()),
            flushed => flushed,
        };
        let ended = End::Ended(self.engine.close().and(flushed.map(drop)));
        let before = std::mem::replace(&mut *self.end.lock().unwrap_or_else(PoisonError::into_inner), ended);
        // Dropping who would have answered wakes who waits; they then see how it ended.
        drop(before);
    }

    /// Waits until the store has ended; the first to ask learns how.
    async fn ended(&self) -> Result<(), Error> {
        loop {
            let asker = match &mut *self.end.lock().unwrap_or_else(PoisonError::into_inner) {
                End::Ended(result) => return std::mem::replace(result, Ok(())),
                End::Open(waiting) => {
                    let (asker, answerer) = reply::<()>();
                    waiting.push(answerer);
                    asker
                }
            };
            asker.await;
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<E: Engine> StorageAdapter for DocStore<E> {
    async fn get(&self, key: &DocumentKey) -> Result<Option<Stored>, Error> {
        self.read(|reader| reader.document(key))
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Stored>, Error> {
        self.read(|reader| reader.scan(scan))
    }

    async fn query(&self, query: &Query) -> Result<Page<Stored>, Error> {
        self.read(|reader| reader.query(query))
    }

    async fn commit(&self, batch: WriteBatch, origin: Origin) -> Result<Commit, Error> {
        let bytes = batch_size::check(&batch)?;
        let (asker, reply) = reply();
        self.ask(Request::Commit(Submitted { batch, origin, reply }), bytes, asker).await
    }

    fn changes(&self, from: ChangeFrom) -> ChangeStream {
        let next = match from {
            ChangeFrom::After(seq) => seq.saturating_add(1),
            ChangeFrom::Now => self.shared.feed.reach().0 + 1,
        };
        Box::pin(FeedStream::new(Arc::clone(&self.shared), next))
    }

    async fn records(&self, scan: &RecordScan) -> Result<Page<Record>, Error> {
        self.read(|reader| reader.records(scan))
    }

    fn capabilities(&self) -> StoreCapabilities {
        let engine = &self.shared.engine;
        StoreCapabilities::new(engine.name(), engine.proof(), engine.blinder().is_some())
    }

    async fn blob(&self, id: &Cid, range: Range<u64>) -> Result<Option<Bytes>, Error> {
        self.read(|reader| reader.blob_range(id, range))
    }

    async fn maintain(&self, task: Maintain) -> Result<Report, Error> {
        let (asker, reply) = reply();
        self.ask(Request::Maintain(task, reply), 0, asker).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.stop();
        let ended = self.shared.ended().await;
        self.join();
        ended
    }
}

impl<E: Engine> fmt::Debug for DocStore<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocStore").field("engine", &self.shared.engine).finish_non_exhaustive()
    }
}

impl<E: Engine> Drop for DocStore<E> {
    fn drop(&mut self) {
        self.stop();
        self.join();
    }
}
