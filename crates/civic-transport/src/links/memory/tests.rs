use std::sync::Arc;
use std::time::Duration;

use civic_crypto::DeviceKey;
use civic_types::PeerId;
use civic_types::time::{ManualClock, Timestamp};
use futures_util::{FutureExt, StreamExt};

use super::*;
use crate::sim::LinkModel;
use crate::*;

/// 2026-06-01.
const NOW: Timestamp = Timestamp::from_millis(1_780_272_000_000);

fn key(seed: u8) -> Arc<DeviceKey> {
    Arc::new(DeviceKey::from_seed(&[seed; 32]))
}

fn adapter(net: &MemoryNetwork, seed: u8, clock: &ManualClock) -> Arc<dyn TransportAdapter> {
    let identity = LinkIdentity::new(key(seed), "test", Arc::new(clock.clone()));
    let adapter = Box::new(net.link()).bind(&identity).unwrap();
    adapter.start().now_or_never().unwrap().unwrap();
    adapter
}

fn next(events: &mut EventStream) -> Option<Event> {
    events.next().now_or_never().flatten()
}

struct Pair {
    net: MemoryNetwork,
    clock: ManualClock,
    a: Arc<dyn TransportAdapter>,
    b: Arc<dyn TransportAdapter>,
    ids: [PeerId; 2],
}

fn pair(net: MemoryNetwork, clock: ManualClock) -> Pair {
    let (a, b) = (adapter(&net, 1, &clock), adapter(&net, 2, &clock));
    Pair { net, clock, a, b, ids: [key(1).peer_id(), key(2).peer_id()] }
}

fn perfect() -> Pair {
    pair(MemoryNetwork::new(), ManualClock::new(NOW))
}

#[test]
fn started_links_are_connected_and_share_a_binding_that_every_connection_renews() {
    let Pair { net, a, b, ids, .. } = perfect();
    let binding = |x: &Arc<dyn TransportAdapter>| x.peers()[0].bindings[0].clone();
    let first = binding(&a);
    assert_eq!(first, binding(&b));
    net.sever(&ids[0], &ids[1]);
    assert!(a.peers().is_empty() && b.peers().is_empty());
    net.heal(&ids[0], &ids[1]);
    assert_eq!(binding(&a), binding(&b));
    assert_ne!(binding(&a), first);
}

#[test]
fn a_cut_is_silent_until_noticed_and_a_heal_makes_a_new_connection() {
    let Pair { net, a, b, ids, .. } = perfect();
    let (mut at_a, mut at_b) = (a.events(), b.events());
    net.cut(&ids[0], &ids[1]);
    assert!(a.send(&ids[1], Envelope::local(1, "lost")).now_or_never().unwrap().is_ok());
    assert_eq!((next(&mut at_a), next(&mut at_b)), (None, None));
    net.notice(&ids[0], &ids[1]);
    assert!(matches!(next(&mut at_b), Some(Event::Lost { reason: LostReason::Silent, connection: 1, .. })));
    net.heal(&ids[0], &ids[1]);
    assert!(matches!(next(&mut at_b), Some(Event::Discovered(info)) if info.connection == 2));
    assert!(a.send(&ids[1], Envelope::local(1, "there")).now_or_never().unwrap().is_ok());
    assert!(matches!(next(&mut at_b), Some(Event::Received { connection: 2, .. })));
    net.cut(&ids[0], &ids[1]);
    net.heal(&ids[0], &ids[1]);
    assert!(matches!(next(&mut at_b), Some(Event::Lost { reason: LostReason::Silent, connection: 2, .. })));
    assert!(matches!(next(&mut at_b), Some(Event::Discovered(info)) if info.connection == 3));
}

#[test]
fn a_model_delays_in_the_time_of_its_timer_and_loses_what_it_says() {
    let clock = ManualClock::new(NOW);
    let model = LinkModel::perfect().with_delay(Duration::from_millis(20), Duration::from_millis(20));
    let net = MemoryNetwork::with_model(1, model, Arc::new(clock.clone()));
    let Pair { a, b, ids, clock, .. } = pair(net, clock);
    assert!(a.capabilities().reliable && a.capabilities().ordered);
    let mut events = b.events();
    assert!(a.send(&ids[1], Envelope::local(1, "late")).now_or_never().unwrap().is_ok());
    assert_eq!(next(&mut events), None);
    clock.advance(Duration::from_millis(19));
    assert_eq!(next(&mut events), None);
    clock.advance(Duration::from_millis(1));
    assert!(matches!(next(&mut events), Some(Event::Received { .. })));

    let clock = ManualClock::new(NOW);
    let net = MemoryNetwork::with_model(1, LinkModel::lossy(), Arc::new(clock.clone()));
    let Pair { a, b, ids, clock, .. } = pair(net, clock);
    assert!(!a.capabilities().reliable && !a.capabilities().ordered);
    let mut events = b.events();
    for _ in 0..500 {
        assert!(a.send(&ids[1], Envelope::local(1, "?")).now_or_never().unwrap().is_ok());
    }
    clock.advance(Duration::from_secs(1));
    let arrived = std::iter::from_fn(|| next(&mut events)).count();
    assert!((400..550).contains(&arrived) && arrived != 500, "{arrived}");
}

#[test]
fn a_full_inbox_makes_the_sender_wait_until_the_receiver_polls() {
    let Pair { a, b, ids, .. } = perfect();
    let mut events = b.events();
    let envelope = || Envelope::local(1, vec![0; 1024 * 1024 - 128]);
    for _ in 0..4 {
        assert!(a.try_send(&ids[1], envelope()).is_ok());
    }
    assert!(matches!(a.try_send(&ids[1], envelope()), Err(TrySendError::Busy)));
    let mut send = a.send(&ids[1], envelope());
    assert!((&mut send).now_or_never().is_none());
    assert!(next(&mut events).is_some());
    assert!(send.now_or_never().unwrap().is_ok());
}

#[test]
fn two_links_of_one_device_are_refused_and_a_dropped_one_is_gone() {
    let Pair { net, a, b, clock, .. } = perfect();
    let identity = LinkIdentity::new(key(1), "test", Arc::new(clock));
    let twin = Box::new(net.link()).bind(&identity).unwrap();
    assert!(matches!(twin.start().now_or_never(), Some(Err(Error::AddressInUse { .. }))));
    assert_eq!(b.peers().len(), 1);
    drop(a);
    assert!(b.peers().is_empty());
    assert!(matches!(twin.start().now_or_never(), Some(Ok(()))));
    assert_eq!(b.peers().len(), 1);
}
