use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::SqliteConfig;
use super::failure::translate;
use crate::error::Error;

/// `civb`: what the file says it is.
const APPLICATION_ID: i32 = 0x6369_7662;

/// The newest layout of the file that this build knows.
const FORMAT: u32 = 1;

/// SQLite's default, which the file keeps for ever.
const PAGE_BYTES: u64 = 4096;

/// Opens the file for writing, and makes it a store if it is new.
pub(super) fn open_writer(path: &Path, config: &SqliteConfig) -> Result<Connection, Error> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    prepare(&connection, config).map_err(translate)??;
    Ok(connection)
}

/// Opens one more connection, for reading.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let setup = "PRAGMA mmap_size = 0; PRAGMA query_only = ON; PRAGMA cell_size_check = ON;";
    connection.execute_batch(setup).map_err(translate)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(translate)
}

fn prepare(connection: &Connection, config: &SqliteConfig) -> rusqlite::Result<Result<(), Error>> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let format: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let new = application == 0 && format == 0 && tables == 0;
    if !new && application != APPLICATION_ID {
        return Ok(Err(Error::InvalidRequest { what: "the file is not a store" }));
    }
    if format > FORMAT {
        return Ok(Err(Error::NewerFormat { got: format, known: FORMAT }));
    }
    // Where shared memory cannot be had, SQLite stays with its old journal and says so only here.
    let journal: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if journal != "wal" {
        return Ok(Err(Error::Unsupported { what: "a write-ahead log on this file system" }));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA secure_delete = ON;
         PRAGMA mmap_size = 0;
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;",
    )?;
    if new {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = {FORMAT};
             CREATE TABLE kv (
                 space INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)
             ) WITHOUT ROWID, STRICT;
             COMMIT;"
        ))?;
    }
    if let Some(bytes) = config.max_bytes {
        let pages = i64::try_from(bytes / PAGE_BYTES).unwrap_or(i64::MAX).clamp(1, i64::from(u32::MAX - 2));
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(Ok(()))
}

/// A statement that changes nothing and yet commits, so that its sync covers relaxed writes before it.
pub(super) fn touch() -> String {
    format!("PRAGMA user_version = {FORMAT}")
}
