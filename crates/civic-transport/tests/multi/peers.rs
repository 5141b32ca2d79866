use civic_transport::TransportKind::{Ble, Lan, Lora};
use civic_transport::peer::MAX_BINDINGS;
use civic_transport::sim::LinkModel;
use civic_transport::*;

use super::world::{World, local, settle};

#[tokio::test]
async fn a_peer_on_two_links_is_one_peer_until_the_last_loses_it() {
    let mut world = World::met(2, &[Lan, Ble], &LinkModel::perfect()).await;
    let there = world.ends[1].id;
    let [before] = world.ends[0].multi.peers().try_into().unwrap();
    assert_eq!((before.peer, before.transports.as_slice()), (there, [Ble, Lan].as_slice()));
    let kinds: Vec<_> = world.ends[0].multi.peer_links(&there).iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds.len(), 2);

    world.cut(0, 0, 1);
    world.notice(0, 0, 1);
    settle().await;
    let events = world.ends[0].drain();
    let [Event::Changed(changed)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((changed.connection, changed.transports.as_slice()), (before.connection, [Ble].as_slice()));
    assert_eq!(changed.bindings, before.bindings, "bindings last as long as the connection");

    world.cut(1, 0, 1);
    world.notice(1, 0, 1);
    settle().await;
    let lost = Event::Lost { peer: there, connection: before.connection, reason: LostReason::Silent };
    assert_eq!(world.ends[0].drain(), [lost]);
    assert!(world.ends[0].multi.peers().is_empty());

    world.heal(1, 0, 1);
    settle().await;
    let events = world.ends[0].drain();
    let [Event::Discovered(again)] = events.as_slice() else { panic!("{events:?}") };
    assert!(again.connection > before.connection && again.bindings.len() == 1, "{again:?}");
}

#[tokio::test]
async fn a_flapping_link_costs_bounded_memory_and_keeps_the_oldest_binding() {
    let mut world = World::met(2, &[Lan, Ble], &LinkModel::perfect()).await;
    let before = world.ends[0].multi.peers().remove(0);
    for n in 0..200 {
        world.ends[0].multi.send(&world.ends[1].id, local(Priority::Normal, 1000)).await.unwrap();
        let network = n % 2;
        world.cut(network, 0, 1);
        world.notice(network, 0, 1);
        settle().await;
        world.heal(network, 0, 1);
        settle().await;
        world.ends.iter_mut().for_each(|end| drop(end.drain()));
    }
    let after = world.ends[0].multi.peers().remove(0);
    assert_eq!((after.connection, after.transports.len()), (before.connection, 2));
    assert_eq!(after.bindings.len(), MAX_BINDINGS);
    assert_eq!(after.bindings[0], before.bindings[0]);
    let statistics = world.ends[0].multi.statistics();
    assert_eq!(statistics.queued_bytes, 0, "{statistics:?}");
    assert!(statistics.handover_bytes <= 200 * 1256, "{statistics:?}");
    let lost: u64 = world.ends[0].multi.links().iter().map(|link| link.statistics.lost).sum();
    assert_eq!(lost, 200);
}

#[tokio::test]
async fn a_link_whose_events_were_missed_is_read_anew() {
    let mut world = World::met(3, &[Lan], &LinkModel::perfect()).await;
    let link = world.ends[0].links[0].1.clone();
    link.set_deaf(true);
    world.cut(0, 0, 1);
    world.notice(0, 0, 1);
    settle().await;
    assert_eq!(world.ends[0].multi.peers().len(), 2, "nobody told");
    link.set_deaf(false);
    world.ends[2].multi.send(&world.ends[0].id, Envelope::local(1, "wake")).await.unwrap();
    world.until("the lost one is gone", |world| world.ends[0].multi.peers().len() == 1).await;
    let events = world.ends[0].drain();
    assert!(matches!(events[0], Event::Lost { peer, .. } if peer == world.ends[1].id), "{events:?}");
    assert!(matches!(events[1], Event::Lagged { missed: 1 }), "{events:?}");
    assert!(matches!(events[2], Event::Received { .. }), "{events:?}");
}

#[tokio::test]
async fn a_connection_that_was_closed_before_its_events_came_is_never_told_of() {
    let mut world = World::met(2, &[Lan], &LinkModel::perfect()).await;
    world.cut(0, 0, 1);
    world.notice(0, 0, 1);
    settle().await;
    drop(world.ends[0].drain());
    world.heal(0, 0, 1);
    // The link knows of the new connection, the driver has not heard yet.
    assert!(world.ends[0].multi.peers().is_empty() && world.ends[0].links[0].1.peers().len() == 1);
    world.ends[0].multi.disconnect(&world.ends[1].id).await.unwrap();
    settle().await;
    assert_eq!(world.ends[0].drain(), []);
    let address = PeerAddr::new(world.ends[1].id, world.ends[1].id.to_string());
    world.ends[0].multi.connect(&address).await.unwrap();
    assert_eq!(world.ends[0].multi.peers().len(), 1, "known as soon as connect returns");
    settle().await;
    assert!(matches!(world.ends[0].drain().as_slice(), [Event::Discovered(_)]));
}

#[tokio::test]
async fn links_come_and_go_while_it_runs_and_the_driver_ends_with_its_owner() {
    let world = World::met(2, &[Lan, Ble], &LinkModel::perfect()).await;
    let (id, _) = world.ends[0].links[0];
    let removed = world.ends[0].multi.remove(id).unwrap();
    assert!(removed.is_active() && world.ends[0].multi.remove(id).is_none());
    assert_eq!(world.ends[0].multi.peers()[0].transports, [Ble]);
    let again = world.ends[0].multi.add(removed);
    assert!(again > id);
    assert_eq!(world.ends[0].multi.peers()[0].transports, [Ble, Lan], "an active link is used at once");
    for _ in 0..3 {
        world.ends[0].multi.stop().await.unwrap();
        assert!(world.ends[0].multi.links().iter().all(|link| !link.active && link.peers == 0));
        world.ends[0].multi.start().await.unwrap();
        world.until("met again", |world| world.ends[0].multi.peers().len() == 1).await;
    }
    let World { ends, .. } = world;
    let [first, second] = <[_; 2]>::try_from(ends).ok().unwrap();
    drop(first.multi);
    first.driver.await.unwrap();
    second.multi.end();
    second.driver.await.unwrap();
    assert!(second.multi.peers().is_empty());
    second.multi.stop().await.unwrap();
    assert!(matches!(second.multi.start().await, Err(Error::Inactive)));
    assert!(second.links.iter().all(|(_, link)| !link.is_active()), "started for nobody");
}

#[tokio::test]
async fn a_link_that_does_not_start_stops_no_other_and_says_why() {
    use super::faulty::Fault;
    let world = World::met(2, &[Lan, Lora], &LinkModel::perfect()).await;
    let multi = &world.ends[0].multi;
    multi.stop().await.unwrap();
    world.ends[0].links[0].1.set(Fault::RefusesStart);
    multi.start().await.unwrap();
    let [lan, lora] = multi.links().try_into().unwrap();
    assert!(!lan.active && lan.failure.is_some_and(|why| why.contains("antenna")));
    assert!(lora.active && lora.failure.is_none());
    multi.stop().await.unwrap();
    world.ends[0].links[1].1.set(Fault::RefusesStart);
    let failed = multi.start().await;
    assert!(matches!(failed, Err(Error::AddressInUse { .. })), "{failed:?}");
    assert!(!multi.is_active());
}
