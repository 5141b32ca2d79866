//! What a broken world does to the internet link: cut cables, ports in use, wrong addresses.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop at the first surprise")]

mod common;

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use civic_p2p::internet::{InternetConfig, InternetLink};
use civic_transport::*;
use civic_types::cell::{MemoryCell, StateCell};

use common::{
    Forwarder, QUIC, TCP, discovered, identity, lost, node, node_with, quiet, received, until, within,
};

#[expect(clippy::disallowed_methods, reason = "the bound of two seconds is the promise under test")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn silence_over_tcp_is_noticed_in_time_and_the_peer_found_again_when_it_ends() {
    let (a, b) = (node_with(1, watchful(TCP)).await, node_with(2, watchful(TCP)).await);
    let forwarder = Forwarder::to(b.tcp().0).await;
    let address = forwarder.address();
    silence(a, b, forwarder, address).await;
}

#[tokio::test]
async fn silence_over_quic_is_noticed_in_time_and_the_peer_found_again_when_it_ends() {
    let (a, b) = (node_with(1, watchful(QUIC)).await, node_with(2, watchful(QUIC)).await);
    let port = b.address().address.split('/').nth(4).unwrap().parse().unwrap();
    let forwarder = Forwarder::datagrams_to(port).await;
    let address = format!("/ip4/127.0.0.1/udp/{}/quic-v1", forwarder.port());
    silence(a, b, forwarder, address).await;
}

const KEEPALIVE: Duration = Duration::from_millis(200);

fn watchful(listen: &str) -> InternetConfig {
    quiet().with_listen([listen]).with_keepalive(KEEPALIVE, 3 * KEEPALIVE)
}

async fn silence(a: common::Node, b: common::Node, forwarder: Forwarder, address: String) {
    let (mut at_a, mut at_b) = (a.adapter.events(), b.adapter.events());
    within(a.adapter.connect(&PeerAddr::new(b.id, address))).await.unwrap();
    let first = discovered(&mut at_a).await;
    discovered(&mut at_b).await;
    // Idle but alive: pings keep it, or the next envelope would come on another connection.
    for _ in 0..5 {
        tokio::time::sleep(KEEPALIVE).await;
        a.adapter.send(&b.id, Envelope::local(1, "still there")).await.unwrap();
        assert_eq!(received(&mut at_b).await, Envelope::local(1, "still there"));
    }
    for round in 0..2 {
        forwarder.set_silent(true);
        assert_eq!(lost(&mut at_a).await, (b.id, LostReason::Silent));
        assert_eq!(lost(&mut at_b).await, (a.id, LostReason::Silent));
        // Long enough for several attempts to hang in the silence.
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(a.adapter.peers().is_empty());
        forwarder.set_silent(false);
        let back = now();
        let second = discovered(&mut at_a).await;
        assert!(back.elapsed() <= Duration::from_secs(2), "round {round}: found after {:?}", back.elapsed());
        assert!(second.connection > first.connection);
        assert_ne!(second.bindings, first.bindings);
        discovered(&mut at_b).await;
        a.adapter.send(&b.id, Envelope::local(1, "again")).await.unwrap();
        assert_eq!(received(&mut at_b).await, Envelope::local(1, "again"));
    }
    assert_eq!(a.adapter.statistics().silent, 2);
}

#[tokio::test]
async fn a_restarted_peer_is_found_within_two_seconds() {
    let b = node(2).await;
    let (port, name) = b.tcp();
    let listen = format!("/ip4/127.0.0.1/tcp/{port}");
    let a = node(1).await;
    let mut events = a.adapter.events();
    within(a.adapter.connect(&PeerAddr::new(b.id, format!("{listen}/p2p/{name}")))).await.unwrap();
    drop(b);
    assert_eq!(lost(&mut events).await.1, LostReason::ClosedThere);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let b = within(async {
        loop {
            let again = InternetLink::new(quiet().with_listen([&listen]));
            let again = again.into_adapter(&identity(2, "test")).unwrap();
            // The old listener may take a moment to go.
            match again.start().await {
                Ok(()) => return again,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await;
    let back = now();
    discovered(&mut events).await;
    assert!(back.elapsed() <= Duration::from_secs(2), "found after {:?}", back.elapsed());
    drop(b);
}

#[tokio::test]
async fn a_port_in_use_is_named_and_another_address_beside_it_works() {
    let a = node(1).await;
    let taken = format!("/ip4/127.0.0.1/tcp/{}", a.tcp().0);
    let link = |listen: Vec<String>| {
        InternetLink::new(quiet().with_listen(listen)).into_adapter(&identity(2, "test")).unwrap()
    };
    let b = link(vec![taken.clone()]);
    let error = within(b.start()).await.unwrap_err();
    assert!(matches!(&error, Error::AddressInUse { address } if *address == taken), "{error}");
    assert!(!b.is_active());
    let both = link(vec![taken, TCP.to_owned()]);
    within(both.start()).await.unwrap();
    assert_eq!((both.addresses().len(), both.statistics().listen_failed), (1, 1));
    within(both.connect(&a.address())).await.unwrap();
    // The first one's own traffic is not disturbed, and its port is not shared.
    until(|| a.adapter.peers().len() == 1).await;
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = format!("/ip4/127.0.0.1/udp/{}/quic-v1", udp.local_addr().unwrap().port());
    let error = within(link(vec![taken.clone()]).start()).await.unwrap_err();
    assert!(matches!(&error, Error::AddressInUse { address } if *address == taken), "{error}");
}

#[tokio::test]
async fn wrong_bootstrap_addresses_and_no_interface_stop_nothing() {
    let a = node(1).await;
    let dead = node(9).await;
    let nobody = dead.address();
    drop(dead);
    let config = quiet()
        .with_listen(["/ip4/192.0.2.1/tcp/4001"])
        .with_bootstrap(PeerAddr::anyone("no address"))
        .with_bootstrap(PeerAddr::anyone("/ip4/127.0.0.1/tcp/1"))
        .with_bootstrap(nobody)
        .with_external_address("neither")
        .with_bootstrap(a.address());
    let b = node_with(2, config).await;
    assert!(b.adapter.is_active() && b.adapter.addresses().is_empty());
    until(|| a.adapter.peers().len() == 1).await;
    until(|| b.adapter.statistics().dials_failed >= 2).await;
    let statistics = b.adapter.statistics();
    assert_eq!((statistics.bad_addresses, statistics.listen_failed), (2, 1));
}

#[tokio::test]
async fn good_addresses_outlive_the_process_and_damaged_ones_are_forgotten() {
    let a = node(1).await;
    let cell = Arc::new(MemoryCell::new());
    let remembering = || quiet().with_addresses(cell.clone());
    let b = node_with(2, remembering()).await;
    within(b.adapter.connect(&a.address())).await.unwrap();
    within(b.adapter.stop()).await.unwrap();
    until(|| a.adapter.peers().is_empty()).await;
    let b = node_with(2, remembering()).await;
    until(|| a.adapter.peers().len() == 1).await;
    within(b.adapter.stop()).await.unwrap();
    cell.save(b"damaged").unwrap();
    let b = node_with(2, remembering()).await;
    within(b.adapter.connect(&a.address())).await.unwrap();
    within(b.adapter.stop()).await.unwrap();
    assert_ne!(cell.load().unwrap().unwrap(), b"damaged");
}

#[tokio::test]
async fn simultaneous_dials_leave_one_session_that_both_agree_on() {
    for _ in 0..5 {
        let (a, b) = (node(1).await, node(2).await);
        let (to_a, to_b) = (a.address(), b.address());
        let both = async { tokio::join!(a.adapter.connect(&to_b), b.adapter.connect(&to_a)) };
        let (one, other) = within(both).await;
        assert_eq!((one.unwrap(), other.unwrap()), (b.id, a.id));
        let binding = |node: &common::Node| {
            node.adapter.peers().first().and_then(|info| info.bindings.first().cloned())
        };
        until(|| binding(&a).is_some() && binding(&a) == binding(&b)).await;
        let mut at_b = b.adapter.events();
        a.adapter.send(&b.id, Envelope::local(1, "one")).await.unwrap();
        received(&mut at_b).await;
    }
}

#[tokio::test]
async fn a_full_house_refuses_strangers_and_a_stop_ends_all() {
    let a = node_with(1, quiet().with_max_connections(1)).await;
    let (b, c) = (node(2).await, node(3).await);
    within(b.adapter.connect(&a.address())).await.unwrap();
    let refused = within(c.adapter.connect(&a.address())).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
    let port = a.tcp().0;
    within(a.adapter.stop()).await.unwrap();
    assert!(a.adapter.addresses().is_empty());
    within(async { while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {} }).await;
    until(|| b.adapter.peers().is_empty()).await;
}

/// The environment variable that makes the next test the child.
const ROLE: &str = "CIVIC_P2P_KEY_LOG_CHILD";

#[tokio::test]
async fn it_refuses_to_start_where_session_keys_would_be_logged() {
    let link = InternetLink::new(quiet()).into_adapter(&identity(1, "test")).unwrap();
    if std::env::var_os(ROLE).is_some() {
        let error = link.start().await.unwrap_err();
        assert!(error.source().unwrap().to_string().contains("SSLKEYLOGFILE"), "{error:?}");
        return;
    }
    // The control: here it starts.
    within(link.start()).await.unwrap();
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "it_refuses_to_start_where_session_keys_would_be_logged"])
        .env(ROLE, "1")
        .env("SSLKEYLOGFILE", "/dev/null")
        .output();
    let output = within(child).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn the_defaults_find_silence_within_fifteen_seconds() {
    let config = InternetConfig::default();
    assert_eq!((config.keepalive, config.lost_after), (Duration::from_secs(5), Duration::from_secs(15)));
    assert!(config.backoff_unit <= Duration::from_secs(1), "the pace of insisting");
}
