//! A store in one SQLite file: WAL, a sync per group of commits, one process at a time.
//!
//! | file | what |
//! |---|---|
//! | `PATH` | the database: one ordered table `kv(space, key, value)` |
//! | `PATH-wal`, `PATH-shm` | SQLite's log and its index, while it is open |
//! | `PATH.lock` | empty; locked while a process has the store open |
//!
//! Overwritten and deleted bytes are zeroed (`secure_delete`); nothing is mapped into memory, so a failing
//! disk gives errors instead of signals.

mod engine;
mod failure;
mod lock;
mod pool;
mod schema;

use std::path::Path;

pub use engine::SqliteEngine;

use crate::docstore::{Config, DocStore};
use crate::engine::Engine;
use crate::error::Error;
use crate::sealed::{Sealed, StoreKey};

/// A store in one SQLite file, sealed unless opened clear.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use civic_store::{Sqlite, StorageAdapter, StoreKey};
///
/// let dir = tempfile::tempdir()?;
/// let store = Sqlite::open(dir.path().join("notes.db"), &StoreKey::from_bytes([7; 32]))?;
/// assert!(store.capabilities().sealed);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sqlite(DocStore<Box<dyn Engine>>);

impl Sqlite {
    /// Opens or creates a sealed store.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`], [`Error::WrongKey`], [`Error::NewerFormat`], [`Error::Corrupt`],
    /// [`Error::InvalidRequest`] when the file is something else or a clear store, [`Error::Backend`].
    pub fn open(path: impl AsRef<Path>, key: &StoreKey) -> Result<Self, Error> {
        Self::open_with(path, key, SqliteConfig::default())
    }

    /// [`open`](Self::open) with a configuration.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, key: &StoreKey, config: SqliteConfig) -> Result<Self, Error> {
        let engine = SqliteEngine::open(path.as_ref(), &config)?;
        Self::over(Box::new(Sealed::open(engine, key)?), config)
    }

    /// Opens or creates a store that anybody with the file can read.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`Error::InvalidRequest`] when the store is sealed.
    pub fn open_clear(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_clear_with(path, SqliteConfig::default())
    }

    /// [`open_clear`](Self::open_clear) with a configuration.
    ///
    /// # Errors
    ///
    /// As [`open_clear`](Self::open_clear).
    pub fn open_clear_with(path: impl AsRef<Path>, config: SqliteConfig) -> Result<Self, Error> {
        Self::over(Box::new(SqliteEngine::open(path.as_ref(), &config)?), config)
    }

    fn over(engine: Box<dyn Engine>, config: SqliteConfig) -> Result<Self, Error> {
        DocStore::with_engine(engine, config.store).map(Self)
    }

    pub(crate) const fn store(&self) -> &DocStore<Box<dyn Engine>> {
        &self.0
    }
}

/// How a [`Sqlite`] store works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// Most bytes of the database file, or as many as the disk has; beyond it writes give
    /// [`Error::Full`]. Default: no bound. Rounded down to whole pages of 4096 bytes.
    pub max_bytes: Option<u64>,
    /// What does not depend on the engine.
    pub store: Config,
}

impl SqliteConfig {
    /// Takes at most so many bytes.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Sets what does not depend on the engine.
    #[must_use]
    pub fn with_store(mut self, config: Config) -> Self {
        self.store = config;
        self
    }
}
