use std::sync::Arc;

use civic_transport::TransportKind::{Ble, Internet, Lan, Lora, WifiDirect};
use civic_transport::multi::{Kinds, MultiConfig, Route, RouteMode, RoutePolicy, RouteRequest};
use civic_transport::sim::LinkModel;
use civic_transport::*;

use super::faulty::Fault;
use super::world::{World, local, settle};

#[tokio::test]
async fn each_sort_takes_its_medium_and_is_counted_there() {
    let world = World::met(2, &[Lan, Ble, Lora, WifiDirect, Internet], &LinkModel::perfect()).await;
    let (multi, there) = (&world.ends[0].multi, world.ends[1].id);
    let cases = [
        (Priority::Normal, 10, [0, 1, 0, 0, 0]),
        (Priority::Low, 1000, [0, 0, 0, 1, 0]),
        (Priority::Bulk, 10, [0, 0, 0, 0, 1]),
        (Priority::Critical, 10, [1, 1, 1, 1, 1]),
        (Priority::Critical, 1000, [0, 0, 0, 1, 0]),
    ];
    let mut sum = [0; 5];
    for (priority, bytes, due) in cases {
        multi.send(&there, local(priority, bytes)).await.unwrap();
        sum.iter_mut().zip(due).for_each(|(sum, due)| *sum += due);
        assert_eq!(world.ends[0].transmissions(), sum, "{priority:?} of {bytes} bytes");
    }
    let sent: Vec<_> = multi.links().iter().map(|link| link.statistics.sent).collect();
    assert_eq!((sent.as_slice(), multi.statistics().sent), (sum.as_slice(), 9));
}

#[tokio::test]
async fn the_urgent_goes_over_all_links_and_is_delivered_once_if_signed() {
    let mut world = World::met(2, &[Lan, Lora, Ble], &LinkModel::perfect()).await;
    let there = world.ends[1].id;
    let signed = world.signed(1, Priority::Critical, b"flood");
    world.ends[0].multi.send(&there, signed.clone()).await.unwrap();
    settle().await;
    assert_eq!(world.ends[1].arrived(), [signed]);
    assert_eq!(world.ends[1].multi.statistics().duplicates, 2);
    let unsigned = local(Priority::Critical, 5);
    world.ends[0].multi.send(&there, unsigned.clone()).await.unwrap();
    settle().await;
    assert_eq!(world.ends[1].arrived(), [unsigned.clone(), unsigned.clone(), unsigned], "no id, no table");
}

#[tokio::test]
async fn a_link_that_refuses_is_passed_over_and_none_left_is_no_route() {
    let mut world = World::met(2, &[Lan, Ble], &LinkModel::perfect()).await;
    let there = world.ends[1].id;
    world.ends[0].links[1].1.set(Fault::RefusesSend);
    world.ends[0].multi.send(&there, local(Priority::Normal, 10)).await.unwrap();
    settle().await;
    assert_eq!((world.ends[1].arrived().len(), world.ends[0].transmissions()), (1, vec![1, 0]));
    assert_eq!(world.ends[0].multi.links()[1].statistics.failed, 1);
    world.ends[0].links[0].1.set(Fault::RefusesSend);
    let sent = world.ends[0].multi.send(&there, local(Priority::Normal, 10)).await;
    let error = sent.unwrap_err();
    assert!(matches!(error, Error::NoRoute { peer } if peer == there) && error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_medium_that_the_table_does_not_name_is_no_route_and_a_link_out_of_duty_says_until_when() {
    let world = World::met(2, &[Lora], &LinkModel::perfect()).await;
    let (multi, there) = (&world.ends[0].multi, world.ends[1].id);
    let large = multi.send(&there, local(Priority::Normal, 256)).await;
    assert!(matches!(large, Err(Error::NoRoute { .. })), "{large:?}");
    multi.send(&there, local(Priority::Normal, 255)).await.unwrap();
    world.ends[0].links[0].1.set(Fault::OutOfDuty);
    for _ in 0..2 {
        let sent = multi.try_send(&there, local(Priority::Normal, 1));
        let Err(TrySendError::DutyCycle { retry_after }) = sent else { panic!("{sent:?}") };
        assert_eq!(retry_after.as_secs(), 60);
    }
    world.ends[0].links[0].1.set(Fault::None);
    let early = multi.send(&there, local(Priority::Normal, 1)).await;
    assert!(matches!(early, Err(Error::NoRoute { .. })), "{early:?}");
    world.pass(std::time::Duration::from_secs(60)).await;
    multi.send(&there, local(Priority::Normal, 1)).await.unwrap();
}

#[tokio::test]
async fn a_broadcast_reaches_each_once_whatever_fails() {
    let mut world = World::met(4, &[Lan, Lora], &LinkModel::perfect()).await;
    world.cut(0, 0, 1);
    world.notice(0, 0, 1);
    world.cut(0, 0, 2);
    world.notice(0, 0, 2);
    settle().await;
    // The second and third are reached by radio alone, in one transmission; the fourth by both.
    let signed = world.signed(1, Priority::Normal, b"water at six");
    world.ends[0].multi.broadcast(signed.clone()).await.unwrap();
    settle().await;
    for end in &mut world.ends[1..] {
        assert_eq!(end.arrived(), std::slice::from_ref(&signed));
    }
    assert_eq!(world.ends[0].transmissions(), [1, 1]);
    // What is not signed could not be told from its copy, so each is sent its own.
    world.ends[0].multi.broadcast(local(Priority::Normal, 9)).await.unwrap();
    settle().await;
    assert!(world.ends[1..].iter_mut().all(|end| end.arrived().len() == 1));
    assert_eq!(world.ends[0].transmissions(), [2, 3]);

    world.ends[0].links[1].1.set(Fault::RefusesSend);
    world.ends[0].multi.broadcast(world.signed(2, Priority::Normal, b"again")).await.unwrap();
    settle().await;
    let arrived: Vec<_> = world.ends[1..].iter_mut().map(|end| end.arrived().len()).collect();
    assert_eq!(arrived, [0, 0, 1]);
}

/// Nothing over the internet, everything else as the media come.
#[derive(Debug)]
struct StayHome;

impl RoutePolicy for StayHome {
    fn route(&self, _request: &RouteRequest, available: Kinds) -> Route {
        let mut route = Route::new(RouteMode::OneByOne);
        for kind in [Lan, Ble].into_iter().filter(|kind| available.contains(*kind)) {
            route.push(kind);
        }
        route
    }
}

#[tokio::test]
async fn another_policy_decides_otherwise() {
    let config = MultiConfig::default().with_policy(Arc::new(StayHome));
    let world = World::configured(2, &[Internet, Lan], &LinkModel::perfect(), &config).await;
    let (multi, there) = (&world.ends[0].multi, world.ends[1].id);
    let bulk = local(Priority::Bulk, 10);
    assert_eq!(multi.route(&there, &RouteRequest::of(&bulk)).unwrap().kinds(), [Lan]);
    multi.send(&there, bulk).await.unwrap();
    assert_eq!(world.ends[0].transmissions(), [0, 1]);
    assert!(multi.route(&world.ends[0].id, &RouteRequest::of(&local(Priority::Bulk, 1))).is_none());
}
