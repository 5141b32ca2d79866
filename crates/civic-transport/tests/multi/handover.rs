use std::collections::BTreeMap;
use std::time::Duration;

use civic_transport::TransportKind::{Ble, Lan};
use civic_transport::multi::MultiConfig;
use civic_transport::sim::LinkModel;
use civic_transport::*;

use super::world::{World, settle};

const MANY: u16 = 600;

/// How a link ends in the middle of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// In silence, noticed ten seconds later.
    Silent,
    /// Taken out by the application.
    Removed,
    /// Stopped at the other end.
    Stopped,
}

/// Sends many envelopes of 1 KiB over two slow links, the first of which dies when a third is sent. How often
/// each arrived.
async fn transfer(end: End, config: &MultiConfig) -> (World, BTreeMap<u16, usize>) {
    let slow = LinkModel::perfect()
        .with_delay(Duration::from_millis(20), Duration::from_millis(20))
        .with_bandwidth(100_000);
    let mut world = World::configured(2, &[Ble, Lan], &slow, config).await;
    let (a, there) = (world.ends[0].multi.clone(), world.ends[1].id);
    let envelopes: Vec<_> = (0..MANY).map(|n| world.signed(n, Priority::Normal, &[1; 1024])).collect();
    let sending = tokio::spawn(async move {
        for envelope in envelopes {
            a.send(&there, envelope).await.unwrap();
        }
    });
    world.until("a part has gone", |world| world.ends[1].multi.statistics().delivered >= 200).await;
    match end {
        End::Silent => {
            world.cut(0, 0, 1);
            world.pass(Duration::from_secs(10)).await;
            world.notice(0, 0, 1);
        }
        End::Removed => {
            let (id, _) = world.ends[0].links[0];
            let removed = world.ends[0].multi.remove(id).unwrap();
            removed.stop().await.unwrap();
        }
        End::Stopped => world.ends[1].links[0].1.inner.stop().await.unwrap(),
    }
    world.pass(Duration::from_secs(120)).await;
    sending.await.unwrap();
    let mut seen = BTreeMap::new();
    for envelope in world.ends[1].arrived() {
        let Envelope::Signed(signed) = envelope else { panic!("not sent") };
        *seen.entry(signed.fields().n).or_default() += 1;
    }
    (world, seen)
}

#[tokio::test]
async fn a_link_dies_in_mid_transfer_and_everything_arrives_once() {
    for end in [End::Silent, End::Removed, End::Stopped] {
        let (world, seen) = transfer(end, &MultiConfig::default().with_dedup_ids(10_000)).await;
        assert_eq!(seen.len(), usize::from(MANY), "{end:?}: some are missing");
        assert!(seen.values().all(|count| *count == 1), "{end:?}: some came twice");
        let (sent, received) = (world.ends[0].multi.statistics(), world.ends[1].multi.statistics());
        assert!(sent.handed_over > 0 && sent.undeliverable == 0, "{end:?}: {sent:?}");
        assert!(received.duplicates > 0, "{end:?}: no copy had to be dropped: {received:?}");
        assert_eq!(sent.queued_bytes, 0);
        assert_eq!(sent.handover_bytes, 0, "the window is over");
    }
}

#[tokio::test]
async fn without_a_window_the_silence_costs_envelopes() {
    let config = MultiConfig::default().with_handover(Duration::ZERO, 0);
    let (_, seen) = transfer(End::Silent, &config).await;
    assert!(seen.len() < usize::from(MANY), "the check above would pass by accident");
}

#[tokio::test]
async fn the_window_is_bounded_in_bytes_and_in_time() {
    let config = MultiConfig::default().with_handover(Duration::from_secs(20), 100_000);
    let world = World::configured(2, &[Ble, Lan], &LinkModel::perfect(), &config).await;
    for n in 0..200 {
        let envelope = world.signed(n, Priority::Normal, &[1; 1024]);
        world.ends[0].multi.send(&world.ends[1].id, envelope).await.unwrap();
    }
    let kept = world.ends[0].multi.statistics().handover_bytes;
    assert!((90_000..=100_000).contains(&kept), "{kept}");
    world.pass(Duration::from_secs(41)).await;
    assert_eq!(world.ends[0].multi.statistics().handover_bytes, 0);
}

#[tokio::test]
async fn what_waits_for_a_link_that_dies_goes_over_the_next_at_once_and_in_order() {
    let mut world = World::met(2, &[Ble, Lan], &LinkModel::perfect()).await;
    world.ends[0].links[0].1.set(super::faulty::Fault::Hangs);
    let envelopes: Vec<_> = (0..20).map(|n| world.signed(n, Priority::Normal, b"waits")).collect();
    for envelope in &envelopes {
        world.ends[0].multi.send(&world.ends[1].id, envelope.clone()).await.unwrap();
    }
    settle().await;
    assert!(world.ends[1].arrived().is_empty());
    world.cut(0, 0, 1);
    world.notice(0, 0, 1);
    settle().await;
    assert_eq!(world.ends[1].arrived(), envelopes);
    let statistics = world.ends[0].multi.statistics();
    assert_eq!((statistics.handed_over, statistics.queued_bytes), (20, 0));
}

#[tokio::test]
async fn what_was_meant_for_the_last_link_is_given_up_with_it() {
    let mut world = World::met(2, &[Lan], &LinkModel::perfect()).await;
    world.ends[0].links[0].1.set(super::faulty::Fault::Hangs);
    for n in 0..5 {
        let envelope = world.signed(n, Priority::Normal, b"late");
        world.ends[0].multi.send(&world.ends[1].id, envelope).await.unwrap();
    }
    settle().await;
    world.cut(0, 0, 1);
    world.notice(0, 0, 1);
    settle().await;
    assert_eq!(world.ends[0].multi.statistics().undeliverable, 5);
    assert_eq!(world.ends[0].multi.statistics().queued_bytes, 0);
    assert!(world.ends[1].arrived().is_empty());
}
