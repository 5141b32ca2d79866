use std::fmt;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::failure::translate;
use super::schema;
use crate::engine::{KeyRange, Pair, Snapshot, Table};
use crate::error::Error;

/// Reading connections that wait for use. More are opened when more threads read at once, and closed
/// after it: snapshots live for one call on one thread, so there are never more than threads.
const IDLE_READERS: usize = 4;

/// Reading connections of one store.
pub(super) struct Pool {
    path: PathBuf,
    /// `None` once the store is closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Pool {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Some(Vec::new())) }
    }

    /// A snapshot of what was committed last.
    pub(super) fn snapshot(self: &Arc<Self>) -> Result<SqliteSnapshot, Error> {
        let idle = self.lock().as_mut().ok_or(Error::Closed)?.pop();
        let connection = idle.map_or_else(|| schema::open_reader(&self.path), Ok)?;
        connection.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([])).map_err(translate)?;
        // SQLite fixes the snapshot at the first read.
        let first =
            connection.prepare_cached("SELECT 1 FROM kv LIMIT 1").and_then(|mut read| read.exists([]));
        first.map_err(translate)?;
        Ok(SqliteSnapshot { connection: Some(connection), pool: Arc::clone(self) })
    }

    pub(super) fn close(&self) {
        let idle = self.lock().take();
        drop(idle);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("path", &self.path).finish_non_exhaustive()
    }
}

/// An open reading transaction.
pub(super) struct SqliteSnapshot {
    /// There until dropped.
    connection: Option<Connection>,
    pool: Arc<Pool>,
}

impl SqliteSnapshot {
    fn connection(&self) -> Result<&Connection, Error> {
        self.connection.as_ref().ok_or(Error::Closed)
    }
}

impl Snapshot for SqliteSnapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let mut get = self
            .connection()?
            .prepare_cached("SELECT value FROM kv WHERE space = ?1 AND key = ?2")
            .map_err(translate)?;
        let value = get.query_row(params![table.number(), key], |row| row.get::<_, Vec<u8>>(0));
        Ok(value.optional().map_err(translate)?.map(Bytes::from))
    }

    fn scan(&self, table: Table, range: &KeyRange, limit: usize) -> Result<Vec<Pair>, Error> {
        if range.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let (space, limit) = (table.number(), i64::try_from(limit).unwrap_or(i64::MAX));
        let mut values: Vec<&dyn ToSql> = vec![&space, &limit];
        let mut sql = String::from("SELECT key, value FROM kv WHERE space = ?1");
        match &range.start {
            Bound::Unbounded => {}
            Bound::Included(key) => push(&mut sql, &mut values, " AND key >= ?", key),
            Bound::Excluded(key) => push(&mut sql, &mut values, " AND key > ?", key),
        }
        match &range.end {
            Bound::Unbounded => {}
            Bound::Included(key) => push(&mut sql, &mut values, " AND key <= ?", key),
            Bound::Excluded(key) => push(&mut sql, &mut values, " AND key < ?", key),
        }
        sql.push_str(" ORDER BY key LIMIT ?2");
        let mut scan = self.connection()?.prepare_cached(&sql).map_err(translate)?;
        let pair = |row: &rusqlite::Row<'_>| {
            Ok((Bytes::from(row.get::<_, Vec<u8>>(0)?), Bytes::from(row.get::<_, Vec<u8>>(1)?)))
        };
        let rows = scan.query_map(values.as_slice(), pair).map_err(translate)?;
        rows.collect::<rusqlite::Result<_>>().map_err(translate)
    }
}

fn push<'a>(sql: &mut String, values: &mut Vec<&'a dyn ToSql>, condition: &str, key: &'a dyn ToSql) {
    values.push(key);
    sql.push_str(condition);
    sql.push_str(&values.len().to_string());
}

impl Drop for SqliteSnapshot {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let ended = connection.prepare_cached("COMMIT").and_then(|mut end| end.execute([]));
        // A connection that cannot end its transaction is not used again.
        if ended.is_ok()
            && let Some(idle) = self.pool.lock().as_mut()
            && idle.len() < IDLE_READERS
        {
            idle.push(connection);
        }
    }
}
