//! Drivers over memory links, on a real runtime: devices converge, strangers learn nothing, cheats are left.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use civic_crdt::clock::HlcGenerator;
use civic_crypto::DeviceKey;
use civic_crypto::community::{CommunityKey, Genesis};
use civic_crypto::rng::SystemRng;
use civic_store::{Memory, Origin, StorageAdapter, WriteBatch, WriteOp};
use civic_sync::driver::MESSAGE_TYPE;
use civic_sync::session::Frame;
use civic_sync::{Driver, Error, Identity, Replicated, SyncConfig, SyncEvent, SyncHandle};
use civic_transport::links::memory::MemoryNetwork;
use civic_transport::sim::LinkModel;
use civic_transport::{Envelope, Link, LinkIdentity, LocalEnvelope, Priority, TransportAdapter};
use civic_types::cell::MemoryCell;
use civic_types::id::Writers;
use civic_types::time::{Timestamp, TokioTimer};
use civic_types::{AgentId, CollectionId, CollectionSpec, DocumentId, DocumentKey, PeerId, value};
use futures_util::StreamExt;

struct Device {
    replicated: Arc<Replicated>,
    handle: SyncHandle,
    link: Arc<dyn TransportAdapter>,
    peer: PeerId,
}

async fn device(network: &MemoryNetwork) -> Device {
    let key = Arc::new(DeviceKey::generate(&mut SystemRng::new()));
    let (timer, cell) = (Arc::new(TokioTimer), Arc::new(MemoryCell::new()));
    let clock = HlcGenerator::new(key.peer_id(), timer.clone(), cell, Timestamp::default()).unwrap();
    let identity = Identity { key: key.clone(), clock: Arc::new(clock) };
    let store: Arc<dyn StorageAdapter> = Arc::new(Memory::new());
    let replicated = Replicated::open(store, identity, &mut SystemRng::new()).await.unwrap();
    let identity = LinkIdentity::new(key.clone(), "test", timer.clone());
    let link = Box::new(network.link()).bind(&identity).unwrap();
    let (handle, driver) = Driver::new(replicated.clone(), link.clone(), timer, SyncConfig::default());
    tokio::spawn(driver.run());
    link.start().await.unwrap();
    Device { replicated, handle, link, peer: key.peer_id() }
}

fn genesis() -> Genesis {
    Genesis {
        name: "Hamnen".into(),
        admins: vec![AgentId::from_bytes([1; 32])],
        created_s: 1,
        nonce: [2; 16],
    }
}

async fn member(network: &MemoryNetwork) -> Device {
    let device = device(network).await;
    device.replicated.join(&genesis(), CommunityKey::from_bytes([5; 32])).unwrap();
    device.handle.announce().await.unwrap();
    device
}

fn key(collection: CollectionId, name: &str) -> DocumentKey {
    DocumentKey::new(collection, DocumentId::new(name).unwrap())
}

async fn set(device: &Device, key: &DocumentKey, value: civic_types::Value) {
    let batch = WriteBatch::new().with(WriteOp::Put { key: key.clone(), value, base: None });
    device.replicated.commit(batch, Origin::Local).await.unwrap();
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let watchdog = tokio::time::timeout(Duration::from_secs(30), future);
    watchdog.await.unwrap_or_else(|_| panic!("{what}: not within 30 s"))
}

#[tokio::test]
async fn two_devices_converge_and_definitions_travel() {
    let network = MemoryNetwork::new();
    let (a, b) = (member(&network).await, member(&network).await);
    let pumps = a.replicated.define(&CollectionSpec::new(genesis().id(), "pumps").unwrap()).await.unwrap();
    set(&a, &key(pumps, "pump-1"), value!({"status": "dry"})).await;
    within("settled", b.handle.settled(&a.peer)).await.unwrap();
    assert_eq!(
        b.replicated.get(&key(pumps, "pump-1")).await.unwrap().unwrap().value,
        value!({"status": "dry"})
    );
    assert_eq!(a.replicated.root(&pumps).await.unwrap(), b.replicated.root(&pumps).await.unwrap());
    let peers = a.handle.peers();
    assert_eq!((peers.len(), peers[0].peer, peers[0].totals.versions_sent), (1, b.peer, 1));
    let other = CollectionSpec::new(genesis().id(), "pumps")
        .unwrap()
        .with_delete(civic_types::id::DeletePolicy::AddWins);
    assert!(matches!(b.replicated.define(&other).await, Err(Error::CollectionMismatch { .. })));
}

#[tokio::test]
async fn a_lossy_link_converges_too_and_news_pass_through_the_middle() {
    let model = LinkModel::perfect().with_loss_permille(200).with_duplicate_permille(100);
    let model = model.with_delay(Duration::from_millis(1), Duration::from_millis(20));
    let network = MemoryNetwork::with_model(7, model, Arc::new(TokioTimer));
    let devices = [member(&network).await, member(&network).await, member(&network).await];
    let [a, b, c] = &devices;
    network.cut(&a.peer, &c.peer);
    let pumps = a.replicated.define(&CollectionSpec::new(genesis().id(), "pumps").unwrap()).await.unwrap();
    for number in 0..50 {
        set(a, &key(pumps, &format!("pump-{number}")), value!({"n": number})).await;
    }
    let mut events = c.handle.events();
    within("c has all", async {
        while c.replicated.get(&key(pumps, "pump-49")).await.unwrap().is_none() {
            events.next().await.unwrap();
        }
    })
    .await;
    within("settled", b.handle.settled(&a.peer)).await.unwrap();
    within("settled", c.handle.settled(&b.peer)).await.unwrap();
    assert_eq!(a.replicated.root(&pumps).await.unwrap(), c.replicated.root(&pumps).await.unwrap());
}

#[tokio::test]
async fn strangers_get_no_collection_and_other_keys_prove_nothing() {
    let network = MemoryNetwork::new();
    let (a, stranger, impostor) = (member(&network).await, device(&network).await, device(&network).await);
    impostor.replicated.join(&genesis(), CommunityKey::from_bytes([6; 32])).unwrap();
    impostor.handle.announce().await.unwrap();
    let pumps = a.replicated.define(&CollectionSpec::new(genesis().id(), "pumps").unwrap()).await.unwrap();
    set(&a, &key(pumps, "pump-1"), value!({"status": "dry"})).await;
    let member = member(&network).await;
    within("settled", member.handle.settled(&a.peer)).await.unwrap();
    for outsider in [&stranger, &impostor] {
        assert_eq!(outsider.replicated.collections(), []);
        let with = a.handle.peers().into_iter().find(|peer| peer.peer == outsider.peer).unwrap();
        // A proof each way and nothing else.
        assert!(with.totals.bytes_sent <= 2 * 64 && with.totals.versions_sent == 0, "{with:?}");
    }
    let asked = tokio::time::timeout(Duration::from_millis(50), stranger.handle.settled(&a.peer)).await;
    assert!(asked.is_err(), "nothing is shared, so nothing can settle");
}

#[tokio::test]
async fn garbage_and_forged_data_cost_the_sender_its_connection() {
    let frames: [(&str, Bytes); 2] = [
        ("garbage", Bytes::from_static(b"\xff\xffgarbage")),
        ("proofs of a protocol to come", Bytes::from_static(&[0x83, 0, 2, 0x80])),
    ];
    for (what, payload) in frames {
        let network = MemoryNetwork::new();
        let (a, b) = (member(&network).await, member(&network).await);
        within("settled", a.handle.settled(&b.peer)).await.unwrap();
        let mut events = a.handle.events();
        // Of a later start than any, so that it is taken; the first datagram to whoever is there.
        let header =
            [&u64::MAX.to_be_bytes()[..], &0_u64.to_be_bytes(), &1_u32.to_be_bytes(), &1_u32.to_be_bytes()];
        let payload = Bytes::from([&header.concat()[..], &payload].concat());
        let envelope = LocalEnvelope { message_type: MESSAGE_TYPE, priority: Priority::Normal, payload };
        b.link.send(&a.peer, Envelope::Local(envelope)).await.unwrap();
        let told = within(what, async {
            loop {
                if let SyncEvent::Misbehaved { peer, .. } = events.next().await.unwrap() {
                    break peer;
                }
            }
        });
        assert_eq!(told.await, b.peer, "{what}");
    }
    // The frame type itself reads back what it writes.
    let frame = Frame::Nudge { token: 3 };
    assert_eq!(Frame::decode(&frame.encode()).unwrap(), frame);
}

#[tokio::test]
async fn unsupported_collections_are_refused_here() {
    let network = MemoryNetwork::new();
    let a = member(&network).await;
    let mut spec = CollectionSpec::new(genesis().id(), "private").unwrap();
    spec.writers = Writers::Granted;
    assert!(matches!(a.replicated.define(&spec).await, Err(Error::Unsupported { .. })));
    let elsewhere = CollectionSpec::new(civic_types::CommunityId::from_bytes([9; 32]), "pumps").unwrap();
    assert!(matches!(a.replicated.define(&elsewhere).await, Err(Error::UnknownCommunity { .. })));
}

#[tokio::test]
async fn a_block_too_long_for_a_pack_arrives_in_slices() {
    let network = MemoryNetwork::new();
    let (a, b) = (member(&network).await, member(&network).await);
    let photos = a.replicated.define(&CollectionSpec::new(genesis().id(), "photos").unwrap()).await.unwrap();
    let photo = civic_types::Value::Bytes((0..400_000_u32).map(|i| i.to_le_bytes()[0]).collect());
    set(&a, &key(photos, "one"), value!({"jpeg": photo.clone()})).await;
    within("settled", b.handle.settled(&a.peer)).await.unwrap();
    let mut changes = b.replicated.changes(civic_store::ChangeFrom::After(0));
    within("the block", async {
        loop {
            let stored = b.replicated.get(&key(photos, "one")).await.unwrap();
            if stored.is_some_and(|stored| stored.incomplete.is_none() && stored.value["jpeg"] == photo) {
                break;
            }
            changes.next().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn the_driver_ends_with_its_handles_and_says_so() {
    let network = MemoryNetwork::new();
    let a = member(&network).await;
    a.handle.stop().await;
    let mut events = a.handle.events();
    let _waiting = tokio::time::timeout(Duration::from_millis(20), events.next()).await;
    let settled = within("closed", a.handle.settled(&PeerId::from_bytes([0; 32]))).await;
    assert!(matches!(settled, Err(Error::Closed)));
}
