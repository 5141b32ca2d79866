//! What a node refuses, and how it says it.
#![cfg(feature = "tokio")]

use civic_crypto::DeviceKey;
use civic_crypto::community::CommunityKey;
use civic_crypto::rng::SystemRng;
use civicbase::{Error, Node, value};

#[tokio::test]
async fn a_node_of_too_few_parts_is_refused() {
    let none = Node::builder().build().await.unwrap_err();
    assert_eq!(none.to_string(), "a node needs a store");
    let anonymous =
        Node::builder().store(std::sync::Arc::new(civic_store::Memory::new())).build().await.unwrap_err();
    assert_eq!(anonymous.to_string(), "a node needs an identity");
}

#[tokio::test]
async fn a_collection_needs_one_community_or_its_name() {
    let node = alone().await.unwrap();
    assert!(matches!(node.collection("pumps").await, Err(Error::NoCommunity)));
    let first = node.create_community("Harbour").await.unwrap();
    node.collection("pumps").await.unwrap();
    node.create_community("Hill").await.unwrap();
    assert!(matches!(node.collection("pumps").await, Err(Error::AmbiguousCommunity { count: 2 })));
    node.collection_in(&first.community(), "pumps").await.unwrap();
    assert!(matches!(node.create_community("").await, Err(Error::Crypto(_))));
    assert!(matches!(node.collection_in(&first.community(), "").await, Err(Error::CollectionName(_))));
}

#[tokio::test]
async fn a_forged_ticket_does_not_replace_the_key() {
    let node = alone().await.unwrap();
    let mut ticket = node.create_community("Harbour").await.unwrap();
    node.join(&ticket).await.unwrap();
    ticket.key = CommunityKey::generate(&mut SystemRng::new());
    assert!(matches!(node.join(&ticket).await, Err(Error::TicketMismatch { .. })));
}

#[tokio::test]
async fn a_node_without_a_link_works_alone_and_says_so() {
    let node = alone().await.unwrap();
    node.create_community("Harbour").await.unwrap();
    let pumps = node.collection("pumps").await.unwrap();
    pumps.set("pump-3", value!({"status": "dry"})).await.unwrap();
    assert!(matches!(node.settled(&node.peer_id()).await, Err(Error::NoLink)));
    assert_eq!((node.status(), node.peers().len()), (civicbase::Status::Isolated, 0));
    assert!(node.ticket_address().is_none());
    node.close().await.unwrap();
    assert!(matches!(pumps.get("pump-3").await, Err(Error::Closed)));
}

#[tokio::test]
async fn arguments_that_cannot_be_are_told_at_the_commit() {
    let node = alone().await.unwrap();
    node.create_community("Harbour").await.unwrap();
    let pumps = node.collection("pumps").await.unwrap();
    assert!(matches!(pumps.get("").await, Err(Error::DocumentId(_))));
    assert!(matches!(pumps.patch("").increment("n", 1).commit().await, Err(Error::DocumentId(_))));
    assert!(matches!(pumps.patch("a").increment("", 1).commit().await, Err(Error::Path(_))));
    assert!(matches!(pumps.set("a", 7).await, Err(Error::Plan { .. })));
    let twice = pumps.batch().set("a", value!({"n": 1})).set("a", value!({"n": 2}));
    assert!(matches!(twice.commit().await, Err(Error::DocumentTwice { .. })));
    assert!(matches!(pumps.query().equals("", 1).fetch().await, Err(Error::Path(_))));
    assert!(pumps.scan(None).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_shape_that_does_not_fit_names_the_field_and_keeps_the_value() {
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "read for its shape alone")]
    struct Pump {
        status: String,
        crew: Vec<Person>,
    }
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "read for its shape alone")]
    struct Person {
        age: u8,
    }
    let node = alone().await.unwrap();
    let pumps = node.local_collection("pumps").unwrap();
    let good = value!({"status": "dry", "crew": [{"age": 7}]});
    pumps.set("good", good).await.unwrap();
    assert_eq!(pumps.get_as::<Pump>("good").await.unwrap().unwrap().crew.len(), 1);
    assert!(pumps.get_as::<Pump>("none").await.unwrap().is_none());
    let bad = value!({"status": "dry", "crew": [{"age": 7}, {"age": "old"}]});
    pumps.set("bad", bad.clone()).await.unwrap();
    match pumps.get_as::<Pump>("bad").await.unwrap_err() {
        Error::SchemaMismatch { path, value, .. } => {
            assert_eq!(path.to_string(), "/crew/1/age");
            assert_eq!(*value, bad);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_local_collection_has_no_root_and_no_lost_update() {
    let node = alone().await.unwrap();
    let settings = node.local_collection("settings").unwrap();
    assert!(matches!(settings.root().await, Err(Error::NotReplicated)));
    settings.update("view", |read| read.unwrap_or_else(|| value!({"n": 1}))).await.unwrap();
    assert_eq!(settings.get("view").await.unwrap().unwrap().value, value!({"n": 1}));
}

#[tokio::test]
async fn a_given_key_is_the_identity_and_made_up_ids_differ() {
    let key = DeviceKey::from_seed(&[7; 32]);
    let peer = key.peer_id();
    let node = Node::ephemeral().identity(key).start().await.unwrap();
    assert_eq!(node.peer_id(), peer);
    assert_ne!(node.generate_id(), node.generate_id());
    assert!(node.server_timestamp().unwrap() <= node.server_timestamp().unwrap());
}

async fn alone() -> Result<Node, Error> {
    Node::ephemeral().start().await
}
