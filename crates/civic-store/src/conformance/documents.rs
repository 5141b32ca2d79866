use civic_types::limits::MAX_DOCUMENT_BYTES;
use civic_types::{FieldOp, FieldPath, value};

use super::Breach;
use super::kit::{Kit, collection, delete, ensure, ensure_err, in_collection, key, put};
use crate::batch::{MAX_BATCH_OPS, WriteOp};
use crate::error::Error;
use crate::query::{Cursor, MAX_PAGE, Query, Scan};

pub(super) async fn round_trip(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    ensure!(store.get(&key("a")).await?.is_none(), "an empty store has a document");
    let first = store.write([put("a", value!({"n": 1})), put("b", value!([1, null, "ö"]))]).await?;
    let stored = store.get(&key("a")).await?;
    ensure!(stored.as_ref().is_some_and(|s| s.value == value!({"n": 1})), "read {stored:?}");
    ensure!(stored.is_some_and(|s| s.key == key("a") && s.rev == first.seq), "key or rev is another's");
    ensure!(store.value("b").await? == Some(value!([1, null, "ö"])), "b was not read back");

    let elsewhere = in_collection(civic_types::CollectionId::from_bytes([1; 32]), "a");
    ensure!(store.get(&elsewhere).await?.is_none(), "collections are not kept apart");
    let second = store.write([put("a", value!("new"))]).await?;
    let stored = store.get(&key("a")).await?;
    ensure!(stored.is_some_and(|s| s.value == value!("new") && s.rev == second.seq), "not overwritten");
    store.write([delete("a"), delete("never")]).await?;
    ensure!(store.get(&key("a")).await?.is_none(), "a deleted document is there");
    ensure!(store.value("b").await?.is_some(), "another document went with it");
    Ok(())
}

pub(super) async fn patches(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let path = |segments: &[&str]| FieldPath::try_from(segments).map_err(|e| Breach::Contract(e.to_string()));
    let ops = vec![
        FieldOp::Set { path: path(&["at", "street"])?, value: value!("Kai") },
        FieldOp::Increment { path: path(&["needs"])?, by: 2 },
        FieldOp::Add { path: path(&["crew"])?, value: value!("b") },
        FieldOp::Append { path: path(&["crew"])?, value: value!("a") },
    ];
    store.write([WriteOp::Patch { key: key("p"), ops }]).await?;
    let made = value!({"at": {"street": "Kai"}, "needs": 2, "crew": ["a", "b"]});
    ensure!(store.value("p").await?.as_ref() == Some(&made), "made {:?}", store.value("p").await?);
    let ops = vec![
        FieldOp::Increment { path: path(&["needs"])?, by: -3 },
        FieldOp::Remove { path: path(&["crew"])?, value: value!("a") },
        FieldOp::Unset { path: path(&["at"])? },
        FieldOp::Clear { path: path(&["log"])? },
    ];
    store.write([WriteOp::Patch { key: key("p"), ops }]).await?;
    let changed = value!({"needs": (-1), "crew": ["b"], "log": {}});
    ensure!(store.value("p").await?.as_ref() == Some(&changed), "changed to {:?}", store.value("p").await?);
    let misuse =
        WriteOp::Patch { key: key("p"), ops: vec![FieldOp::Increment { path: path(&["crew"])?, by: 1 }] };
    ensure_err!(store.write([put("q", 1), misuse]).await, Error::InvalidRequest { .. });
    ensure!(store.value("q").await?.is_none(), "a refused patch left part of its batch");
    Ok(())
}

pub(super) async fn splices(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let path = |name: &str| FieldPath::try_from(name).map_err(|e| Breach::Contract(e.to_string()));
    let (steps, minutes) = (path("steps")?, path("minutes")?);
    let list = |index, remove, insert| FieldOp::Splice { path: steps.clone(), index, remove, insert };
    let text = |index, remove, insert: &str| {
        let insert = insert.to_owned();
        FieldOp::SpliceText { path: minutes.clone(), index, remove, insert }
    };
    let patch = |ops| WriteOp::Patch { key: key("p"), ops };
    let made =
        [list(0, 0, vec![value!(1), value!({"n": 2})]), text(0, 0, "Öl holen"), text(1, 1, "l für uns")];
    store.write([patch(made.to_vec())]).await?;
    let expected = value!({"steps": [1, {"n": 2}], "minutes": "Öl für uns holen"});
    ensure!(store.value("p").await?.as_ref() == Some(&expected), "made {:?}", store.value("p").await?);
    store.write([patch(vec![list(0, 1, Vec::new()), text(0, 17, "")])]).await?;
    let expected = value!({"steps": [{"n": 2}], "minutes": ""});
    ensure!(store.value("p").await?.as_ref() == Some(&expected), "left {:?}", store.value("p").await?);
    for misuse in [list(2, 0, Vec::new()), list(0, 2, Vec::new()), text(1, 0, "x"), text(0, usize::MAX, "")] {
        ensure_err!(store.write([put("q", 1), patch(vec![misuse])]).await, Error::InvalidRequest { .. });
    }
    ensure!(store.value("p").await?.as_ref() == Some(&expected), "a refused splice changed something");
    ensure!(store.value("q").await?.is_none(), "a refused splice left part of its batch");
    Ok(())
}

pub(super) async fn scan_pages(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let mut ids: Vec<String> = (0..95).map(|n| format!("d{}", n * 7 % 95)).collect();
    ids.extend(["Ø".to_owned(), "d".to_owned(), "d1 ".to_owned()]);
    store.write(ids.iter().map(|id| put(id, value!({"id": (id.as_str())})))).await?;
    let elsewhere = in_collection(civic_types::CollectionId::from_bytes([0xc1; 32]), "x");
    store.write([WriteOp::Put { key: elsewhere, value: value!(1), base: None }, delete("d3")]).await?;
    ids.retain(|id| id != "d3");
    ids.sort();
    for limit in [1, 7, 97, 98, MAX_PAGE] {
        let (mut scan, mut seen) = (Scan { limit, ..Scan::new(collection()) }, Vec::new());
        loop {
            let page = store.scan(&scan).await?;
            ensure!(page.items.len() <= limit, "a page of {} for {limit}", page.items.len());
            seen.extend(page.items.iter().map(|stored| stored.key.document.as_str().to_owned()));
            scan.after = page.next;
            if scan.after.is_none() {
                break;
            }
        }
        ensure!(seen == ids, "pages of {limit} gave {seen:?}");
    }
    let foreign = Scan { after: Some(Cursor::from_bytes(&b"nonsense"[..])), ..Scan::new(collection()) };
    ensure_err!(store.scan(&foreign).await, Error::InvalidCursor);
    Ok(())
}

pub(super) async fn limits(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let large = put("large", "x".repeat(MAX_DOCUMENT_BYTES + 1));
    ensure_err!(store.write([put("small", 1), large]).await, Error::Limit { .. });
    ensure!(store.value("small").await?.is_none(), "a refused batch was applied in part");
    let most = store.capabilities().max_batch_ops;
    ensure!(most <= MAX_BATCH_OPS, "takes {most} operations");
    ensure_err!(store.write((0..=most).map(|_| delete("x"))).await, Error::Limit { .. });
    ensure_err!(
        store.scan(&Scan { limit: MAX_PAGE + 1, ..Scan::new(collection()) }).await,
        Error::Limit { .. }
    );
    ensure_err!(store.query(&Query::new(collection(), MAX_PAGE + 1)).await, Error::Limit { .. });
    ensure_err!(store.query(&Query::new(collection(), 0)).await, Error::InvalidRequest { .. });
    let deep = (0..100).fold(value!(1), |below, _| value!([below]));
    ensure_err!(store.write([put("deep", deep)]).await, Error::InvalidRequest { .. });
    let commit = store.write([put("small", 1)]).await?;
    ensure!(commit.seq == 1, "refused batches were counted: {}", commit.seq);
    Ok(())
}
