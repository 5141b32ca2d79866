use super::Breach;
use super::kit::{Kit, Store, ensure, ensure_err, record};
use crate::batch::MAX_RECORD_KEY_BYTES;
use crate::error::Error;
use crate::query::MAX_PAGE;
use crate::record::RecordScan;

pub(super) async fn round_trip(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let keys: [&[u8]; 7] = [b"\0", b"a", b"a\0", b"aa", b"b", b"\xff", b"\xff\xff"];
    store.write(keys.iter().rev().map(|key| record("t.1-x", key, Some(key)))).await?;
    store.write([record("t.1", b"other", Some(b"")), record("t.1-xy", b"other", Some(b"o"))]).await?;
    for limit in [1, 2, 7, 100] {
        let found = read_all(&store, RecordScan::table("t.1-x").limit(limit)).await?;
        ensure!(found == keys, "pages of {limit} gave {found:?}");
    }
    let found = read_all(&store, RecordScan::table("t.1-x").prefix(&b"a"[..]).limit(1)).await?;
    ensure!(found == [&b"a"[..], b"a\0", b"aa"], "the prefix gave {found:?}");
    let found = read_all(&store, RecordScan::table("t.1-x").prefix(&b"\xff"[..])).await?;
    ensure!(found == [&b"\xff"[..], b"\xff\xff"], "the last prefix gave {found:?}");
    let found = read_all(&store, RecordScan::table("t.1-x").after(&b"aa"[..])).await?;
    ensure!(found == [&b"b"[..], b"\xff", b"\xff\xff"], "after a key came {found:?}");

    let page = store.records(&RecordScan::table("t.1")).await?;
    ensure!(page.items.len() == 1 && page.items[0].value.is_empty(), "an empty value gave {:?}", page.items);
    store.write([record("t.1", b"other", None), record("t.1", b"never", None)]).await?;
    ensure!(store.records(&RecordScan::table("t.1")).await?.items.is_empty(), "a removed record is there");
    store.write([record("t.1-x", b"a", Some(b"new"))]).await?;
    let page = store.records(&RecordScan::table("t.1-x").prefix(&b"a"[..]).limit(1)).await?;
    ensure!(page.items.iter().all(|record| record.value == "new"), "not replaced");
    Ok(())
}

pub(super) async fn refusals(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let long = "t".repeat(33);
    for table in ["", "T", "a b", "ä", "a/b", long.as_str()] {
        ensure_err!(store.write([record(table, b"k", Some(b"v"))]).await, Error::InvalidRequest { .. });
        ensure_err!(store.records(&RecordScan::table(table)).await, Error::InvalidRequest { .. });
    }
    ensure_err!(store.write([record("t", b"", Some(b"v"))]).await, Error::InvalidRequest { .. });
    let long = vec![0; MAX_RECORD_KEY_BYTES + 1];
    ensure_err!(store.write([record("t", &long, Some(b"v"))]).await, Error::Limit { .. });
    ensure_err!(store.records(&RecordScan::table("t").limit(MAX_PAGE + 1)).await, Error::Limit { .. });
    ensure_err!(store.records(&RecordScan::table("t").limit(0)).await, Error::InvalidRequest { .. });
    store.write([record(&"t".repeat(32), &long[1..], Some(b"v"))]).await?;
    Ok(())
}

async fn read_all(store: &Store, mut scan: RecordScan) -> Result<Vec<Vec<u8>>, Breach> {
    let mut found = Vec::new();
    loop {
        let page = store.records(&scan).await?;
        ensure!(page.items.len() <= scan.limit, "a page of {}", page.items.len());
        ensure!(page.items.iter().all(|r| r.key == r.value), "a value of another key");
        found.extend(page.items.iter().map(|record| record.key.to_vec()));
        match (page.next, page.items.last()) {
            (Some(_), Some(last)) => scan = scan.after(last.key.clone()),
            _ => return Ok(found),
        }
    }
}
