use std::ops::Range;

use bytes::Bytes;
use civic_types::{Cid, HashAlgorithm, Value};

use super::Breach;
use super::kit::{Dice, Kit, delete, ensure, ensure_err, put};
use crate::adapter::Maintain;
use crate::batch::{Pin, WriteOp};
use crate::error::Error;

pub(super) async fn contents(kit: &Kit<'_>) -> Result<(), Breach> {
    let (store, mut dice) = (kit.fresh().await?, Dice(2));
    let sizes = [0, 1, 65_535, 65_536, 65_537, 131_072, 300_001];
    for (size, hash) in
        sizes.into_iter().zip([HashAlgorithm::Sha2_256, HashAlgorithm::Blake3].into_iter().cycle())
    {
        let bytes: Bytes = (0..size).map(|n: usize| n.to_le_bytes()[n % 3]).collect::<Vec<u8>>().into();
        let id = Cid::raw(hash, &bytes);
        ensure!(store.blob(&id, 0..10).await?.is_none(), "a blob that nobody stored");
        store.write([blob(&id, &bytes)]).await?;
        store.write([blob(&id, &bytes)]).await?;
        ensure!(
            store.blob(&id, 0..u64::MAX).await?.as_ref() == Some(&bytes),
            "{size} bytes came back otherwise"
        );
        for _ in 0..20 {
            let (a, b) = (dice.roll(size + 2), dice.roll(size + 70_000));
            let (start, end) = (a.min(b), a.max(b));
            let expected = bytes.slice(start.min(size)..end.min(size));
            let range = u64::try_from(start).unwrap_or_default()..u64::try_from(end).unwrap_or_default();
            let part = store.blob(&id, range).await?;
            ensure!(part.as_ref() == Some(&expected), "part {start}..{end} of {size}");
        }
        ensure!(
            store.blob(&id, Range { start: 5, end: 2 }).await?.is_some_and(|part| part.is_empty()),
            "a range that ends early"
        );
        ensure_err!(
            store.write([put("a", 1), blob(&id, &Bytes::from_static(b"?"))]).await,
            Error::InvalidRequest { .. }
        );
    }
    ensure!(store.value("a").await?.is_none(), "a blob that lies was refused in part");
    Ok(())
}

pub(super) async fn collection(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let bytes = |name: &'static [u8]| Bytes::from(name.repeat(20_000));
    let names: [&[u8]; 4] = [b"pinned", b"linked", b"twice", b"loose"];
    let ids = names.map(|name| Cid::raw(HashAlgorithm::Sha2_256, &bytes(name)));
    store.write(names.iter().zip(&ids).map(|(name, id)| blob(id, &bytes(name)))).await?;
    let pin = |id: &Cid, pin| WriteOp::Pin { target: id.clone(), pin };
    let unpin = |id: &Cid, pin| WriteOp::Unpin { target: id.clone(), pin };
    let [pinned, linked, twice, loose] = &ids;
    let naming = put("names", Value::List(vec![Value::Link(linked.clone())]));
    store.write([pin(pinned, Pin::User), pin(twice, Pin::App), pin(twice, Pin::Lease), naming]).await?;
    store.write([unpin(twice, Pin::App), unpin(loose, Pin::App)]).await?;
    let there = async || {
        let mut there = Vec::new();
        for id in &ids {
            there.push(store.blob(id, 0..1).await?.is_some());
        }
        Ok::<_, Breach>(there)
    };
    let report = store.maintain(Maintain::Collect).await?;
    ensure!(there().await? == [true, true, true, false], "after the first: {:?}", there().await?);
    ensure!(report.removed == 1, "removed {}", report.removed);
    store.write([unpin(twice, Pin::Lease), delete("names")]).await?;
    store.maintain(Maintain::Collect).await?;
    ensure!(there().await? == [true, false, false, false], "after the second: {:?}", there().await?);
    ensure!(store.blob(pinned, 0..u64::MAX).await? == Some(bytes(b"pinned")), "a kept blob lost bytes");
    store.maintain(Maintain::Verify).await?;
    Ok(())
}

fn blob(id: &Cid, bytes: &Bytes) -> WriteOp {
    WriteOp::Blob { id: id.clone(), bytes: bytes.clone() }
}
