use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};

use super::failure::{NAME, Step, poisons, translate};
use super::pool::Pool;
use super::{SqliteConfig, lock, schema};
use crate::adapter::{DurabilityProof, Maintain, Report};
use crate::batch::Durability;
use crate::engine::{Blinder, Engine, EngineOp, Snapshot};
use crate::error::Error;

/// Ordered keys in one SQLite table.
#[derive(Debug)]
pub struct SqliteEngine {
    writer: Mutex<Option<Writer>>,
    readers: Arc<Pool>,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    /// What SQLite's `synchronous` is set to.
    synchronous: Durability,
    /// Whether there may be writes that no sync has covered.
    relaxed: bool,
    poisoned: bool,
    /// For tests: the step that fails next, as a failing disk would make it fail.
    #[cfg(test)]
    fail: Option<(Step, i32)>,
    /// Held for as long as the store is open.
    _lock: File,
}

impl SqliteEngine {
    /// Opens or creates the file.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`], [`Error::NewerFormat`], [`Error::Corrupt`], [`Error::InvalidRequest`] when the
    /// file is something else, or [`Error::Backend`].
    pub fn open(path: &Path, config: &SqliteConfig) -> Result<Self, Error> {
        let lock = lock::acquire(path)?;
        let writer = Writer {
            connection: schema::open_writer(path, config)?,
            synchronous: Durability::Full,
            relaxed: false,
            poisoned: false,
            #[cfg(test)]
            fail: None,
            _lock: lock,
        };
        Ok(Self { writer: Mutex::new(Some(writer)), readers: Arc::new(Pool::new(path.to_owned())) })
    }

    fn with_writer<T>(&self, work: impl FnOnce(&mut Writer) -> Result<T, Error>) -> Result<T, Error> {
        match &mut *self.lock() {
            Some(writer) if writer.poisoned => Err(Error::Poisoned),
            Some(writer) => work(writer),
            None => Err(Error::Closed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for SqliteEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn write(&self, ops: &[EngineOp], durability: Durability) -> Result<(), Error> {
        self.with_writer(|writer| {
            writer.set_synchronous(durability)?;
            writer.transaction(|writer| writer.apply(ops))?;
            writer.relaxed = durability == Durability::Relaxed;
            Ok(())
        })
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        Ok(Box::new(self.readers.snapshot()?))
    }

    fn maintain(&self, task: Maintain) -> Result<Report, Error> {
        self.with_writer(|writer| match task {
            Maintain::Compact => writer.compact(),
            Maintain::Flush => writer.flush(),
            Maintain::Verify => writer.verify(),
            _ => Ok(Report::default()),
        })
    }

    fn proof(&self) -> DurabilityProof {
        DurabilityProof::PowerCut
    }

    fn blinder(&self) -> Option<Blinder> {
        None
    }

    fn close(&self) -> Result<(), Error> {
        self.readers.close();
        let Some(writer) = self.lock().take() else { return Ok(()) };
        let Writer { connection, _lock, .. } = writer;
        connection.close().map_err(|(_, error)| translate(error))
    }
}

impl Writer {
    /// Runs `change` in a transaction; after an error nothing of it is left.
    fn transaction(&mut self, change: impl FnOnce(&mut Self) -> rusqlite::Result<()>) -> Result<(), Error> {
        let mut step = Step::Change;
        let done = self.run("BEGIN IMMEDIATE").and_then(|()| change(self)).and_then(|()| {
            self.injected(Step::Change)?;
            step = Step::Commit;
            self.injected(Step::Commit)?;
            self.run("COMMIT")
        });
        let Err(error) = done else { return Ok(()) };
        // SQLite may have rolled back by itself.
        let rolled_back = self.connection.is_autocommit() || self.run("ROLLBACK").is_ok();
        self.poisoned = !rolled_back || poisons(&error, step);
        Err(translate(error))
    }

    fn apply(&self, ops: &[EngineOp]) -> rusqlite::Result<()> {
        let mut put = self.connection.prepare_cached(
            "INSERT INTO kv (space, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (space, key) DO UPDATE SET value = excluded.value",
        )?;
        let mut delete = self.connection.prepare_cached("DELETE FROM kv WHERE space = ?1 AND key = ?2")?;
        for op in ops {
            let (space, key) = (op.table.number(), op.key.as_ref());
            match &op.value {
                Some(value) => put.execute(params![space, key, value.as_ref()])?,
                None => delete.execute(params![space, key])?,
            };
        }
        Ok(())
    }

    fn set_synchronous(&mut self, durability: Durability) -> Result<(), Error> {
        if self.synchronous != durability {
            // In WAL mode, `NORMAL` leaves out the sync of a commit and nothing else.
            let level = if durability == Durability::Full { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level).map_err(translate)?;
            self.synchronous = durability;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<Report, Error> {
        if self.relaxed {
            self.set_synchronous(Durability::Full)?;
            self.transaction(|writer| writer.connection.execute_batch(&schema::touch()))?;
            self.relaxed = false;
        }
        Ok(Report::default())
    }

    fn compact(&self) -> Result<Report, Error> {
        self.connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);").map_err(translate)?;
        Ok(Report::default())
    }

    fn verify(&self) -> Result<Report, Error> {
        let found: String = self
            .connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(translate)?;
        if found == "ok" { Ok(Report::default()) } else { Err(Error::Corrupt { what: "the database file" }) }
    }

    fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests make it fail")]
    const fn injected(&self, _step: Step) -> rusqlite::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn injected(&mut self, step: Step) -> rusqlite::Result<()> {
        match self.fail.take_if(|(at, _)| *at == step) {
            Some((_, code)) => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rusqlite::ffi;

    use super::*;
    use crate::engine::Table;

    fn put(value: &'static [u8]) -> [EngineOp; 1] {
        let (key, value) = (Bytes::from_static(b"k"), Some(Bytes::from_static(value)));
        [EngineOp { table: Table::Records, key, value }]
    }

    #[test]
    fn a_failed_sync_poisons_and_leaves_the_store_readable() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let open = || SqliteEngine::open(&path, &SqliteConfig::default()).unwrap();
        let engine = open();
        engine.write(&put(b"old"), Durability::Full).unwrap();
        engine.lock().as_mut().unwrap().fail = Some((Step::Commit, ffi::SQLITE_IOERR_FSYNC));
        assert!(matches!(engine.write(&put(b"new"), Durability::Full), Err(Error::Backend { .. })));
        assert!(matches!(engine.write(&put(b"new"), Durability::Full), Err(Error::Poisoned)));
        assert!(matches!(engine.maintain(Maintain::Flush), Err(Error::Poisoned)));
        assert_eq!(engine.snapshot().unwrap().get(Table::Records, b"k").unwrap().unwrap(), "old");
        engine.close().unwrap();

        let engine = open();
        engine.write(&put(b"new"), Durability::Full).unwrap();
        engine.lock().as_mut().unwrap().fail = Some((Step::Commit, ffi::SQLITE_FULL));
        assert!(matches!(engine.write(&put(b"newer"), Durability::Full), Err(Error::Full)));
        engine.write(&put(b"newest"), Durability::Full).unwrap();
    }

    #[test]
    fn a_snapshot_keeps_its_state_and_outlives_the_engine() {
        let dir = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(&dir.path().join("db"), &SqliteConfig::default()).unwrap();
        engine.write(&put(b"old"), Durability::Full).unwrap();
        let snapshot = engine.snapshot().unwrap();
        engine.write(&put(b"new"), Durability::Relaxed).unwrap();
        engine.maintain(Maintain::Flush).unwrap();
        engine.close().unwrap();
        assert_eq!(snapshot.get(Table::Records, b"k").unwrap().unwrap(), "old");
        assert!(matches!(engine.snapshot(), Err(Error::Closed)));
        engine.close().unwrap();
    }
}
