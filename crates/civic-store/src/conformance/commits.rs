use bytes::Bytes;
use civic_types::{Cid, CollectionId, CollectionSpec, HashAlgorithm, value};
use futures_util::future;

use super::Breach;
use super::kit::{Kit, batch, breach, delete, ensure, ensure_err, key, put, record};
use crate::batch::{Origin, Pin, Precondition, WriteBatch, WriteOp};
use crate::error::Error;
use crate::record::RecordScan;

/// Commits made at once: some groups' worth.
const AT_ONCE: u64 = 300;

pub(super) async fn sequence(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let commits =
        (0..AT_ONCE).map(|n| store.adapter.commit(batch([put(&format!("d{n}"), n)]), Origin::Local));
    let mut seqs: Vec<u64> = future::try_join_all(commits).await?.iter().map(|commit| commit.seq).collect();
    for (n, seq) in seqs.iter().enumerate() {
        let stored = store.get(&key(&format!("d{n}"))).await?;
        ensure!(stored.is_some_and(|s| s.rev == *seq), "document {n} does not have its commit's seq {seq}");
    }
    seqs.sort_unstable();
    ensure!(seqs.iter().copied().eq(1..=AT_ONCE), "seqs {seqs:?}");
    ensure!(store.write([]).await?.seq == AT_ONCE + 1, "an empty batch is a commit, too");
    Ok(())
}

pub(super) async fn atomicity(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let bytes = Bytes::from_static(b"blob");
    let id = Cid::raw(HashAlgorithm::Sha2_256, &bytes);
    let spec = CollectionSpec::new(civic_types::CommunityId::from_bytes([0; 32]), "c");
    let spec = spec.map_err(|e| breach(e.to_string()))?;
    let all = || {
        [
            put("a", 1),
            record("t", b"k", Some(b"v")),
            WriteOp::Blob { id: id.clone(), bytes: bytes.clone() },
            WriteOp::Pin { target: id.clone(), pin: Pin::App },
            WriteOp::Collection { id: spec.id(), spec: spec.clone(), replicated: false },
            put("z", 1),
        ]
    };
    for broken in [
        WriteOp::Collection { id: CollectionId::from_bytes([9; 32]), spec: spec.clone(), replicated: false },
        WriteOp::Blob { id: Cid::raw(HashAlgorithm::Sha2_256, b"other"), bytes: bytes.clone() },
        record("", b"k", Some(b"v")),
    ] {
        let refused = store.write(all().into_iter().chain([broken])).await;
        ensure_err!(refused, Error::InvalidRequest { .. });
        ensure!(
            store.value("a").await?.is_none() && store.value("z").await?.is_none(),
            "documents were kept"
        );
        ensure!(store.records(&RecordScan::table("t")).await?.items.is_empty(), "a record was kept");
        ensure!(store.blob(&id, 0..9).await?.is_none(), "a blob was kept");
    }
    let commit = store.write(all()).await?;
    ensure!(commit.seq == 1 && !commit.replayed, "refused batches were counted: {commit:?}");
    ensure!(store.value("a").await?.is_some() && store.value("z").await?.is_some(), "a document is missing");
    ensure!(store.records(&RecordScan::table("t")).await?.items.len() == 1, "the record is missing");
    ensure!(store.blob(&id, 0..9).await?.is_some(), "the blob is missing");
    store.write([put("o", 1), put("o", 2), delete("o"), put("o", 3)]).await?;
    ensure!(store.value("o").await? == Some(value!(3)), "operations were not applied in order");
    Ok(())
}

pub(super) async fn preconditions(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let one =
        |op, precondition| store.adapter.commit(WriteBatch::new().with_if(op, precondition), Origin::Local);
    ensure_err!(one(put("a", 0), Precondition::Exists).await, Error::Precondition { .. });
    let rev = one(put("a", 1), Precondition::NotExists).await?.seq;
    ensure_err!(one(put("a", 0), Precondition::NotExists).await, Error::Precondition { .. });
    ensure_err!(one(put("a", 0), Precondition::RevIs(rev + 1)).await, Error::Precondition { .. });
    ensure_err!(one(put("b", 0), Precondition::RevIs(rev)).await, Error::Precondition { .. });
    ensure_err!(one(record("t", b"k", None), Precondition::Exists).await, Error::InvalidRequest { .. });
    one(put("a", 2), Precondition::RevIs(rev)).await?;
    ensure!(store.value("a").await? == Some(value!(2)), "the document is not the one expected");

    // All are judged before anything is applied.
    let both = WriteBatch::new()
        .with_if(put("n", 1), Precondition::NotExists)
        .with_if(put("n", 2), Precondition::NotExists);
    store.adapter.commit(both, Origin::Local).await?;
    let half = WriteBatch::new().with(put("n", 3)).with_if(put("a", 3), Precondition::NotExists);
    match store.adapter.commit(half, Origin::Local).await {
        Err(Error::Precondition { key: named }) => ensure!(named == key("a"), "names {named}"),
        other => return Err(breach(format!("{other:?} instead of a failed precondition"))),
    }
    ensure!(store.value("n").await? == Some(value!(2)), "a refused batch was applied in part");

    // Of many writers who read the same, one wins.
    let rev = store.get(&key("a")).await?.map(|stored| stored.rev).unwrap_or_default();
    let race = future::join_all((0..32).map(|n| one(put("a", n), Precondition::RevIs(rev)))).await;
    let won = race.iter().filter(|outcome| outcome.is_ok()).count();
    ensure!(won == 1, "{won} writers won");
    Ok(())
}

pub(super) async fn idempotency(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let keyed = |n: u8, op| {
        let batch = WriteBatch { idempotency: Some([n; 16]), ..batch([op]) };
        store.adapter.commit(batch, Origin::Local)
    };
    let failed = store.adapter.commit(
        WriteBatch {
            idempotency: Some([1; 16]),
            ..WriteBatch::new().with_if(put("a", 0), Precondition::Exists)
        },
        Origin::Local,
    );
    ensure_err!(failed.await, Error::Precondition { .. });
    let first = keyed(1, put("a", 1)).await?;
    ensure!(!first.replayed, "a batch that was refused counts as committed");
    let again = keyed(1, put("a", 2)).await?;
    ensure!(again.replayed && again.seq == first.seq, "{again:?} after {first:?}");
    ensure!(store.value("a").await? == Some(value!(1)), "the batch was applied again");
    let other = keyed(2, put("a", 3)).await?;
    ensure!(!other.replayed && other.seq == first.seq + 1, "{other:?} for another key");
    let many = future::try_join_all((0..20).map(|n| keyed(3, put(&format!("m{n}"), n)))).await?;
    ensure!(many.iter().filter(|commit| !commit.replayed).count() == 1, "{many:?} for one key at once");
    Ok(())
}
