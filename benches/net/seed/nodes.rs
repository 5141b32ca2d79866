//! Nodes to measure, the documents they write, and the peers beside them.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use civic_crypto::keystore::KdfParams;
use civic_figures::Outcome;
use civic_types::cbor;
use civicbase::NodeOptions;
use civicbase::{LanConfig, Node, PeerAddr, Value, value};
use rusqlite::{Connection, params};

/// Key derivation is not what is measured, so it is the cheapest that the key file takes.
pub fn node(dir: &Path) -> NodeOptions {
    let kdf = KdfParams::Argon2id { memory_kib: 8192, passes: 1, lanes: 1 };
    Node::at(dir, "a passphrase for benches").kdf(kdf).lan(LanConfig::loopback())
}

/// Where a node listens.
pub fn address(node: &Node) -> Outcome<PeerAddr> {
    let address = node.listen_addr().ok_or("no address")?;
    Ok(PeerAddr::new(node.peer_id(), address.to_string()))
}

/// A small document of a neighbourhood: about 190 bytes as canonical CBOR.
pub fn document(number: u64) -> Value {
    value!({
        "name": (format!("Pump {number}")),
        "street": "Majorsgatan 12",
        "municipality": "Göteborg",
        "county": "Västra Götalands län",
        "status": (if number.is_multiple_of(3) { "dry" } else { "running" }),
        "note": "the handle is loose, ask at number 12 for the key",
        "needs": (number % 50),
        "position": [57.699, 11.937],
    })
}

/// Milliseconds since then.
pub fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// What a future gives, unless it hangs.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> Outcome<T> {
    let watchdog = tokio::time::timeout(Duration::from_secs(120), future);
    watchdog.await.map_err(|_| format!("{what}: nothing for two minutes").into())
}

/// SQLite alone, with the same settings and the same documents: no versions, signatures or sealing.
pub struct Raw(Connection);

impl Raw {
    pub fn open(dir: &Path) -> Outcome<Self> {
        let connection = Connection::open(dir.join("raw.sqlite"))?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL;
             PRAGMA fullfsync = ON;
             PRAGMA checkpoint_fullfsync = ON;
             PRAGMA secure_delete = ON;
             PRAGMA mmap_size = 0;
             PRAGMA cell_size_check = ON;
             PRAGMA trusted_schema = OFF;
             CREATE TABLE kv (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;",
        )?;
        Ok(Self(connection))
    }

    /// One durable transaction.
    pub fn set(&self, number: u64) -> Outcome {
        let value = cbor::encode(&document(number))?;
        self.0
            .prepare_cached("INSERT OR REPLACE INTO kv VALUES (?1, ?2)")?
            .execute(params![key(number).as_bytes(), value])?;
        Ok(())
    }

    pub fn get(&self, number: u64) -> Outcome<Value> {
        let mut statement = self.0.prepare_cached("SELECT value FROM kv WHERE key = ?1")?;
        let bytes: Vec<u8> = statement.query_row(params![key(number).as_bytes()], |row| row.get(0))?;
        Ok(cbor::decode(&bytes)?)
    }

    /// Many documents in one transaction.
    pub fn fill(&self, documents: u64) -> Outcome {
        self.0.execute_batch("BEGIN")?;
        (0..documents).try_for_each(|number| self.set(number))?;
        Ok(self.0.execute_batch("COMMIT")?)
    }
}

/// A file that is only appended to and synced: the least that a durable write costs here.
pub struct Floor(File);

impl Floor {
    pub fn open(dir: &Path) -> Outcome<Self> {
        Ok(Self(File::create(dir.join("floor"))?))
    }

    pub fn set(&mut self, number: u64) -> Outcome {
        self.0.write_all(&cbor::encode(&document(number))?)?;
        Ok(self.0.sync_data()?)
    }
}

pub fn key(number: u64) -> String {
    format!("pump-{number:011}")
}
