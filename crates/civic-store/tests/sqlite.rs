//! What only the SQLite store owes: files, locks, keys, full disks, damage and sudden death.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use civic_store::engines::SqliteConfig;
use civic_store::*;
use civic_types::{CollectionId, DocumentId, DocumentKey, Value, value};
use tempfile::TempDir;

fn store_key() -> StoreKey {
    StoreKey::from_bytes([3; 32])
}

fn collection() -> CollectionId {
    CollectionId::local("notes").unwrap()
}

fn key(id: &str) -> DocumentKey {
    DocumentKey::new(collection(), DocumentId::new(id).unwrap())
}

fn put(id: &str, value: Value) -> WriteOp {
    WriteOp::Put { key: key(id), value, base: None }
}

fn database() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    (dir, path)
}

/// Every byte that the store has on disk.
fn bytes_on_disk(dir: &Path) -> Vec<u8> {
    fs::read_dir(dir).unwrap().flat_map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_sealed_store_shows_neither_names_nor_contents() {
    const TEXTS: [&str; 3] = ["the-secret-document", "a secret sentence", "secret-field"];
    for sealed in [true, false] {
        let (dir, path) = database();
        let store =
            if sealed { Sqlite::open(&path, &store_key()) } else { Sqlite::open_clear(&path) }.unwrap();
        store.overwrite(&key(TEXTS[0]), value!({"secret-field": "a secret sentence"})).await.unwrap();
        for when in ["open", "closed"] {
            let bytes = bytes_on_disk(dir.path());
            for text in TEXTS {
                assert_eq!(holds(&bytes, text), !sealed, "{text:?} in the {when} store, sealed: {sealed}");
            }
            store.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_store_opens_with_its_own_key_and_manner_only() {
    let (_dir, path) = database();
    Sqlite::open(&path, &store_key()).unwrap().overwrite(&key("a"), value!(1)).await.unwrap();
    let wrong = Sqlite::open(&path, &StoreKey::from_bytes([4; 32]));
    assert!(matches!(wrong, Err(Error::WrongKey)), "{wrong:?}");
    assert!(matches!(Sqlite::open_clear(&path), Err(Error::InvalidRequest { .. })));
    assert!(Sqlite::open(&path, &store_key()).unwrap().get(&key("a")).await.unwrap().is_some());

    let (_dir, path) = database();
    Sqlite::open_clear(&path).unwrap().overwrite(&key("a"), value!(1)).await.unwrap();
    assert!(matches!(Sqlite::open(&path, &store_key()), Err(Error::InvalidRequest { .. })));
}

#[tokio::test]
async fn a_store_is_open_once() {
    let (_dir, path) = database();
    let first = Sqlite::open_clear(&path).unwrap();
    match Sqlite::open_clear(&path) {
        Err(error @ Error::Locked { .. }) => assert!(error.to_string().contains("store.db"), "{error}"),
        other => panic!("{other:?}"),
    }
    first.close().await.unwrap();
    drop(Sqlite::open_clear(&path).unwrap());
    Sqlite::open_clear(&path).unwrap();
}

#[tokio::test]
async fn other_files_and_newer_formats_are_refused() {
    let (_dir, path) = database();
    drop(Sqlite::open_clear(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Sqlite::open_clear(&path), Err(Error::NewerFormat { got: 99, known: 1 })));

    let (_dir, path) = database();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(Sqlite::open_clear(&path), Err(Error::InvalidRequest { .. })));

    let (_dir, path) = database();
    fs::write(&path, [7; 8192]).unwrap();
    assert!(matches!(Sqlite::open_clear(&path), Err(Error::Corrupt { .. })));

    let (dir, _) = database();
    assert!(matches!(Sqlite::open_clear(dir.path().join("no/such/dir")), Err(Error::Backend { .. })));
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_keeps_what_it_has() {
    let (_dir, path) = database();
    let config = SqliteConfig::default().with_max_bytes(256 * 1024);
    let store = Sqlite::open_with(&path, &store_key(), config).unwrap();
    let mut kept = 0;
    let error = loop {
        match store.overwrite(&key(&format!("d{kept}")), value!("x".repeat(3000))).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Full) && error.is_transient(), "{error}");
    assert!(kept > 20, "{kept}");
    for n in 0..kept {
        assert!(store.get(&key(&format!("d{n}"))).await.unwrap().is_some(), "{n}");
    }
    assert!(store.get(&key(&format!("d{kept}"))).await.unwrap().is_none());
    // Room that was made is used again.
    let deletes = (0..10).map(|n| WriteOp::Delete { key: key(&format!("d{n}")) });
    store.batch_write(deletes.fold(WriteBatch::new(), WriteBatch::with)).await.unwrap();
    store.overwrite(&key("new"), value!("x".repeat(3000))).await.unwrap();
}

/// Opens, reads and verifies everything; `None` where something was found to be wrong.
async fn read_all(path: &Path, sealed: bool) -> Option<Vec<Value>> {
    let store = if sealed { Sqlite::open(path, &store_key()) } else { Sqlite::open_clear(path) }.ok()?;
    let mut values = Vec::new();
    for n in 0..DAMAGED_DOCUMENTS {
        values.push(
            store.get(&key(&format!("d{n}"))).await.ok()?.map(|stored| stored.value).unwrap_or_default(),
        );
    }
    let verified = store.maintain(Maintain::Verify).await;
    verified.ok().map(|_| values)
}

const DAMAGED_DOCUMENTS: usize = 40;

#[tokio::test]
async fn a_flipped_bit_is_never_silent_in_a_sealed_store() {
    for sealed in [true, false] {
        let (_dir, path) = database();
        let store =
            if sealed { Sqlite::open(&path, &store_key()) } else { Sqlite::open_clear(&path) }.unwrap();
        let ops =
            (0..DAMAGED_DOCUMENTS).map(|n| put(&format!("d{n}"), value!({"text": ("lorem ".repeat(50))})));
        store.batch_write(ops.fold(WriteBatch::new(), WriteBatch::with)).await.unwrap();
        store.close().await.unwrap();
        let (good, expected) = (fs::read(&path).unwrap(), read_all(&path, sealed).await.unwrap());
        let (mut silent, mut found) = (0, 0);
        for step in 0..100 {
            let mut bytes = good.clone();
            let at = step * (bytes.len() - 1) / 99;
            bytes[at] ^= 1 << (step % 8);
            fs::write(&path, &bytes).unwrap();
            match read_all(&path, sealed).await {
                None => found += 1,
                Some(values) if values != expected => silent += 1,
                Some(_) => {}
            }
        }
        // The clear store is the control: SQLite by itself serves damaged values.
        assert_eq!(silent == 0, sealed, "{silent} silent of 100, sealed: {sealed}");
        assert!(found > 10, "{found} found of 100, sealed: {sealed}");
    }
}

const CHILD_STORE: &str = "CIVIC_STORE_CHILD_STORE";
const CHILD_ACKS_EARLY: &str = "CIVIC_STORE_CHILD_ACKS_EARLY";

/// What the process does that is killed: it commits for ever and tells each acknowledgement.
async fn child(path: String) {
    let store = Sqlite::open(path, &store_key()).unwrap();
    let mut n = store.scan(&Scan::new(collection())).await.unwrap().items.len() / 2;
    loop {
        if std::env::var(CHILD_ACKS_EARLY).is_ok() {
            println!("\nack {n}");
            std::thread::park();
        }
        let filler = "x".repeat(n % 7 * 1000);
        let batch = WriteBatch::new()
            .with(put(&format!("a{n}"), value!({"n": (n as u64), "filler": (filler)})))
            .with(put(&format!("b{n}"), value!({"n": (n as u64)})));
        store.batch_write(batch).await.unwrap();
        println!("\nack {n}");
        n += 1;
    }
}

fn spawn_child(path: &Path, early: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["what_was_acknowledged_survives_sigkill", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(CHILD_STORE, path);
    if early {
        command.env(CHILD_ACKS_EARLY, "1");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills a child after it acknowledged so many commits, and gives all that it acknowledged.
fn kill_after(path: &Path, acks: usize, early: bool) -> Vec<usize> {
    let mut child = spawn_child(path, early);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acked = lines.filter_map(|line| line.strip_prefix("ack ").and_then(|n| n.parse().ok()));
    let mut all: Vec<usize> = acked.by_ref().take(acks).collect();
    assert!(
        matches!(Sqlite::open(path, &store_key()), Err(Error::Locked { .. })),
        "the child holds the store"
    );
    child.kill().unwrap();
    all.extend(acked);
    child.wait().unwrap();
    all
}

#[tokio::test]
async fn what_was_acknowledged_survives_sigkill() {
    // The test runs itself again as the process that is killed.
    if let Ok(path) = std::env::var(CHILD_STORE) {
        return child(path).await;
    }
    let (_dir, path) = database();
    let mut most = 0;
    for round in 0..12 {
        let acked = kill_after(&path, 1 + round * 5, false);
        most = most.max(acked.last().copied().unwrap());
        let store = Sqlite::open(&path, &store_key()).unwrap();
        let (mut a, mut b) = (0, 0);
        for n in 0..=most + 1 {
            let left = store.get(&key(&format!("a{n}"))).await.unwrap().is_some();
            let right = store.get(&key(&format!("b{n}"))).await.unwrap().is_some();
            assert_eq!(left, right, "half a batch: {n} in round {round}");
            assert!(left || n > most, "acknowledged commit {n} is lost in round {round}");
            (a, b) = (a + usize::from(left), b + usize::from(right));
        }
        assert!(a == b && a <= most + 2);
        store.maintain(Maintain::Verify).await.unwrap();
        // The one commit that was open may have happened; the next child counts it.
        most = a - 1;
        store.close().await.unwrap();
    }

    // The control: a child that acknowledges before it commits must be found out.
    let early = kill_after(&path, 1, true);
    let store = Sqlite::open(&path, &store_key()).unwrap();
    let last = format!("a{}", early.last().unwrap());
    assert!(store.get(&key(&last)).await.unwrap().is_none(), "the loss of {last} was not seen");
}
