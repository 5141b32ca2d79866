use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use civic_types::{Cid, CollectionSpec, CommunityId, HashAlgorithm, value};
use futures_util::future;

use super::Breach;
use super::kit::{Kit, Store, batch, breach, delete, ensure, ensure_err, in_collection, key, put, record};
use crate::adapter::{CommitHook, ReadView, SharedHook};
use crate::batch::{Commit, Folded, Origin, Precondition, WriteBatch, WriteOp};
use crate::error::Error;
use crate::record::RecordScan;

/// A hook made of a function.
struct Hook<F>(F);

impl<F> std::fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

impl<F> CommitHook for Hook<F>
where
    F: Fn(&dyn ReadView, &mut WriteBatch) -> Result<(), Error> + Send + Sync + 'static,
{
    fn on_commit(&self, view: &dyn ReadView, batch: &mut WriteBatch) -> Result<(), Error> {
        (self.0)(view, batch)
    }
}

fn hook<F>(run: F) -> Option<SharedHook>
where
    F: Fn(&dyn ReadView, &mut WriteBatch) -> Result<(), Error> + Send + Sync + 'static,
{
    Some(Arc::new(Hook(run)))
}

async fn hooked(store: &Store, batch: WriteBatch, hook: Option<SharedHook>) -> Result<Commit, Error> {
    store.adapter.commit(WriteBatch { hook, ..batch }, Origin::Local).await
}

pub(super) async fn order(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    store.write([put("n", 0), record("t", b"k", Some(b"v"))]).await?;

    // Each adds one to what it sees: lost updates would show.
    let add = || {
        hook(|view, batch| {
            let n = view.document(&key("n"))?.and_then(|stored| stored.value.as_u64()).unwrap_or_default();
            batch.push(put("n", n + 1));
            Ok(())
        })
    };
    future::try_join_all((0..100).map(|_| hooked(&store, WriteBatch::new(), add()))).await?;
    ensure!(store.value("n").await? == Some(value!(100)), "counted {:?}", store.value("n").await?);

    let seen = Arc::new(Mutex::new(Vec::new()));
    let saw = Arc::clone(&seen);
    let look = hook(move |view, batch| {
        let mut seen = saw.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(view.document(&key("new"))?.is_none());
        seen.push(view.record("t", b"k")? == Some(Bytes::from_static(b"v")));
        seen.push(view.records(&RecordScan::table("t"))?.items.len() == 1);
        seen.push(view.collection(&key("n").collection)?.is_none());
        seen.push(view.blob(&Cid::raw(HashAlgorithm::Sha2_256, b"x"))?.is_none());
        seen.push(batch.ops.len() == 1);
        batch.ops.clear();
        batch.push(put("instead", 1));
        Ok(())
    });
    let refused = WriteBatch::new().with_if(put("new", 1), Precondition::Exists);
    ensure_err!(hooked(&store, refused, look.clone()).await, Error::Precondition { .. });
    ensure!(seen.lock().is_ok_and(|seen| seen.is_empty()), "a hook ran for a batch that was refused");
    let allowed = WriteBatch::new().with_if(put("new", 1), Precondition::NotExists);
    hooked(&store, allowed, look).await?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    ensure!(!seen.is_empty() && seen.iter().all(|good| *good), "the view showed {seen:?}");
    ensure!(store.value("new").await?.is_none(), "an operation that the hook removed was applied");
    ensure!(store.value("instead").await?.is_some(), "an operation that the hook added was not applied");
    Ok(())
}

pub(super) async fn failures(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let commits = (0..60_u32).map(|n| {
        let hook = match n % 3 {
            0 => None,
            1 => hook(|_, _| Err(Error::hook("no"))),
            _ => hook(|_, _| {
                // Quietly: the message of a panic that a check wants would only alarm.
                std::panic::resume_unwind(Box::new("a hook that panics"))
            }),
        };
        let (store, batch) = (&store, batch([put(&format!("d{n}"), n)]));
        async move { hooked(store, batch, hook).await }
    });
    let outcomes = future::join_all(commits).await;
    let mut seqs = Vec::new();
    for (n, outcome) in outcomes.into_iter().enumerate() {
        let there = store.value(&format!("d{n}")).await?.is_some();
        ensure!(there == (n % 3 == 0), "document {n} is there: {there}");
        match outcome {
            Ok(commit) if n % 3 == 0 => seqs.push(commit.seq),
            Err(Error::Hook { .. }) if n % 3 != 0 => {}
            other => return Err(breach(format!("batch {n} gave {other:?}"))),
        }
    }
    seqs.sort_unstable();
    ensure!(seqs.iter().copied().eq(1..=20), "seqs {seqs:?}");
    Ok(())
}

pub(super) async fn replicated(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let spec =
        CollectionSpec::new(CommunityId::from_bytes([7; 32]), "pumps").map_err(|e| breach(e.to_string()))?;
    let (id, at) = (spec.id(), in_collection(spec.id(), "pump"));
    let write = WriteOp::Put { key: at.clone(), value: value!(1), base: None };
    store.write([WriteOp::Collection { id, spec: spec.clone(), replicated: true }]).await?;
    for op in [
        write.clone(),
        WriteOp::Delete { key: at.clone() },
        WriteOp::Patch { key: at.clone(), ops: Vec::new() },
    ] {
        ensure_err!(store.write([put("other", 1), op]).await, Error::HookRequired { .. });
    }
    ensure!(store.value("other").await?.is_none(), "a refused batch was applied in part");
    let idle = hook(|_, _| Ok(()));
    ensure_err!(hooked(&store, batch([write.clone()]), idle).await, Error::HookRequired { .. });

    let heads = vec![Cid::raw(HashAlgorithm::Sha2_256, b"version")];
    let state =
        Folded { value: value!({"dry": true}), heads: heads.clone(), conflicts: true, incomplete: None };
    let fold = WriteOp::Fold { key: at.clone(), state: Some(state) };
    ensure_err!(store.write([fold.clone()]).await, Error::InvalidRequest { .. });
    let folding = move |op: WriteOp| {
        hook(move |_, batch| {
            batch.ops.clear();
            batch.push(op.clone());
            Ok(())
        })
    };
    let commit = hooked(&store, batch([write]), folding(fold)).await?;
    let stored = store.get(&at).await?.ok_or_else(|| breach("the fold was not kept"))?;
    ensure!(stored.value == value!({"dry": true}) && stored.rev == commit.seq, "kept {stored:?}");
    ensure!(stored.heads == heads && stored.conflicts && stored.incomplete.is_none(), "kept {stored:?}");
    let again = WriteOp::Collection { id, spec: spec.clone(), replicated: true };
    store.write([again]).await?;
    let plain = WriteOp::Collection { id, spec, replicated: false };
    ensure_err!(store.write([plain]).await, Error::InvalidRequest { .. });
    let gone = WriteOp::Fold { key: at.clone(), state: None };
    hooked(&store, batch([delete("x")]), folding(gone)).await?;
    ensure!(store.get(&at).await?.is_none(), "a fold to nothing left the document");
    Ok(())
}
