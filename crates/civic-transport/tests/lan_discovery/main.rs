//! LAN discovery on loopback: who finds whom, and who never does.
//!
//! Every test has a network of its own, so that they do not meet although they share ports.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop at the first surprise")]

mod node;
mod processes;

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;

use civic_transport::links::lan::{BeaconKey, LanConfig};
use civic_transport::{Error, Event, LostReason, TransportAdapter};
use civic_types::cell::{MemoryCell, StateCell};
use futures_util::StreamExt;

use node::{Node, config, discovery, fresh, start, start_with_site, until, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_find_each_other_by_mdns_alone_and_by_broadcast_alone() {
    for discovery in [discovery().with_broadcast(false), discovery().with_mdns(false)] {
        let net = fresh("alone");
        let a = start(1, &net, config(discovery.clone(), "")).await;
        let b = start(2, &net, config(discovery, "")).await;
        a.until_peers(&[&b]).await;
        b.until_peers(&[&a]).await;
        a.delivers(&b).await;
        within(a.adapter.stop()).await.unwrap();
        within(b.adapter.stop()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_of_other_networks_sites_and_keys_never_meet() {
    let (net, other) = (fresh("strangers"), fresh("others"));
    let secret = discovery().with_key(BeaconKey::from_bytes([7; 32]));
    let groups = [
        (net.as_str(), "harbour", discovery()),
        (net.as_str(), "hill", discovery()),
        (other.as_str(), "harbour", discovery()),
        (net.as_str(), "harbour", secret),
    ];
    let mut nodes = Vec::new();
    for (seed, (net, site, discovery)) in (0..).step_by(3).zip(groups) {
        let mut group = Vec::new();
        for member in 1..=3 {
            group.push(start(seed + member, net, config(discovery.clone(), site)).await);
        }
        nodes.push(group);
    }
    // Time enough for everybody to meet their own is time enough to meet a stranger.
    for group in &nodes {
        let [a, b, c] = group.as_slice() else { unreachable!() };
        a.until_peers(&[b, c]).await;
        b.until_peers(&[a, c]).await;
        c.until_peers(&[a, b]).await;
    }
    // Nor does an address that leads there help.
    let refused = within(nodes[1][0].adapter.connect(&nodes[0][0].address())).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
    for group in &nodes {
        assert!(group.iter().all(|node| node.peers().len() == 2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_moves_leaves_one_neighbourhood_and_joins_the_other() {
    let net = fresh("moving");
    let (a, site) = start_with_site(1, &net, config(discovery(), "harbour")).await;
    let b = start(2, &net, config(discovery(), "harbour")).await;
    let c = start(3, &net, config(discovery(), "hill")).await;
    a.until_peers(&[&b]).await;
    b.until_peers(&[&a]).await;
    let mut events = a.adapter.events();
    site.set("hill");
    let lost = within(events.next()).await.unwrap();
    assert!(
        matches!(lost, Event::Lost { peer, reason: LostReason::ClosedHere, .. } if peer == b.id),
        "{lost:?}"
    );
    a.until_peers(&[&c]).await;
    b.until_peers(&[]).await;
    c.delivers(&a).await;
    assert_eq!((a.adapter.site(), site.get()), ("hill".into(), "hill".into()));
    // And back, by the adapter.
    a.adapter.set_site("harbour");
    a.until_peers(&[&b]).await;
    c.until_peers(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_leaves_connections_to_addresses_given_by_hand() {
    let net = fresh("by-hand");
    let (a, site) = start_with_site(1, &net, config(discovery(), "harbour")).await;
    let b = start(2, &net, LanConfig::loopback().with_site("harbour")).await;
    let c = start(3, &net, config(discovery(), "harbour")).await;
    within(a.adapter.connect(&b.address())).await.unwrap();
    a.until_peers(&[&b, &c]).await;
    let connection = |node: &Node| node.adapter.peers().iter().find(|i| i.peer == b.id).map(|i| i.connection);
    let before = connection(&a);
    site.set("hill");
    a.until_peers(&[&b]).await;
    assert_eq!(connection(&a), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_is_lost_and_who_starts_again_is_found_again() {
    for discovery in [discovery().with_broadcast(false), discovery().with_mdns(false)] {
        let net = fresh("stopping");
        let a = start(1, &net, config(discovery.clone(), "")).await;
        let b = start(2, &net, config(discovery, "")).await;
        for _ in 0..2 {
            a.until_peers(&[&b]).await;
            within(b.adapter.stop()).await.unwrap();
            assert!(b.peers().is_empty());
            a.until_peers(&[]).await;
            b.adapter.start().await.unwrap();
        }
        a.until_peers(&[&b]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_disconnected_is_not_dialled_for_being_announced() {
    let net = fresh("shunned");
    let (a, c) =
        (start(1, &net, config(discovery(), "")).await, start(3, &net, config(discovery(), "")).await);
    a.until_peers(&[&c]).await;
    c.until_peers(&[&a]).await;
    within(a.adapter.disconnect(&c.id)).await.unwrap();
    // It may have come back before its own user was done with it.
    within(c.adapter.disconnect(&a.id)).await.unwrap();
    let b = start(2, &net, config(discovery(), "")).await;
    // Both find the third, and have had time to find each other.
    b.until_peers(&[&a, &c]).await;
    a.until_peers(&[&b]).await;
    c.until_peers(&[&b]).await;
    // Until the user wants it again.
    within(a.adapter.connect(&c.address())).await.unwrap();
    a.until_peers(&[&b, &c]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_answered_is_dialled_after_a_restart() {
    let (net, cell) = (fresh("known"), Arc::new(MemoryCell::new()));
    // Nothing is announced, so that only the cell can tell.
    let silent = discovery().with_mdns(false).with_broadcast(false);
    let b = start(2, &net, config(silent.clone(), "")).await;
    let keeping = silent.clone().with_known(cell.clone());
    let a = start(1, &net, config(keeping.clone(), "")).await;
    within(a.adapter.connect(&b.address())).await.unwrap();
    within(a.adapter.stop()).await.unwrap();
    assert!(cell.load().unwrap().is_some());
    drop(a);
    b.until_peers(&[]).await;
    let a = start(1, &net, config(keeping.clone(), "")).await;
    a.until_peers(&[&b]).await;
    within(a.adapter.stop()).await.unwrap();
    drop(a);
    // A control: of another site nobody is known.
    let (a, site) = start_with_site(1, &net, config(keeping, "elsewhere")).await;
    let c = start(3, &net, config(silent, "elsewhere")).await;
    within(a.adapter.connect(&c.address())).await.unwrap();
    assert_eq!(a.peers(), [c.id]);
    site.set("");
    assert!(until(|| a.peers().contains(&b.id)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_of_broadcast_in_use_is_no_reason_to_fail() {
    let net = fresh("in-use");
    // Not shared: whoever comes later cannot bind it.
    let taken = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let a = start(1, &net, config(discovery().with_broadcast_port(port), "")).await;
    let b = start(2, &net, config(discovery().with_broadcast_port(port), "")).await;
    a.until_peers(&[&b]).await;
    // Once the port is free broadcast works too: mDNS is off at the one that comes now.
    drop(taken);
    let c = start(3, &net, config(discovery().with_broadcast_port(port).with_mdns(false), "")).await;
    c.until_peers(&[&a, &b]).await;
}
