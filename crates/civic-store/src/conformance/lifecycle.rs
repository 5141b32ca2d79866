use bytes::Bytes;
use civic_types::{Cid, HashAlgorithm, value};
use futures_util::StreamExt;
use futures_util::future;

use super::Breach;
use super::kit::{Kit, batch, collection, delete, ensure, ensure_err, key, put, record};
use crate::adapter::{DurabilityProof, Maintain};
use crate::batch::{Durability, Origin, WriteBatch, WriteOp};
use crate::change::ChangeFrom;
use crate::error::Error;
use crate::query::{Query, Scan};
use crate::record::RecordScan;

pub(super) async fn close(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let mut changes = store.changes(ChangeFrom::Now);
    let accepted =
        (0..50_u32).map(|n| store.adapter.commit(batch([put(&format!("d{n}"), n)]), Origin::Local));
    let (done, closed) = future::join(future::join_all(accepted), store.close()).await;
    closed?;
    for outcome in done {
        ensure!(matches!(outcome, Ok(_) | Err(Error::Closed)), "a commit beside a close gave {outcome:?}");
    }
    store.close().await?;
    ensure_err!(store.get(&key("d0")).await, Error::Closed);
    ensure_err!(store.scan(&Scan::new(collection())).await, Error::Closed);
    ensure_err!(store.query(&Query::new(collection(), 1)).await, Error::Closed);
    ensure_err!(store.records(&RecordScan::table("t")).await, Error::Closed);
    ensure_err!(store.blob(&Cid::raw(HashAlgorithm::Sha2_256, b""), 0..1).await, Error::Closed);
    ensure_err!(store.write([put("late", 1)]).await, Error::Closed);
    ensure_err!(store.maintain(Maintain::Flush).await, Error::Closed);
    // What was read before may still come; then it has to end.
    while changes.next().await.is_some() {}
    ensure!(store.changes(ChangeFrom::Now).next().await.is_none(), "a stream of a closed store goes on");
    Ok(())
}

pub(super) async fn reopen(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let proof = store.capabilities().durability;
    ensure!(kit.profile.reopens == (proof != DurabilityProof::None), "{proof:?} for {:?}", kit.profile);
    if !kit.profile.reopens {
        return Ok(());
    }
    let bytes = Bytes::from(vec![7; 100_000]);
    let id = Cid::raw(HashAlgorithm::Blake3, &bytes);
    let first = WriteBatch { idempotency: Some([4; 16]), ..batch([put("a", value!({"n": 1})), put("b", 2)]) };
    store.adapter.commit(first.clone(), Origin::Local).await?;
    store.write([delete("b"), record("t", b"k", Some(b"v")), blob(&id, &bytes)]).await?;
    let relaxed = WriteBatch { durability: Durability::Relaxed, ..batch([put("r", 1)]) };
    store.adapter.commit(relaxed, Origin::Local).await?;
    let before = store.get(&key("a")).await?;
    store.close().await?;

    let store = kit.at(store.place).await?;
    ensure!(store.get(&key("a")).await? == before && before.is_some(), "a document is another one");
    ensure!(store.value("b").await?.is_none(), "a deleted document is back");
    ensure!(store.value("r").await?.is_some(), "a relaxed write did not survive closing");
    ensure!(store.records(&RecordScan::table("t")).await?.items.len() == 1, "a record is gone");
    ensure!(store.blob(&id, 0..u64::MAX).await? == Some(bytes), "a blob is gone");
    let again = store.adapter.commit(first, Origin::Local).await?;
    ensure!(again.replayed && again.seq == 1, "an idempotency key was forgotten: {again:?}");
    let next = store.write([put("c", 1)]).await?;
    ensure!(next.seq == 4, "counts on from {}", next.seq);
    let mut changes = store.changes(ChangeFrom::After(0));
    for seq in 1..=4 {
        let change = store.due_commit(&mut changes).await?;
        ensure!(change.seq == seq, "the log gives {} instead of {seq}", change.seq);
    }
    store.maintain(Maintain::Verify).await?;
    store.maintain(Maintain::Compact).await?;
    ensure!(store.get(&key("a")).await? == before, "compacting changed a document");
    store.close().await?;
    Ok(())
}

fn blob(id: &Cid, bytes: &Bytes) -> WriteOp {
    WriteOp::Blob { id: id.clone(), bytes: bytes.clone() }
}
