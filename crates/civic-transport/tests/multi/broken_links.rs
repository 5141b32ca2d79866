use std::time::Duration;

use civic_transport::TransportKind::{Ble, Lan, Lora};
use civic_transport::multi::MultiConfig;
use civic_transport::sim::LinkModel;
use civic_transport::*;
use futures_util::FutureExt;

use super::faulty::Fault;
use super::world::{World, local, settle};

#[tokio::test]
async fn a_link_that_hangs_blocks_neither_others_nor_the_stop() {
    let mut world = World::met(3, &[Ble, Lan], &LinkModel::perfect()).await;
    let (second, third) = (world.ends[1].id, world.ends[2].id);
    world.ends[0].links[0].1.set(Fault::Hangs);
    for _ in 0..10 {
        world.ends[0].multi.send(&second, local(Priority::Normal, 10)).await.unwrap();
    }
    // A larger one of bulk has another way, and another peer too.
    world.ends[0].multi.send(&second, local(Priority::Bulk, 10)).await.unwrap();
    world.ends[0].multi.send(&third, local(Priority::Bulk, 10)).await.unwrap();
    settle().await;
    assert_eq!((world.ends[1].arrived().len(), world.ends[2].arrived().len()), (1, 1));
    let stop = world.ends[0].multi.stop();
    stop.now_or_never().expect("the stop waits for the link that hangs").unwrap();
    assert_eq!(world.ends[0].multi.statistics().queued_bytes, 0);
}

#[tokio::test]
async fn what_a_link_holds_for_too_long_goes_over_another_and_so_does_what_follows() {
    let mut world = World::met(2, &[Ble, Lan], &LinkModel::perfect()).await;
    let there = world.ends[1].id;
    world.ends[0].links[0].1.set(Fault::Hangs);
    let envelopes: Vec<_> = (0..10).map(|n| world.signed(n, Priority::Normal, b"held")).collect();
    for envelope in &envelopes {
        world.ends[0].multi.send(&there, envelope.clone()).await.unwrap();
    }
    world.pass(Duration::from_secs(14)).await;
    assert!(world.ends[1].arrived().is_empty(), "it is given time");
    world.pass(Duration::from_secs(2)).await;
    assert_eq!(world.ends[1].arrived(), envelopes);
    // The link rests: the next does not wait for it.
    world.ends[0].multi.send(&there, local(Priority::Normal, 10)).await.unwrap();
    settle().await;
    assert_eq!(world.ends[1].arrived().len(), 1);
    // After its rest it is tried again.
    world.ends[0].links[0].1.set(Fault::None);
    world.pass(Duration::from_secs(30)).await;
    let before = world.ends[0].transmissions();
    world.ends[0].multi.send(&there, local(Priority::Normal, 10)).await.unwrap();
    assert_eq!(world.ends[0].transmissions()[0], before[0] + 1);
}

#[tokio::test]
async fn the_only_link_is_waited_for_however_long_it_holds() {
    let mut world = World::met(2, &[Lan, Ble], &LinkModel::perfect()).await;
    let there = world.ends[1].id;
    world.cut(1, 0, 1);
    world.notice(1, 0, 1);
    settle().await;
    world.ends[0].links[0].1.set(Fault::Hangs);
    let envelope = world.signed(1, Priority::Normal, b"patience");
    world.ends[0].multi.send(&there, envelope.clone()).await.unwrap();
    world.pass(Duration::from_secs(100)).await;
    assert!(world.ends[1].arrived().is_empty());
    // Another link finds the peer at last.
    world.heal(1, 0, 1);
    world.pass(Duration::from_secs(20)).await;
    assert_eq!(world.ends[1].arrived(), [envelope]);
}

#[tokio::test]
async fn a_full_queue_is_busy_and_the_bound_of_the_link_counts_all_neighbours() {
    let config = MultiConfig::default().with_queue_bytes(50_000).with_link_bytes(30_000);
    let world = World::configured(3, &[Lan], &LinkModel::perfect(), &config).await;
    world.ends[0].links[0].1.set(Fault::Hangs);
    let multi = &world.ends[0].multi;
    let fill =
        |to| (0..1000).take_while(|_| multi.try_send(to, local(Priority::Normal, 744)).is_ok()).count();
    let (second, third) = (fill(&world.ends[1].id), fill(&world.ends[2].id));
    // Ten of a class's fifth, of 1000 bytes each; one more is with the link or waits first.
    assert!((10..=11).contains(&second) && (10..=11).contains(&third), "{second} and {third}");
    let full = multi.try_send(&world.ends[1].id, local(Priority::Normal, 744));
    assert!(matches!(full, Err(TrySendError::Busy)), "{full:?}");
    assert!(multi.statistics().queued_bytes <= 30_000);
    // Bulk has a class of its own, but not beyond the link's bound.
    let bulk =
        (0..1000).take_while(|_| multi.try_send(&world.ends[1].id, local(Priority::Bulk, 744)).is_ok());
    assert!(bulk.count() <= 10);
    assert!(multi.statistics().queued_bytes <= 30_000);
}

#[tokio::test]
async fn a_sender_that_waits_for_room_goes_on_when_there_is_some() {
    let config = MultiConfig::default().with_queue_bytes(5000);
    let mut world = World::configured(2, &[Lan], &LinkModel::perfect(), &config).await;
    let (multi, there) = (world.ends[0].multi.clone(), world.ends[1].id);
    world.ends[0].links[0].1.set(Fault::Hangs);
    for _ in 0..2 {
        while multi.try_send(&there, local(Priority::Normal, 500)).is_ok() {}
        // The driver takes one out.
        settle().await;
    }
    let waiting = tokio::spawn({
        let multi = multi.clone();
        async move { multi.send(&there, local(Priority::Normal, 501)).await }
    });
    settle().await;
    assert!(!waiting.is_finished());
    // The link that hung is gone and found again, and works.
    world.ends[0].links[0].1.set(Fault::None);
    world.cut(0, 0, 1);
    world.notice(0, 0, 1);
    assert!(matches!(waiting.await.unwrap(), Err(Error::NotConnected { .. })));
    world.heal(0, 0, 1);
    settle().await;
    multi.send(&there, local(Priority::Normal, 502)).await.unwrap();
    settle().await;
    let sizes: Vec<_> = world.ends[1].arrived().iter().map(|envelope| envelope.payload().len()).collect();
    assert_eq!(sizes, [502]);
}

#[tokio::test]
async fn a_broadcast_over_a_radio_that_hangs_still_reaches_the_others() {
    let mut world = World::met(3, &[Lan, Lora], &LinkModel::perfect()).await;
    world.ends[0].links[1].1.set(Fault::Hangs);
    let signed = world.signed(1, Priority::Critical, b"run");
    let multi = world.ends[0].multi.clone();
    let sending = tokio::spawn({
        let signed = signed.clone();
        async move { multi.broadcast(signed).await }
    });
    settle().await;
    assert!(world.ends[1..].iter_mut().all(|end| end.arrived() == [signed.clone()]), "by cable, at once");
    world.pass(Duration::from_secs(16)).await;
    sending.await.unwrap().unwrap();
    assert!(world.ends[1..].iter_mut().all(|end| end.arrived().is_empty()));
}
