//! A node of several links: the best is used, the next when one dies, and a neighbour of one link is understood.
#![cfg(feature = "tokio")]

mod common;

use civicbase::{MemoryNetwork, Node, TransportKind, value};
use common::{both_settled, within};

#[tokio::test]
async fn a_link_that_dies_in_the_middle_is_not_noticed_by_the_documents() {
    let (cable, radio) = (MemoryNetwork::new(), MemoryNetwork::new());
    let hall = Node::ephemeral().link(cable.link()).link(radio.link()).start().await.unwrap();
    let shop = Node::ephemeral().link(cable.link()).link(radio.link()).start().await.unwrap();
    let stall = Node::ephemeral().link(radio.link()).start().await.unwrap();
    let ticket = hall.create_community("Harbour").await.unwrap();
    within(shop.join(&ticket)).await.unwrap();
    within(stall.join(&ticket)).await.unwrap();
    let here = hall.collection("pumps").await.unwrap();
    here.set("pump-0", value!({"status": "dry"})).await.unwrap();
    both_settled(&hall, &shop).await.unwrap();
    both_settled(&hall, &stall).await.unwrap();
    assert_eq!(hall.links().len(), 2);
    assert_eq!(hall.links()[0].kind, TransportKind::Memory);

    // Much is under way when the first link goes silent, takes with it what it holds, and is then lost.
    for n in 1..200 {
        here.set(&format!("pump-{n}"), value!({"status": "wet", "note": "x".repeat(2000)})).await.unwrap();
        if n == 100 {
            cable.cut(&hall.peer_id(), &shop.peer_id());
        }
    }
    cable.notice(&hall.peer_id(), &shop.peer_id());
    both_settled(&hall, &shop).await.unwrap();
    let there = shop.collection("pumps").await.unwrap();
    assert_eq!(there.get("pump-199").await.unwrap().unwrap().value["status"], value!("wet"));
    assert_eq!(hall.root().await.unwrap(), shop.root().await.unwrap());
    assert!(hall.peers().iter().any(|peer| peer.peer == shop.peer_id()), "still one connection");

    // The other goes too: now they are apart, and the stall, which only has a radio, still is not.
    radio.sever(&hall.peer_id(), &shop.peer_id());
    here.set("pump-0", value!({"status": "gone"})).await.unwrap();
    both_settled(&hall, &stall).await.unwrap();
    assert!(!hall.peers().iter().any(|peer| peer.peer == shop.peer_id()));
    cable.heal(&hall.peer_id(), &shop.peer_id());
    both_settled(&hall, &shop).await.unwrap();
    assert_eq!(hall.root().await.unwrap(), shop.root().await.unwrap());
}
