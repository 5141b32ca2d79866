//! A node in a folder closes and opens again: same device, same communities, same data, same root. What can
//! go wrong in opening says what it is.
#![cfg(all(feature = "lan", feature = "sqlite"))]

mod common;

use std::net::TcpListener;
use std::path::Path;

use civic_crypto::keystore::KdfParams;
use civicbase::{Error, LanConfig, Node, NodeOptions, value};
use common::{both_settled, within};

const PASSPHRASE: &str = "nine green herons";

/// Weak on purpose, so that tests are quick.
const QUICK: KdfParams = KdfParams::Argon2id { memory_kib: 8 * 1024, passes: 1, lanes: 1 };

fn at(dir: &Path) -> NodeOptions {
    Node::at(dir, PASSPHRASE).kdf(QUICK).lan(LanConfig::loopback())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_node_is_the_same_device_with_the_same_data() {
    let dir = tempfile::tempdir().unwrap();
    let node = at(dir.path()).start().await.unwrap();
    let (peer, agent) = (node.peer_id(), node.agent_id());
    let ticket = node.create_community("Harbour").await.unwrap();
    let pumps = node.collection("pumps").await.unwrap();
    pumps.set("pump-3", value!({"status": "dry"})).await.unwrap();
    pumps.patch("pump-3").increment("needs", 2).commit().await.unwrap();
    node.local_collection("settings").unwrap().set("view", value!({"dark": true})).await.unwrap();
    let (root, all) = (pumps.root().await.unwrap(), node.root().await.unwrap());
    within(node.close()).await.unwrap();
    within(node.close()).await.unwrap();
    assert!(matches!(pumps.get("pump-3").await, Err(Error::Closed)));

    let node = at(dir.path()).start().await.unwrap();
    assert_eq!((node.peer_id(), node.agent_id()), (peer, agent));
    assert_eq!(node.communities(), [(ticket.community(), "Harbour".to_owned())]);
    let pumps = node.collection("pumps").await.unwrap();
    assert_eq!(pumps.get("pump-3").await.unwrap().unwrap().value, value!({"status": "dry", "needs": 2}));
    assert_eq!((pumps.root().await.unwrap(), node.root().await.unwrap()), (root, all));
    let settings = node.local_collection("settings").unwrap();
    assert_eq!(settings.get("view").await.unwrap().unwrap().value["dark"], value!(true));
    pumps.patch("pump-3").increment("needs", 1).commit().await.unwrap();
    assert_eq!(pumps.get("pump-3").await.unwrap().unwrap().value["needs"], value!(3));
    within(node.close()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_brings_two_folders_together_also_after_a_restart() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let hall = at(one.path()).start().await.unwrap();
    let listening = hall.listen_addr().unwrap();
    let ticket = hall.create_community("Harbour").await.unwrap();
    assert_eq!(ticket.addresses[0].address, listening.to_string());
    let shop = at(two.path()).start().await.unwrap();
    within(shop.join(&ticket)).await.unwrap();
    let (here, there) = (hall.collection("pumps").await.unwrap(), shop.collection("pumps").await.unwrap());
    here.set("pump-3", value!({"status": "dry"})).await.unwrap();
    both_settled(&hall, &shop).await.unwrap();
    assert!(there.get("pump-3").await.unwrap().is_some());
    within(shop.close()).await.unwrap();

    here.patch("pump-3").set("status", "wet").commit().await.unwrap();
    let shop = at(two.path()).start().await.unwrap();
    both_settled(&hall, &shop).await.unwrap();
    let there = shop.collection("pumps").await.unwrap();
    assert_eq!(there.get("pump-3").await.unwrap().unwrap().value["status"], value!("wet"));
    assert_eq!(here.root().await.unwrap(), there.root().await.unwrap());
    within(shop.close()).await.unwrap();
    within(hall.close()).await.unwrap();
}

#[tokio::test]
async fn a_wrong_passphrase_says_so_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    within(at(dir.path()).start().await.unwrap().close()).await.unwrap();
    let refused = Node::at(dir.path(), "another").lan(LanConfig::loopback()).start().await.unwrap_err();
    assert!(matches!(refused, Error::WrongPassphrase { .. }), "{refused:?}");
    let path = dir.path().join("keys");
    assert_eq!(
        refused.to_string(),
        format!("wrong passphrase, or the key file {} is damaged", path.display())
    );
    within(at(dir.path()).start().await.unwrap().close()).await.unwrap();
}

#[tokio::test]
async fn a_node_that_is_open_already_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let node = at(dir.path()).start().await.unwrap();
    let refused = at(dir.path()).start().await.unwrap_err();
    assert!(matches!(refused, Error::Store(civic_store::Error::Locked { .. })), "{refused:?}");
    let path = dir.path().display();
    assert_eq!(refused.to_string(), format!("the store at {path} is open in another process"));
    assert!(refused.is_transient());
    within(node.close()).await.unwrap();
    within(at(dir.path()).start().await.unwrap().close()).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_says_so_and_frees_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let squatter = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = squatter.local_addr().unwrap();
    let refused = at(dir.path()).listen(address).start().await.unwrap_err();
    assert!(matches!(refused, Error::Link(civic_transport::Error::AddressInUse { .. })), "{refused:?}");
    assert_eq!(refused.to_string(), format!("the address {address} is in use"));
    within(at(dir.path()).start().await.unwrap().close()).await.unwrap();
}

#[tokio::test]
async fn a_lost_key_file_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    within(at(dir.path()).start().await.unwrap().close()).await.unwrap();
    let keys = dir.path().join("keys");
    std::fs::rename(&keys, dir.path().join("away")).unwrap();
    let refused = at(dir.path()).start().await.unwrap_err();
    assert!(matches!(&refused, Error::KeysMissing { path } if *path == keys), "{refused:?}");
    std::fs::rename(dir.path().join("away"), &keys).unwrap();
    within(at(dir.path()).start().await.unwrap().close()).await.unwrap();
}
