//! The LAN link on loopback: what every adapter owes, and what an attacker or a broken cable does to it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop at the first surprise")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use civic_transport::conformance::{self, Pair, Profile};
use civic_transport::links::lan::{LanConfig, LanLink};
use civic_transport::*;
use civic_types::PeerId;
use civic_types::time::TokioTimer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use common::{Forwarder, Node, discovered, lost, node, node_with, within};

async fn connected() -> (Node, Node) {
    let (a, b) = (node(1).await, node(2).await);
    within(a.adapter.connect(&b.address())).await.unwrap();
    (a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lan_link_conforms() {
    let pair = async || {
        let (a, b) = (node(1).await, node(2).await);
        let b_address = b.address().address;
        Pair { a_id: a.id, b_id: b.id, b_address, a: a.adapter, b: b.adapter }
    };
    let profile = Profile::new(Arc::new(TokioTimer));
    conformance::all(pair, &profile).await.unwrap();
}

#[tokio::test]
async fn the_wrong_peer_ourselves_and_nobody_are_refused() {
    let (a, b) = (node(1).await, node(2).await);
    let stranger = PeerId::from_bytes([7; 32]);
    let wrong = within(a.adapter.connect(&PeerAddr::new(stranger, b.address().address))).await;
    assert!(
        matches!(wrong, Err(Error::WrongPeer { got, want }) if got == b.id && want == stranger),
        "{wrong:?}"
    );
    let myself = within(a.adapter.connect(&PeerAddr::anyone(a.address().address))).await;
    assert!(matches!(myself, Err(Error::InvalidAddress { .. })), "{myself:?}");
    let gone = b.address();
    within(b.adapter.stop()).await.unwrap();
    let nobody = within(a.adapter.connect(&gone)).await;
    assert!(matches!(nobody, Err(Error::Unreachable { .. })), "{nobody:?}");
    assert!(a.adapter.peers().is_empty());
}

#[tokio::test]
async fn a_port_in_use_and_another_network_are_named() {
    let a = node(1).await;
    let taken = LanConfig::loopback().with_listen(a.address().address.parse().unwrap());
    let b = LanLink::new(taken).into_adapter(&common::identity(2, "test")).unwrap();
    let error = b.start().await.unwrap_err();
    assert!(matches!(&error, Error::AddressInUse { address } if *address == a.address().address), "{error}");

    let foreign = LanLink::new(LanConfig::loopback()).into_adapter(&common::identity(3, "other")).unwrap();
    foreign.start().await.unwrap();
    let refused = within(foreign.connect(&a.address())).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
    assert!(a.adapter.peers().is_empty());
}

#[tokio::test]
async fn bytes_that_are_no_tls_and_other_protocols_get_nothing() {
    let a = node(1).await;
    let address = a.address().address;
    // A TLS 1.2 ClientHello without TLS 1.3's extension, and plain garbage.
    let mut tls12 = vec![0x16, 3, 1, 0, 0x2d, 1, 0, 0, 0x29, 3, 3];
    tls12.extend([0; 32]);
    tls12.extend([0, 0, 2, 0xc0, 0x2b, 1, 0]);
    for bytes in [tls12, b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![0; 100_000]] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // The other end may close while we still write.
        let _ = stream.write_all(&bytes).await;
        let mut rest = Vec::new();
        let _ = within(stream.read_to_end(&mut rest)).await;
        assert!(rest.len() < 100, "answered {} bytes", rest.len());
    }
    for outcome in [common::raw_tls(&address, 9, b"h2").await, common::raw_tls(&address, 9, b"").await] {
        assert!(outcome.is_none(), "another protocol was taken");
    }
    let (b, id) = (node(2).await, a.id);
    assert_eq!(within(b.adapter.connect(&a.address())).await.unwrap(), id);
}

#[tokio::test]
async fn garbage_inside_tls_is_misbehaviour_and_ends_the_connection() {
    let a = node(1).await;
    let hello = common::hello("test", "");
    let garbage = [
        vec![0, 0, 0, 0],
        vec![0xff; 8],
        vec![0, 0, 0, 1, 99],
        vec![0, 0, 0, 3, 16, 1, 9],
        vec![0, 0, 0, 5, 17, 0x8c, 1, 2, 3],
        hello.clone(),
    ];
    for bytes in garbage {
        let mut events = a.adapter.events();
        let mut stream = common::raw_tls(&a.address().address, 9, b"civic/1").await.unwrap();
        stream.write_all(&hello).await.unwrap();
        discovered(&mut events).await;
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(lost(&mut events).await.1, LostReason::Misbehaved, "{bytes:?}");
        let mut rest = Vec::new();
        let _ = within(stream.read_to_end(&mut rest)).await;
    }
}

#[tokio::test]
async fn a_peer_that_never_reads_makes_busy_and_costs_bounded_memory() {
    let a = node_with(1, LanConfig::loopback().with_queue_bytes(1024 * 1024)).await;
    let mut events = a.adapter.events();
    let mut stream = common::raw_tls(&a.address().address, 9, b"civic/1").await.unwrap();
    stream.write_all(&common::hello("test", "")).await.unwrap();
    let stalled = discovered(&mut events).await.peer;
    let b = node(2).await;
    within(b.adapter.connect(&a.address())).await.unwrap();
    discovered(&mut events).await;
    let envelope = Envelope::local(1, vec![0; 64 * 1024]);
    // Until the queue, and the sockets' own buffers, stay full while everything else may run.
    let (mut taken, mut busy) = (0, 0);
    while busy < 50 {
        match a.adapter.try_send(&stalled, envelope.clone()) {
            Ok(_) => (taken, busy) = (taken + 1, 0),
            Err(TrySendError::Busy) => busy += 1,
            Err(other) => panic!("{other:?}"),
        }
        tokio::task::yield_now().await;
    }
    assert!(taken < 1000, "{taken} envelopes were taken");
    let mut at_b = b.adapter.events();
    a.adapter.send(&b.id, Envelope::local(2, "others get theirs")).await.unwrap();
    common::received(&mut at_b).await;
    within(a.adapter.stop()).await.unwrap();
}

#[tokio::test]
async fn silence_is_noticed_in_time_and_the_peer_found_again_when_it_ends() {
    let keepalive = Duration::from_millis(50);
    let config = || {
        LanConfig::loopback()
            .with_keepalive(keepalive, 3 * keepalive)
            .with_handshake_timeout(Duration::from_millis(300))
            .with_backoff(Duration::from_millis(20), Duration::from_millis(100))
    };
    let (a, b) = (node_with(1, config()).await, node_with(2, config()).await);
    let forwarder = Forwarder::to(b.address().address).await;
    let (mut at_a, mut at_b) = (a.adapter.events(), b.adapter.events());
    within(a.adapter.connect(&PeerAddr::new(b.id, forwarder.address()))).await.unwrap();
    let first = discovered(&mut at_a).await;
    discovered(&mut at_b).await;
    // Idle but alive: pings keep it, or the next envelope would come on another connection.
    for _ in 0..5 {
        a.adapter.send(&b.id, Envelope::local(1, "still there")).await.unwrap();
        assert_eq!(common::received(&mut at_b).await, Envelope::local(1, "still there"));
    }
    let cut = tokio::time::Instant::now();
    forwarder.set_silent(true);
    assert_eq!(lost(&mut at_a).await, (b.id, LostReason::Silent));
    assert_eq!(lost(&mut at_b).await, (a.id, LostReason::Silent));
    assert!(cut.elapsed() >= 2 * keepalive && cut.elapsed() < Duration::from_secs(5), "{:?}", cut.elapsed());
    forwarder.set_silent(false);
    let second = discovered(&mut at_a).await;
    assert!(second.connection > first.connection);
    assert_ne!(second.bindings, first.bindings);
    a.adapter.send(&b.id, Envelope::local(1, "again")).await.unwrap();
    assert_eq!(common::received(&mut at_b).await, Envelope::local(1, "again"));
}

#[tokio::test]
async fn a_tampered_stream_dies_and_delivers_nothing_changed() {
    let (a, b) = (node(1).await, node(2).await);
    let forwarder = Forwarder::to(b.address().address).await;
    let (mut at_a, mut at_b) = (a.adapter.events(), b.adapter.events());
    within(a.adapter.connect(&PeerAddr::new(b.id, forwarder.address()))).await.unwrap();
    discovered(&mut at_a).await;
    forwarder.tamper();
    a.adapter.send(&b.id, Envelope::local(1, "in transit")).await.unwrap();
    discovered(&mut at_b).await;
    match common::next(&mut at_b).await {
        Event::Lost { peer, .. } => assert_eq!(peer, a.id),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn simultaneous_dials_leave_one_connection_that_both_agree_on() {
    for _ in 0..5 {
        let (a, b) = (node(1).await, node(2).await);
        let (to_a, to_b) = (a.address(), b.address());
        let both = async { tokio::join!(a.adapter.connect(&to_b), b.adapter.connect(&to_a)) };
        let (one, other) = within(both).await;
        assert_eq!((one.unwrap(), other.unwrap()), (b.id, a.id));
        let binding =
            |node: &Node| node.adapter.peers().first().and_then(|info| info.bindings.first().cloned());
        common::until(|| binding(&a).is_some() && binding(&a) == binding(&b)).await;
        let mut at_b = b.adapter.events();
        a.adapter.send(&b.id, Envelope::local(1, "one")).await.unwrap();
        common::received(&mut at_b).await;
    }
}

#[tokio::test]
async fn manual_addresses_are_dialled_until_somebody_answers() {
    let b = node(2).await;
    let address = b.address();
    let listen = address.address.parse().unwrap();
    within(b.adapter.stop()).await.unwrap();
    let backoff = Duration::from_millis(20);
    let a = node_with(1, LanConfig::loopback().with_manual(address).with_backoff(backoff, backoff)).await;
    let mut events = a.adapter.events();
    let b = node_with(2, LanConfig::loopback().with_listen(listen)).await;
    assert_eq!(discovered(&mut events).await.peer, b.id);
    drop(b);
    assert_eq!(lost(&mut events).await.1, LostReason::ClosedThere);
}

#[tokio::test]
async fn a_full_house_refuses_strangers_and_a_stop_ends_all() {
    let a = node_with(1, LanConfig::loopback().with_max_peers(1)).await;
    let (b, c) = (node(2).await, node(3).await);
    within(b.adapter.connect(&a.address())).await.unwrap();
    let refused = within(c.adapter.connect(&a.address())).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
    let address = a.address().address;
    within(a.adapter.stop()).await.unwrap();
    assert_eq!(a.adapter.local_addr(), None);
    assert!(TcpStream::connect(&address).await.is_err(), "still listening");
    common::until(|| b.adapter.peers().is_empty()).await;
}

#[tokio::test]
async fn two_connected_peers_share_a_binding() {
    let (a, b) = connected().await;
    common::until(|| !b.adapter.peers().is_empty()).await;
    assert_eq!(a.adapter.peers()[0].bindings, b.adapter.peers()[0].bindings);
    assert!(a.adapter.peers()[0].bindings.len() == 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_of_a_long_write_is_no_misbehaviour() {
    for size in [1024 * 1024, 300_000, 70_000] {
        let (a, b) = connected().await;
        let mut at_b = b.adapter.events();
        for _ in 0..3 {
            // Room or not: the stop comes while something is being written.
            let _ = a.adapter.try_send(&b.id, Envelope::local(1, vec![1; size]));
        }
        tokio::task::yield_now().await;
        within(a.adapter.stop()).await.unwrap();
        assert_eq!(lost(&mut at_b).await.1, LostReason::ClosedThere);
    }
}
