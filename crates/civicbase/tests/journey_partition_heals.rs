//! A cut divides the neighbourhood; both sides write on; after the heal all hold the same.
#![cfg(feature = "tokio")]

mod common;

use civic_store::Scan;
use civicbase::{Error, MemoryNetwork, Node, Status, value};
use common::{both_settled, within};

#[tokio::test]
async fn both_sides_of_a_cut_write_on_and_agree_after_it() {
    let net = MemoryNetwork::new();
    let (hall, shop) = common::pair(&net).await.unwrap();
    let (here, there) = (hall.collection("pumps").await.unwrap(), shop.collection("pumps").await.unwrap());
    here.set("pump-3", value!({"status": "dry", "place": "quay"})).await.unwrap();
    here.patch("pump-3").increment("needs", 2).add("crew", "Ada").commit().await.unwrap();
    both_settled(&hall, &shop).await.unwrap();
    assert_eq!(hall.status(), Status::Local);

    net.sever(&hall.peer_id(), &shop.peer_id());
    here.patch("pump-3").increment("needs", 1).add("crew", "Bo").set("status", "wet").commit().await.unwrap();
    there.patch("pump-3").increment("needs", 4).remove("crew", "Ada").commit().await.unwrap();
    // Neither side reads here what the other has just written, and each keeps what it did not touch.
    there.update("pump-3", |read| replaced(read, "place", "mole")).await.unwrap();
    here.set("only-here", value!({"n": 1})).await.unwrap();
    there.set("only-there", value!({"n": 2})).await.unwrap();
    assert_eq!((hall.status(), shop.status()), (Status::Isolated, Status::Isolated));
    assert!(there.get("only-here").await.unwrap().is_none());
    assert_ne!(here.root().await.unwrap(), there.root().await.unwrap());

    net.heal(&hall.peer_id(), &shop.peer_id());
    both_settled(&hall, &shop).await.unwrap();
    let expected = value!({"status": "wet", "place": "mole", "needs": 7, "crew": ["Bo"]});
    for side in [&here, &there] {
        assert_eq!(side.get("pump-3").await.unwrap().unwrap().value, expected);
        assert!(side.get("only-here").await.unwrap().is_some());
        assert!(side.get("only-there").await.unwrap().is_some());
    }
    assert_eq!(here.root().await.unwrap(), there.root().await.unwrap());
    assert_eq!(hall.root().await.unwrap(), shop.root().await.unwrap());
}

#[tokio::test]
async fn a_silent_cut_delivers_after_the_heal_what_was_sent_into_it() {
    let net = MemoryNetwork::new();
    let (hall, shop) = common::pair(&net).await.unwrap();
    let (here, there) = (hall.collection("pumps").await.unwrap(), shop.collection("pumps").await.unwrap());
    here.set("pump-3", value!({"status": "dry"})).await.unwrap();
    both_settled(&hall, &shop).await.unwrap();
    net.cut(&hall.peer_id(), &shop.peer_id());
    here.set("pump-3", value!({"status": "wet"})).await.unwrap();
    there.set("pump-4", value!({"status": "new"})).await.unwrap();
    net.heal(&hall.peer_id(), &shop.peer_id());
    both_settled(&hall, &shop).await.unwrap();
    assert_eq!(there.get("pump-3").await.unwrap().unwrap().value["status"], value!("wet"));
    assert!(here.get("pump-4").await.unwrap().is_some());
}

#[tokio::test]
async fn who_lacks_the_ticket_gets_nothing() {
    let net = MemoryNetwork::new();
    let (hall, shop) = common::pair(&net).await.unwrap();
    let harbour = hall.communities()[0].0;
    let here = hall.collection("pumps").await.unwrap();
    here.set("pump-3", value!({"status": "dry"})).await.unwrap();
    both_settled(&hall, &shop).await.unwrap();

    // They share another community, so that there is an end to wait for.
    let stranger = Node::ephemeral().link(net.link()).start().await.unwrap();
    let hill = hall.create_community("Hill").await.unwrap();
    within(stranger.join(&hill)).await.unwrap();
    let wells = hall.collection_in(&hill.community(), "wells").await.unwrap();
    wells.set("well-1", value!({"status": "full"})).await.unwrap();
    both_settled(&hall, &stranger).await.unwrap();
    let theirs = stranger.collection("wells").await.unwrap();
    assert!(theirs.get("well-1").await.unwrap().is_some());
    assert_eq!(stranger.store().scan(&Scan::new(here.id())).await.unwrap().items, []);
    assert!(matches!(stranger.collection_in(&harbour, "pumps").await, Err(Error::NotMember { .. })));
}

fn replaced(read: Option<civicbase::Value>, field: &str, value: &str) -> civicbase::Value {
    let Some(civicbase::Value::Map(mut map)) = read else { panic!("no document was read") };
    map.insert(field, value);
    map.into()
}
