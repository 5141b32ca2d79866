//! A store in memory: for tests, ephemeral nodes and caches. Nothing outlives the process.

mod tree;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use self::tree::Tree;
use crate::adapter::{DurabilityProof, Maintain, Report};
use crate::batch::Durability;
use crate::docstore::{Config, DocStore};
use crate::engine::{Blinder, Engine, EngineOp, KeyRange, Pair, Snapshot, Table};
use crate::error::Error;

/// A store in memory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use civic_store::{Memory, StorageAdapter};
///
/// let store = Memory::new();
/// assert_eq!(store.capabilities().adapter, "memory");
/// # Ok(())
/// # }
/// ```
pub type Memory = DocStore<MemoryEngine>;

impl Memory {
    /// An empty store with the default configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(Config::default())
    }

    /// An empty store.
    #[must_use]
    pub fn with_config(config: Config) -> Self {
        Self::start(MemoryEngine::default(), config, 0, 1)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// Ordered maps in memory whose snapshots share all that has not changed since.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    trees: Mutex<Trees>,
    closed: AtomicBool,
}

type Trees = [Tree; Table::ALL.len()];

impl MemoryEngine {
    /// An empty engine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }
}

impl Engine for MemoryEngine {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn write(&self, ops: &[EngineOp], _durability: Durability) -> Result<(), Error> {
        self.check_open()?;
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        for op in ops {
            if let Some(tree) = trees.get_mut(usize::from(op.table.number())) {
                tree.set(&op.key, op.value.clone());
            }
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        self.check_open()?;
        Ok(Box::new(MemorySnapshot(self.trees.lock().unwrap_or_else(PoisonError::into_inner).clone())))
    }

    fn maintain(&self, _task: Maintain) -> Result<Report, Error> {
        self.check_open()?;
        Ok(Report::default())
    }

    fn proof(&self) -> DurabilityProof {
        DurabilityProof::None
    }

    fn blinder(&self) -> Option<Blinder> {
        None
    }

    fn close(&self) -> Result<(), Error> {
        if !self.closed.swap(true, Ordering::AcqRel) {
            *self.trees.lock().unwrap_or_else(PoisonError::into_inner) = Trees::default();
        }
        Ok(())
    }
}

struct MemorySnapshot(Trees);

impl Snapshot for MemorySnapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, Error> {
        Ok(self.0.get(usize::from(table.number())).and_then(|tree| tree.get(key)))
    }

    fn scan(&self, table: Table, range: &KeyRange, limit: usize) -> Result<Vec<Pair>, Error> {
        Ok(self.0.get(usize::from(table.number())).map(|tree| tree.scan(range, limit)).unwrap_or_default())
    }
}
