//! What it costs that two halves of a town become one again: 15 463 documents, 1000 changed in the cut, every frame
//! of both ends counted, against nothing but the changed versions in one pack a half.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use civic_crdt::clock::HlcGenerator;
use civic_crdt::version::pack::{PackedVersion, pack};
use civic_crypto::DeviceKey;
use civic_crypto::community::{CommunityKey, Genesis};
use civic_store::{Memory, Origin, StorageAdapter, WriteBatch, WriteOp};
use civic_sync::session::{Frame, Input};
use civic_sync::{Conversation, Effects, Held, Identity, Replicated};
use civic_types::cell::MemoryCell;
use civic_types::item::ReplicaRecord;
use civic_types::time::{ManualClock, Tick, Timestamp};
use civic_types::{
    AgentId, CollectionId, CollectionSpec, DocumentId, DocumentKey, FieldOp, FieldPath, value,
};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

const DOCUMENTS: usize = 15_463;
const CHANGED_BY_EACH: usize = 250;
const BATCH: usize = 500;

struct Town {
    clock: ManualClock,
    genesis: Genesis,
    places: CollectionId,
}

impl Town {
    fn new() -> (Self, CollectionSpec) {
        let genesis = Genesis {
            name: "Halmstad".into(),
            admins: vec![AgentId::from_bytes([1; 32])],
            created_s: 1,
            nonce: [2; 16],
        };
        let spec = CollectionSpec::new(genesis.id(), "places").unwrap();
        let clock = ManualClock::new(Timestamp::from_millis(1_800_000_000_000));
        (Self { clock, genesis, places: spec.id() }, spec)
    }

    async fn device(&self, seed: u64) -> Arc<Replicated> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let key = Arc::new(DeviceKey::generate(&mut rng));
        let (clock, cell) = (Arc::new(self.clock.clone()), Arc::new(MemoryCell::new()));
        let clock = Arc::new(HlcGenerator::new(key.peer_id(), clock, cell, Timestamp::default()).unwrap());
        let store: Arc<dyn StorageAdapter> = Arc::new(Memory::new());
        let replicated = Replicated::open(store, Identity { key, clock }, &mut rng).await.unwrap();
        replicated.join(&self.genesis, CommunityKey::from_bytes([9; 32])).unwrap();
        replicated
    }

    fn key(&self, number: usize) -> DocumentKey {
        DocumentKey::new(self.places, DocumentId::new(format!("place-{number:05}")).unwrap())
    }

    async fn build(&self, device: &Replicated) {
        for start in (0..DOCUMENTS).step_by(BATCH) {
            let mut batch = WriteBatch::new();
            for number in start..DOCUMENTS.min(start + BATCH) {
                let value = value!({
                    "name": format!("place {number}"),
                    "kind": "pump",
                    "lat": i64::try_from(56_670_000 + number * 7 % 10_000).unwrap(),
                    "lon": i64::try_from(12_860_000 + number * 13 % 10_000).unwrap(),
                    "needs": 0,
                    "open": true,
                });
                batch.push(WriteOp::Put { key: self.key(number), value, base: None });
            }
            device.commit(batch, Origin::Local).await.unwrap();
        }
    }

    /// One commit for each change, as people make them.
    async fn change(&self, device: &Replicated, first: usize) {
        for number in (first..).step_by(61).take(CHANGED_BY_EACH) {
            let ops = vec![FieldOp::Set {
                path: FieldPath::try_from("name").unwrap(),
                value: value!(format!("changed by {first}")),
            }];
            let batch = WriteBatch::new().with(WriteOp::Patch { key: self.key(number % DOCUMENTS), ops });
            device.commit(batch, Origin::Local).await.unwrap();
        }
    }

    async fn held(&self, device: &Replicated) -> Vec<Held> {
        let mut all: Vec<Held> = Vec::new();
        loop {
            let page = device.held(&self.places, all.last().map_or(0, |held| held.seq)).await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// Bytes of what `from` has and `other` lacks, as one pack with a signature for every run.
    async fn lacking(&self, from: &Replicated, other: &Replicated) -> usize {
        let known: BTreeSet<_> =
            self.held(other).await.into_iter().map(|held| held.version.cid().clone()).collect();
        let lacking = self.held(from).await.into_iter().filter(|held| !known.contains(held.version.cid()));
        let versions: Vec<PackedVersion> = lacking
            .map(|held| PackedVersion { version: held.version, signature: held.signature, block: held.block })
            .collect();
        let replicas: BTreeSet<_> = versions.iter().map(|packed| packed.version.header().replica).collect();
        let mut records: Vec<ReplicaRecord> = Vec::new();
        for replica in replicas {
            records.extend(from.replica_records(&replica).await.unwrap());
        }
        pack(&records, &versions).unwrap().len()
    }
}

/// What both said.
#[derive(Debug, Default)]
struct Spent {
    all: usize,
    data: usize,
}

/// Connects two devices and lets them talk until nothing is left to say.
async fn meet(a: &Arc<Replicated>, b: &Arc<Replicated>) -> Spent {
    let mut talks = [(a, b), (b, a)]
        .map(|(here, there)| Conversation::new(Arc::clone(here), there.peer_id(), vec![[7; 32]]));
    let (mut wire, mut spent): (VecDeque<(usize, Bytes)>, _) = (VecDeque::new(), Spent::default());
    let queue = |at: usize, effects: Effects, wire: &mut VecDeque<(usize, Bytes)>| {
        assert_eq!(effects.misbehaved, None);
        wire.extend(effects.frames.into_iter().map(|frame| (1 - at, frame)));
    };
    for (at, talk) in talks.iter_mut().enumerate() {
        let effects = talk.start(Tick::default()).await.unwrap();
        queue(at, effects, &mut wire);
    }
    while let Some((to, frame)) = wire.pop_front() {
        spent.all += frame.len();
        if let Frame::Data { pack: Some(pack), .. } = Frame::decode(&frame).unwrap() {
            spent.data += pack.len();
        }
        let effects = talks[to].input(Tick::default(), Input::Frame(frame)).await.unwrap();
        queue(to, effects, &mut wire);
    }
    spent
}

#[tokio::test]
async fn two_halves_heal_for_hardly_more_than_what_has_changed() {
    let (town, spec) = Town::new();
    let (a, a2, b, b2) =
        (town.device(1).await, town.device(2).await, town.device(3).await, town.device(4).await);
    a.define(&spec).await.unwrap();
    town.build(&a).await;
    let whole = meet(&a, &b).await;
    meet(&a, &a2).await;
    meet(&b, &b2).await;
    // The cut: each half changes documents and stays together.
    for (first, device) in [&a, &a2, &b, &b2].into_iter().enumerate() {
        town.change(device, first * 7).await;
    }
    meet(&a, &a2).await;
    meet(&b, &b2).await;
    let needed = town.lacking(&a, &b).await + town.lacking(&b, &a).await;
    // Two who never met know nothing of each other's logs; two who did go on where they were.
    for (what, one, other) in [("strangers", &a2, &b2), ("known", &a, &b)] {
        let spent = meet(one, other).await;
        assert_eq!(one.root(&town.places).await.unwrap(), other.root(&town.places).await.unwrap(), "{what}");
        println!(
            "{what}: {} B for {needed} B, {} B of them packs; the whole were {} B",
            spent.all, spent.data, whole.all
        );
        assert!(spent.all * 100 <= needed * 105, "{what}: {spent:?} for {needed} B");
        // Control: the whole costs far more, so the bound is not met by something empty.
        assert!(
            spent.data * 100 >= needed * 95 && whole.all > 5 * needed,
            "{what}: {spent:?} for {needed} B"
        );
    }
}
