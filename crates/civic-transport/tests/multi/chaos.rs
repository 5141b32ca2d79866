use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use civic_transport::TransportKind::{Ble, Internet, Lan, Lora};
use civic_transport::multi::MultiConfig;
use civic_transport::sim::LinkModel;
use civic_transport::*;
use civic_types::PeerId;
use futures_util::FutureExt;

use super::faulty::Fault;
use super::world::{World, settle};

const SEEDS: u64 = 12;
const STEPS: usize = 250;
const QUEUE_BYTES: usize = 40_000;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

/// What a subscriber believes, from events alone.
#[derive(Default)]
struct Belief {
    peers: BTreeMap<PeerId, PeerInfo>,
    seen: BTreeSet<u16>,
}

impl Belief {
    fn hear(&mut self, event: Event) {
        match event {
            Event::Discovered(info) => {
                assert!(self.peers.insert(info.peer, info).is_none(), "discovered twice");
            }
            Event::Changed(info) => {
                let known = self.peers.insert(info.peer, info.clone()).expect("changed before discovered");
                assert_eq!(known.connection, info.connection);
                assert_ne!(known.transports, info.transports, "nothing has changed");
            }
            Event::Lost { peer, connection, .. } => {
                assert_eq!(self.peers.remove(&peer).expect("lost twice").connection, connection);
            }
            Event::Received { via: Via::Authenticated(peer), connection, envelope } => {
                assert_eq!(self.peers[&peer].connection, connection, "received on no connection");
                let Envelope::Signed(signed) = envelope else { panic!("not sent") };
                assert!(self.seen.insert(signed.fields().n), "{} came twice", signed.fields().n);
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn run(seed: u64) {
    let mut dice = Dice(seed);
    let model = LinkModel::perfect()
        .with_delay(Duration::from_millis(1), Duration::from_millis(300))
        .with_bandwidth(50_000);
    let config = MultiConfig::default().with_dedup_ids(10_000).with_queue_bytes(QUEUE_BYTES);
    let mut world = World::configured(3, &[Ble, Lan, Lora, Internet], &model, &config).await;
    let mut beliefs: Vec<Belief> = world.ends.iter().map(|_| Belief::default()).collect();
    for (end, belief) in world.ends.iter().zip(&mut beliefs) {
        belief.peers.extend(end.multi.peers().into_iter().map(|info| (info.peer, info)));
    }
    for step in 0..STEPS {
        let (other, network) = (1 + dice.roll(2), dice.roll(4));
        match dice.roll(16) {
            0..=6 => {
                let n = u16::try_from(step).unwrap();
                let size = [10, 300, 5000][dice.roll(3)];
                let envelope = world.signed(n, Priority::ALL[dice.roll(5)], &vec![1; size]);
                // Whether it is taken depends on what is broken; that nothing breaks by it is checked below.
                drop(world.ends[0].multi.try_send(&world.ends[other].id, envelope));
            }
            7 => world.cut(network, 0, other),
            8 => world.notice(network, 0, other),
            9 | 10 => world.heal(network, 0, other),
            11 => {
                let fault = [Fault::None, Fault::Hangs, Fault::RefusesSend, Fault::OutOfDuty][dice.roll(4)];
                world.ends[0].links[network].1.set(fault);
            }
            12 => {
                let (id, link) = world.ends[0].links[network].clone();
                world.ends[0].multi.remove(id).unwrap();
                settle().await;
                world.ends[0].links[network].0 = world.ends[0].multi.add(link);
            }
            13 if dice.roll(4) == 0 => {
                world.ends[0].multi.stop().await.unwrap();
                world.pass(Duration::from_millis(500)).await;
                world.ends[0].multi.start().await.unwrap();
            }
            _ => world.pass(Duration::from_millis(dice.roll(6000) as u64)).await,
        }
        settle().await;
        check(&mut world, &mut beliefs);
    }
    for network in 0..4 {
        world.ends[0].links[network].1.set(Fault::None);
        (1..3).for_each(|other| world.heal(network, 0, other));
    }
    world.pass(Duration::from_secs(300)).await;
    check(&mut world, &mut beliefs);
    let first = &world.ends[0].multi;
    assert!(first.peers().iter().all(|peer| peer.transports.len() == 4), "{:?}", first.peers());
    let idle = first.statistics();
    assert_eq!((idle.queued_bytes, idle.handover_bytes), (0, 0), "{idle:?}");
    first.send(&world.ends[1].id, world.signed(u16::MAX, Priority::High, b"over")).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    check(&mut world, &mut beliefs);
    assert!(beliefs[1].seen.contains(&u16::MAX) && beliefs[1].seen.len() > 10, "{}", beliefs[1].seen.len());
}

fn check(world: &mut World, beliefs: &mut [Belief]) {
    for (end, belief) in world.ends.iter_mut().zip(beliefs) {
        end.drain().into_iter().for_each(|event| belief.hear(event));
        let told: Vec<_> = belief.peers.values().map(|info| (info.peer, &info.transports)).collect();
        let peers = end.multi.peers();
        let true_now: Vec<_> = peers.iter().map(|info| (info.peer, &info.transports)).collect();
        assert_eq!(told, true_now);
        // Two neighbours on four links, each with room for four queues after hand-overs.
        let statistics = end.multi.statistics();
        assert!(statistics.queued_bytes <= 2 * 4 * 4 * QUEUE_BYTES, "{statistics:?}");
    }
}

#[tokio::test]
async fn whatever_happens_events_tell_the_truth_and_nothing_signed_comes_twice() {
    for seed in 0..SEEDS {
        let outcome = AssertUnwindSafe(run(seed)).catch_unwind().await;
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
