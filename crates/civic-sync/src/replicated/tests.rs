//! What import refuses, what it parks, and what it keeps.

use std::sync::Arc;

use civic_crdt::version::Version;
use civic_crdt::version::pack::{pack, unpack};
use civic_crypto::signed::sign_item;
use civic_store::{Memory, StorageAdapter, WriteBatch};
use civic_types::cell::MemoryCell;
use civic_types::item::kind;
use civic_types::time::{SystemClock, Timestamp};
use civic_types::{AgentId, DocumentId, FieldOp, FieldPath, value};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use super::*;
use crate::reconcile::Sketch;
use crate::sketches::Following;

struct Device {
    replicated: Arc<Replicated>,
    key: Arc<DeviceKey>,
}

fn genesis() -> Genesis {
    Genesis {
        name: "Hamnen".into(),
        admins: vec![AgentId::from_bytes([1; 32])],
        created_s: 1,
        nonce: [2; 16],
    }
}

fn spec(name: &str) -> CollectionSpec {
    CollectionSpec::new(genesis().id(), name).unwrap()
}

async fn device(seed: u64) -> Device {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let key = Arc::new(DeviceKey::generate(&mut rng));
    let (cell, floor) = (Arc::new(MemoryCell::new()), Timestamp::default());
    let clock = HlcGenerator::new(key.peer_id(), Arc::new(SystemClock), cell, floor).unwrap();
    let identity = Identity { key: Arc::clone(&key), clock: Arc::new(clock) };
    let store: Arc<dyn StorageAdapter> = Arc::new(Memory::new());
    let replicated = Replicated::open(store, identity, &mut rng).await.unwrap();
    replicated.join(&genesis(), CommunityKey::from_bytes([5; 32])).unwrap();
    replicated.define(&spec("pumps")).await.unwrap();
    Device { replicated, key }
}

impl Device {
    /// One commit that writes to each of these documents.
    async fn write(&self, documents: &[&str]) {
        let mut batch = WriteBatch::new();
        for document in documents {
            let key = DocumentKey::new(spec("pumps").id(), DocumentId::new(document).unwrap());
            let path = FieldPath::try_from("log").unwrap();
            let value = value!(format!("{:?}", self.replicated.connection_number()));
            batch.push(WriteOp::Patch { key, ops: vec![FieldOp::Append { path, value }] });
        }
        self.replicated.commit(batch, Origin::Local).await.unwrap();
    }

    /// Versions of the arrival log from there on, as one pack.
    async fn packed(&self, positions: std::ops::Range<usize>) -> Bytes {
        let pumps = spec("pumps").id();
        let all = self.replicated.held(&pumps, 0).await.unwrap();
        let key = self.replicated.shared.scope_key(&spec("pumps")).unwrap();
        let short = |cid: &Cid| {
            let id = civic_types::item::ItemId { kind: kind::VERSION, cid: cid.clone() };
            crate::reconcile::short_id(&key, &id)
        };
        let ids: Vec<_> = all[positions].iter().map(|held| short(held.version.cid())).collect();
        let push = self.replicated.push_ids(&pumps, &ids).await.unwrap();
        self.replicated.chunk(&pumps, push).await.unwrap().pack.unwrap()
    }

    async fn cids(&self) -> Vec<Cid> {
        let held = self.replicated.held(&spec("pumps").id(), 0).await.unwrap();
        let mut cids: Vec<Cid> = held.into_iter().map(|held| held.version.cid().clone()).collect();
        cids.sort();
        cids
    }

    async fn root(&self) -> Cid {
        self.replicated.root(&spec("pumps").id()).await.unwrap()
    }

    fn peer(&self) -> PeerId {
        self.key.peer_id()
    }

    /// The same device after a restart on the same store.
    async fn reopened(&self) -> Arc<Replicated> {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let clock = Arc::clone(&self.replicated.shared.clock);
        let identity = Identity { key: Arc::clone(&self.key), clock };
        let store = Arc::clone(&self.replicated.store);
        let again = Replicated::open(store, identity, &mut rng).await.unwrap();
        again.join(&genesis(), CommunityKey::from_bytes([5; 32])).unwrap();
        again
    }
}

fn rules(_: &CollectionId) -> Option<Rules> {
    Some(Rules::default())
}

#[tokio::test]
async fn known_versions_change_nothing() {
    let (a, b) = (device(1).await, device(2).await);
    a.write(&["one", "two"]).await;
    let pack = a.packed(0..2).await;
    assert_eq!(b.replicated.import(a.peer(), &pack).await.unwrap().admitted, 2);
    let root = b.root().await;
    let again = b.replicated.import(a.peer(), &pack).await.unwrap();
    assert_eq!((again.admitted, again.known, b.root().await), (0, 2, root.clone()));
    assert_eq!(root, a.root().await);
}

#[tokio::test]
async fn no_byte_of_a_pack_may_change() {
    let (a, b) = (device(1).await, device(2).await);
    a.write(&["one", "two", "three"]).await;
    a.write(&["one"]).await;
    let (pack, genuine) = (a.packed(0..4).await, a.cids().await);
    let empty = b.root().await;
    let (mut refused, mut parked) = (0, 0);
    for at in 0..pack.len() {
        let mut changed = pack.to_vec();
        changed[at] ^= 1;
        match b.replicated.import(a.peer(), &changed).await {
            Err(Error::Pack(_) | Error::Refused { .. }) => refused += 1,
            // The collection's own bytes: a pack of something unknown waits under quota.
            Ok(imported) if imported.admitted == 0 => parked += 1,
            // A signature that a later one makes needless is not even looked at.
            Ok(_) => assert_eq!(b.cids().await, genuine, "byte {at}"),
            Err(error) => panic!("byte {at}: {error}"),
        }
        if b.cids().await.is_empty() {
            assert_eq!(b.root().await, empty, "byte {at}");
        }
    }
    assert!(refused > pack.len() / 2, "{refused} refused, {parked} parked of {}", pack.len());
    for length in 0..pack.len() {
        assert!(
            matches!(b.replicated.import(a.peer(), &pack[..length]).await, Err(Error::Pack(_))),
            "cut at {length}"
        );
    }
}

#[tokio::test]
async fn versions_signed_by_another_device_are_refused_and_nothing_stays() {
    let (a, b, thief) = (device(1).await, device(2).await, device(3).await);
    a.write(&["one"]).await;
    let mut unpacked = unpack(&a.packed(0..1).await, rules).unwrap();
    let cid = unpacked.versions[0].version.cid().clone();
    unpacked.versions[0].signature = Some(sign_item(&thief.key, kind::VERSION, &cid));
    let forged = pack(&unpacked.records, &unpacked.versions).unwrap();
    assert!(matches!(b.replicated.import(thief.peer(), &forged).await, Err(Error::Refused { .. })));
    unpacked.versions[0].signature = None;
    let unsigned = pack(&unpacked.records, &unpacked.versions).unwrap();
    assert!(matches!(b.replicated.import(thief.peer(), &unsigned).await, Err(Error::Refused { .. })));
    assert!(b.cids().await.is_empty());
}

#[tokio::test]
async fn a_version_that_contradicts_its_ancestors_takes_its_whole_pack_with_it() {
    let (a, b) = (device(1).await, device(2).await);
    a.write(&["one"]).await;
    let mut unpacked = unpack(&a.packed(0..1).await, rules).unwrap();
    let good = unpacked.versions[0].version.clone();
    let mut header = good.header().clone();
    header.first_dot += 1;
    header.document = DocumentId::new("two").unwrap();
    (header.position, header.previous) = (2, Some(good.cid().clone()));
    let bad = Version::from_header(&header, &Rules::default()).unwrap();
    let signature = Some(sign_item(&a.key, kind::VERSION, bad.cid()));
    unpacked.versions.push(pack::PackedVersion { version: bad, signature, block: None });
    let bytes = pack(&unpacked.records, &unpacked.versions).unwrap();
    assert!(matches!(b.replicated.import(a.peer(), &bytes).await, Err(Error::Refused { .. })));
    assert!(b.cids().await.is_empty());
    // Its half that is right goes alone.
    assert_eq!(b.replicated.import(a.peer(), &a.packed(0..1).await).await.unwrap().admitted, 1);
}

#[tokio::test]
async fn orphans_wait_for_their_parents_and_then_come_in_by_themselves() {
    let (a, b) = (device(1).await, device(2).await);
    for _ in 0..3 {
        a.write(&["one"]).await;
    }
    let late = b.replicated.import(a.peer(), &a.packed(1..3).await).await.unwrap();
    assert_eq!((late.admitted, late.parked), (0, 2));
    assert!(b.cids().await.is_empty());
    b.replicated.import(a.peer(), &a.packed(0..1).await).await.unwrap();
    assert_eq!(b.cids().await, a.cids().await);
    assert_eq!(b.root().await, a.root().await);
}

#[tokio::test]
async fn parking_is_bounded_for_each_peer() {
    let (a, b) = (device(1).await, device(2).await);
    for _ in 0..park::MAX_PARKED_PER_PEER + 5 {
        a.write(&["one"]).await;
    }
    for at in 1..park::MAX_PARKED_PER_PEER + 5 {
        b.replicated.import(a.peer(), &a.packed(at..at + 1).await).await.unwrap();
    }
    let parked = b.replicated.records(&RecordScan::table(table::PARKED)).await.unwrap();
    assert_eq!(parked.items.len(), park::MAX_PARKED_PER_PEER);
}

#[tokio::test]
async fn one_version_of_a_commit_travels_with_the_proof_that_follows_it() {
    let (a, b) = (device(1).await, device(2).await);
    a.write(&["one", "two", "three"]).await;
    let held = a.replicated.held(&spec("pumps").id(), 0).await.unwrap();
    let signed: Vec<bool> = held.iter().map(|held| held.signature.is_some()).collect();
    assert_eq!(signed, [false, false, true]);
    let imported = b.replicated.import(a.peer(), &a.packed(0..1).await).await.unwrap();
    assert_eq!(imported.admitted, 3);
    // What is held vouches too: the middle one alone is authentic by its follower here.
    let mut middle = unpack(&a.packed(0..3).await, rules).unwrap();
    middle.versions.remove(2);
    middle.versions.remove(0);
    let bytes = pack(&middle.records, &middle.versions).unwrap();
    assert_eq!(b.replicated.import(a.peer(), &bytes).await.unwrap().known, 1);
}

#[tokio::test]
async fn packs_of_unknown_collections_wait_under_quota_and_change_nothing() {
    let (a, b) = (device(1).await, device(2).await);
    a.replicated.define(&spec("wells")).await.unwrap();
    let key = DocumentKey::new(spec("wells").id(), DocumentId::new("w").unwrap());
    let put = WriteOp::Put { key: key.clone(), value: value!({"depth": 3}), base: None };
    a.replicated.commit(WriteBatch::new().with(put), Origin::Local).await.unwrap();
    let push = a.replicated.push_after(&spec("wells").id(), 0, None).await.unwrap();
    let pack = a.replicated.chunk(&spec("wells").id(), push).await.unwrap().pack.unwrap();
    assert_eq!(b.replicated.import(a.peer(), &pack).await.unwrap(), Imported::default());
    assert_eq!(b.replicated.get(&key).await.unwrap(), None);
    b.replicated.define(&spec("wells")).await.unwrap();
    b.replicated.retry_parked().await.unwrap();
    assert_eq!(b.replicated.get(&key).await.unwrap().unwrap().value, value!({"depth": 3}));
}

#[tokio::test]
async fn a_document_beyond_its_bound_is_refused_and_leaves_no_gap_in_the_log() {
    let a = device(1).await;
    let key = DocumentKey::new(spec("pumps").id(), DocumentId::new("big").unwrap());
    for _ in 0..2 {
        let put = |n: usize| WriteOp::Patch {
            key: key.clone(),
            ops: vec![FieldOp::Set {
                path: FieldPath::try_from(format!("f{n}").as_str()).unwrap(),
                value: civic_types::Value::Bytes(vec![0; 700_000]),
            }],
        };
        let _maybe = a.replicated.commit(WriteBatch::new().with(put(0)), Origin::Local).await;
        let refused = a.replicated.commit(WriteBatch::new().with(put(1)), Origin::Local).await;
        assert!(refused.is_err());
    }
    a.write(&["one"]).await;
    let held = a.replicated.held(&spec("pumps").id(), 0).await.unwrap();
    let positions: Vec<u64> = held.iter().map(|held| held.version.header().position).collect();
    assert!(positions.iter().enumerate().all(|(at, k)| *k == at as u64 + 1), "{positions:?}");
}

#[tokio::test]
async fn a_version_keeps_its_proof_when_the_one_that_vouches_for_it_has_to_wait() {
    let (a, b, c) = (device(1).await, device(2).await, device(3).await);
    c.write(&["two"]).await;
    a.write(&["one"]).await;
    a.replicated.import(c.peer(), &c.packed(0..1).await).await.unwrap();
    a.write(&["two"]).await;
    // Of a's log: the first stands alone, the second has a parent that b does not have.
    let held = a.replicated.held(&spec("pumps").id(), 0).await.unwrap();
    assert_eq!(held.iter().map(|held| held.source.is_none()).collect::<Vec<_>>(), [true, false, true]);
    let (first, third) = (a.packed(0..1).await, a.packed(2..3).await);
    let (first, third) = (pack::unpack(&first, rules).unwrap(), pack::unpack(&third, rules).unwrap());
    let both = [first.versions, third.versions].concat();
    let pack = pack::pack(&first.records, &both).unwrap();
    let imported = b.replicated.import(a.peer(), &pack).await.unwrap();
    assert_eq!((imported.admitted, imported.parked), (1, 1));
    // b can pass it on, and whoever gets it can check it.
    let d = device(4).await;
    assert_eq!(d.replicated.import(b.peer(), &b.packed(0..1).await).await.unwrap().admitted, 1);
}

/// The sketch is what a fresh one of all short ids would be: while it grows, from a checkpoint in the store, and
/// after somebody has put another log's checkpoint there.
#[tokio::test]
async fn sketches_follow_the_log_over_restarts_and_doubt_what_is_not_theirs() {
    let a = device(1).await;
    let pumps = spec("pumps").id();
    let write = async |from: usize, to: usize| {
        for start in (from..to).step_by(200) {
            let names: Vec<String> = (start..to.min(start + 200)).map(|i| format!("d{i}")).collect();
            a.write(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
    };
    let fresh = async |size| Sketch::of(&a.replicated.ids(&pumps).await.unwrap(), size);
    write(0, 300).await;
    assert_eq!(*a.replicated.sketch(&pumps).await.unwrap(), fresh(1024).await, "small, made when wanted");
    write(300, 1500).await;
    assert_eq!(*a.replicated.sketch(&pumps).await.unwrap(), fresh(4096).await);
    write(1500, 4500).await;
    let parts = state::all(&*a.replicated.store, table::SKETCH, pumps.as_bytes()).await.unwrap();
    let kept = Following::from_checkpoint(&parts).expect("a checkpoint at arrival 4096 or soon after");
    assert!((4096..4300).contains(&kept.seq), "{}", kept.seq);
    assert_eq!(*a.replicated.sketch(&pumps).await.unwrap(), fresh(4096).await);

    let again = a.reopened().await;
    assert_eq!(*again.sketch(&pumps).await.unwrap(), fresh(4096).await);
    let foreign = Following { chain: [1; 16], sketch: Arc::new(Sketch::of(&[7], 4096)), ..kept };
    let batch = foreign.checkpoint(&pumps).into_iter().fold(WriteBatch::new(), WriteBatch::with);
    a.replicated.store.commit(batch, Origin::Local).await.unwrap();
    let again = a.reopened().await;
    assert_eq!(*again.sketch(&pumps).await.unwrap(), fresh(4096).await, "rebuilt from the log");
}

/// After a restart a document with a long history is opened from its saved state: its first versions are not
/// read again, unless somebody writes on a state of back then.
#[tokio::test]
async fn a_long_document_opens_from_its_saved_state_and_the_past_brings_its_bodies_back() {
    let a = device(1).await;
    let pumps = spec("pumps").id();
    let key = DocumentKey::new(pumps, DocumentId::new("pump").unwrap());
    let set = |field: &str, value: civic_types::Value| FieldOp::Set {
        path: FieldPath::try_from(field).unwrap(),
        value,
    };
    let patch = async |replicated: &Arc<Replicated>, op: FieldOp| {
        let op = WriteOp::Patch { key: key.clone(), ops: vec![op] };
        replicated.commit(WriteBatch::new().with(op), Origin::Local).await
    };
    let mut early = Vec::new();
    for number in 0..150_u64 {
        patch(&a.replicated, set("depth", value!(number))).await.unwrap();
        if number == 5 {
            early = a.replicated.get(&key).await.unwrap().unwrap().heads;
        }
    }
    let saved = state::all(&*a.replicated.store, table::SAVED, pumps.as_bytes()).await.unwrap();
    assert_eq!(saved.len(), 1);
    // Who had read the sixth state writes now: only what he changed is changed.
    let again = a.reopened().await;
    let value = value!({"depth": 5, "note": "late"});
    let put = WriteOp::Put { key: key.clone(), value, base: Some(early) };
    again.commit(WriteBatch::new().with(put), Origin::Local).await.unwrap();
    assert_eq!(again.get(&key).await.unwrap().unwrap().value, value!({"depth": 149, "note": "late"}));
    // With the first versions gone, writing goes on from the saved state …
    let versions = state::all(&*again.store, table::VERSION, pumps.as_bytes()).await.unwrap();
    let gone = versions.iter().take(100).map(|record| table::remove(table::VERSION, record.key.clone()));
    again.store.commit(gone.fold(WriteBatch::new(), WriteBatch::with), Origin::Local).await.unwrap();
    let again = a.reopened().await;
    patch(&again, set("depth", value!(1000))).await.unwrap();
    assert_eq!(again.get(&key).await.unwrap().unwrap().value, value!({"depth": 1000, "note": "late"}));
    // … and not without it.
    let removed = table::remove(table::SAVED, saved[0].key.clone());
    again.store.commit(WriteBatch::new().with(removed), Origin::Local).await.unwrap();
    assert!(patch(&a.reopened().await, set("depth", value!(0))).await.is_err());
}

/// A root that was led on by the log is the one that all heads make, and another store's index is not taken.
#[tokio::test]
async fn roots_follow_the_log_and_doubt_an_index_that_is_not_theirs() {
    let (a, b) = (device(1).await, device(2).await);
    let pumps = spec("pumps").id();
    let fresh = async || a.reopened().await.root(&pumps).await.unwrap();
    let empty = a.root().await;
    for round in 0..5 {
        let names: Vec<String> = (0..40 + round).map(|i| format!("d{}", i * (round + 1))).collect();
        a.write(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        a.write(&["d1"]).await;
        assert_eq!(a.root().await, fresh().await, "round {round}");
    }
    assert_ne!(a.root().await, empty);
    let kept = a.replicated.shared.indexed(&pumps).unwrap();
    b.write(&["x"]).await;
    b.replicated.shared.keep_indexed(pumps, kept);
    assert_eq!(b.root().await, b.reopened().await.root(&pumps).await.unwrap());
}
