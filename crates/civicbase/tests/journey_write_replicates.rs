//! A write on one device shows on another: documents, patches, batches, queries, streams and definitions.
#![cfg(feature = "tokio")]

mod common;

use civic_types::CollectionSpec;
use civic_types::id::DeletePolicy;
use civicbase::data::Batch;
use civicbase::{Error, Kind, MemoryNetwork, value};
use common::{both_settled, pair, within};
use futures_util::StreamExt;

#[tokio::test]
async fn every_sort_of_write_reaches_the_other_device() {
    let (hall, shop) = pair(&MemoryNetwork::new()).await.unwrap();
    let (here, there) = (hall.collection("pumps").await.unwrap(), shop.collection("pumps").await.unwrap());

    here.set("pump-3", value!({"status": "dry", "note": "rusty"})).await.unwrap();
    let patch = here.patch("pump-3").increment("needs", 2).add("crew", "Ada").append("log", "seen");
    patch.set(["contact", "phone"], "112").unset("note").commit().await.unwrap();
    both_settled(&hall, &shop).await.unwrap();
    let shown = there.get("pump-3").await.unwrap().unwrap();
    let expected = value!({
        "status": "dry", "needs": 2, "crew": ["Ada"], "log": ["seen"], "contact": {"phone": "112"},
    });
    assert_eq!(shown.value, expected);

    there.update("pump-3", |read| with(read, "status", "wet")).await.unwrap();
    there.patch("pump-3").remove("crew", "Ada").commit().await.unwrap();
    there.overwrite("pump-4", value!({"status": "new"})).await.unwrap();
    both_settled(&hall, &shop).await.unwrap();
    assert_eq!(here.get("pump-3").await.unwrap().unwrap().value["status"], value!("wet"));
    assert!(here.get("pump-4").await.unwrap().is_some());

    here.delete("pump-4").await.unwrap();
    both_settled(&hall, &shop).await.unwrap();
    assert!(there.get("pump-4").await.unwrap().is_none());
    there.set("pump-4", value!({"back": true})).await.unwrap();
    both_settled(&hall, &shop).await.unwrap();
    assert_eq!(
        here.get("pump-4").await.unwrap().unwrap().value,
        value!({"back": true}),
        "nothing old comes back"
    );
    assert_eq!(here.root().await.unwrap(), there.root().await.unwrap());
    assert_eq!(hall.root().await.unwrap(), shop.root().await.unwrap());
}

#[tokio::test]
async fn a_batch_is_one_commit_and_queries_find_it() {
    let (hall, shop) = pair(&MemoryNetwork::new()).await.unwrap();
    let (here, there) = (hall.collection("pumps").await.unwrap(), shop.collection("pumps").await.unwrap());
    let mut changes = here.changes();
    let mut batch = here.batch();
    for n in 0..10 {
        batch = batch
            .set(format!("pump-{n}"), value!({"n": n, "status": if n % 2 == 0 { "dry" } else { "wet" }}));
    }
    let batch: Batch = batch.patch("pump-0", |patch| patch.increment("needs", 1));
    assert_eq!(batch.len(), 11);
    let commit = batch.commit().await.unwrap();
    match within(changes.next()).await.unwrap() {
        civic_store::ChangeEvent::Commit(change) => {
            assert_eq!((change.seq, change.documents.len()), (commit.seq, 10));
        }
        other => panic!("{other:?}"),
    }
    both_settled(&hall, &shop).await.unwrap();
    let dry = there.query().equals("status", "dry").limit(3).fetch().await.unwrap();
    assert_eq!(dry.items.len(), 3);
    let rest = there.query().equals("status", "dry").limit(3).after(dry.next.unwrap()).fetch().await.unwrap();
    assert_eq!(rest.items.len(), 2);
    assert_eq!(there.scan(None).await.unwrap().items.len(), 10);
}

#[tokio::test]
async fn a_subscription_shows_what_comes_from_afar() {
    let (hall, shop) = pair(&MemoryNetwork::new()).await.unwrap();
    let (here, there) = (hall.collection("pumps").await.unwrap(), shop.collection("pumps").await.unwrap());
    let mut seen = there.subscribe("pump-3").unwrap();
    assert!(within(seen.next()).await.unwrap().unwrap().is_none());
    here.set("pump-3", value!({"status": "dry"})).await.unwrap();
    let shown = within(seen.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(shown.value["status"], value!("dry"));
}

#[tokio::test]
async fn definitions_travel_and_do_not_change() {
    let (hall, shop) = pair(&MemoryNetwork::new()).await.unwrap();
    let (community, _) = hall.communities().remove(0);
    hall.collection("pumps").await.unwrap();
    both_settled(&hall, &shop).await.unwrap();
    let other = CollectionSpec::new(community, "pumps").unwrap().with_delete(DeletePolicy::AddWins);
    let refused = shop.collection_with(other).await.unwrap_err();
    assert!(matches!(&refused, Error::CollectionMismatch { name } if name == "pumps"), "{refused}");
}

#[tokio::test]
async fn a_change_of_the_wrong_kind_is_refused_and_changes_nothing() {
    let (hall, _shop) = pair(&MemoryNetwork::new()).await.unwrap();
    let here = hall.collection("pumps").await.unwrap();
    here.set("pump-3", value!({"needs": 2})).await.unwrap();
    let before = here.root().await.unwrap();
    let refused = here.patch("pump-3").increment("needs", 1).commit().await.unwrap_err();
    match &refused {
        Error::KindMismatch { path, found: Kind::Register, wanted: Kind::Counter } => {
            assert_eq!(path.to_string(), "/needs");
        }
        other => panic!("{other:?}"),
    }
    assert!(refused.to_string().contains("schema"), "{refused}");
    assert_eq!(here.root().await.unwrap(), before);
}

fn with(read: Option<civicbase::Value>, field: &str, value: &str) -> civicbase::Value {
    let mut map = match read {
        Some(civicbase::Value::Map(map)) => map,
        _ => civic_types::Map::new(),
    };
    map.insert(field, value);
    map.into()
}
