//! More than two nodes: gossip, the table, relays.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop at the first surprise")]

mod common;

use std::time::Duration;

use civic_p2p::internet::{InternetConfig, MAX_GOSSIP_BYTES, PATH};
use civic_transport::*;

use common::{Node, discovered, node, node_with, quiet, signed, until, within};

/// A chain: `a` and `c` know `b` alone.
async fn chain() -> [Node; 3] {
    let nodes = [node(1).await, node(2).await, node(3).await];
    let [a, b, c] = &nodes;
    within(a.adapter.connect(&b.address())).await.unwrap();
    within(c.adapter.connect(&b.address())).await.unwrap();
    for node in &nodes {
        node.adapter.subscribe("water").await.unwrap();
    }
    nodes
}

/// Publishes until a neighbour takes part.
async fn publish(node: &Node, envelope: SignedEnvelope) {
    within(async {
        loop {
            match node.adapter.publish("water", envelope.clone()).await {
                Ok(_) => return,
                Err(Error::NotConnected { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(other) => panic!("{other}"),
            }
        }
    })
    .await;
}

/// Envelopes until the one that ends with a text.
async fn heard(events: &mut EventStream, last: &str) -> Vec<(Via, Envelope)> {
    let mut all = Vec::new();
    loop {
        if let Event::Received { via, envelope, .. } = common::next(events).await {
            let done = envelope.payload() == last;
            all.push((via, envelope));
            if done {
                return all;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gossip_reaches_everybody_once_and_names_the_neighbour() {
    let [a, b, c] = chain().await;
    let mut at_c = c.adapter.events();
    // Until the mesh stands, `c` may miss some.
    let mut n = 0;
    let first = within(async {
        loop {
            n += 1;
            publish(&a, signed(1, common::NET, n, "warming up")).await;
            if let Ok(event) = tokio::time::timeout(Duration::from_millis(200), common::next(&mut at_c)).await
            {
                break event;
            }
        }
    })
    .await;
    assert!(
        matches!(&first, Event::Received { via: Via::Authenticated(peer), .. } if *peer == b.id),
        "{first:?}"
    );
    let last = signed(1, common::NET, 1000, "the well is open");
    publish(&a, last.clone()).await;
    let seen = heard(&mut at_c, "the well is open").await;
    assert_eq!(seen.last().unwrap(), &(Via::Authenticated(b.id), last.clone().into()));
    // A second copy by another way is no second message.
    b.adapter.send(&c.id, last.into()).await.unwrap();
    b.adapter.send(&c.id, Envelope::local(1, "end")).await.unwrap();
    assert_eq!(heard(&mut at_c, "end").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgery_is_neither_delivered_nor_passed_on_and_costs_the_connection() {
    let [a, b, c] = chain().await;
    let (mut at_b, mut at_c) = (b.adapter.events(), c.adapter.events());
    // Signed for another network: well formed, and badly signed in this one.
    publish(&a, signed(1, "another", 1, "forged")).await;
    loop {
        match common::next(&mut at_b).await {
            Event::Lost { peer, reason, .. } => {
                assert_eq!((peer, reason), (a.id, LostReason::Misbehaved));
                break;
            }
            Event::Received { envelope, .. } => panic!("delivered {envelope:?}"),
            _ => {}
        }
    }
    assert_eq!(b.adapter.statistics().gossip_rejected, 1);
    // The control: what `b` itself says gets to `c`, and the forgery did not.
    let mut n = 2;
    let seen = within(async {
        loop {
            n += 1;
            publish(&b, signed(2, common::NET, n, "honest")).await;
            let heard = heard(&mut at_c, "honest");
            if let Ok(seen) = tokio::time::timeout(Duration::from_millis(200), heard).await {
                break seen;
            }
        }
    })
    .await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(c.adapter.statistics().gossip_rejected, 0);
}

#[tokio::test]
async fn gossip_has_its_limits() {
    let a = node(1).await;
    let mut big = String::new();
    big.extend(std::iter::repeat_n('x', MAX_GOSSIP_BYTES));
    let big = signed(1, common::NET, 1, Box::leak(big.into_boxed_str()));
    let refused = within(a.adapter.publish("water", big)).await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    let nobody = within(a.adapter.publish("water", signed(1, common::NET, 1, "hello"))).await;
    assert!(matches!(nobody, Err(Error::NotConnected { .. })), "{nobody:?}");
    within(a.adapter.stop()).await.unwrap();
    let stopped = within(a.adapter.subscribe("water")).await;
    assert!(matches!(stopped, Err(Error::Inactive)), "{stopped:?}");
}

fn searching() -> InternetConfig {
    let short = Duration::from_millis(500);
    quiet().with_discovery(true).with_assumed_reachability(true).with_walks(short, 10 * short)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_node_is_found_through_the_second() {
    let (a, b, c) =
        (node_with(1, searching()).await, node_with(2, searching()).await, node_with(3, searching()).await);
    // The control: who does not search stays alone.
    let hermit = node(4).await;
    within(a.adapter.connect(&b.address())).await.unwrap();
    within(c.adapter.connect(&b.address())).await.unwrap();
    within(hermit.adapter.connect(&b.address())).await.unwrap();
    until(|| {
        let knows = |node: &Node, peer| node.adapter.peers().iter().any(|info| info.peer == peer);
        knows(&a, c.id) && knows(&c, a.id)
    })
    .await;
    assert_eq!(hermit.adapter.peers().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_cannot_dial_each_other_talk_through_a_third() {
    let hub = quiet().with_assumed_reachability(true).with_relay_server(true);
    let hub = node_with(1, hub).await;
    let nowhere: [&str; 0] = [];
    let a = quiet().with_listen(nowhere).with_relay(hub.address().address);
    let a = node_with(2, a).await;
    until(|| !a.adapter.addresses().is_empty()).await;
    let through = a.adapter.addresses().first().unwrap().clone();
    assert!(through.contains("p2p-circuit"), "{through}");
    let b = node_with(3, quiet().with_listen(nowhere)).await;
    let (mut at_a, mut at_b) = (a.adapter.events(), b.adapter.events());
    within(b.adapter.connect(&PeerAddr::new(a.id, through))).await.unwrap();
    let info = loop {
        match discovered(&mut at_a).await {
            info if info.peer == b.id => break info,
            _ => {}
        }
    };
    let there = b.adapter.peers().into_iter().find(|info| info.peer == a.id).unwrap();
    assert_eq!(info.bindings, there.bindings);
    assert_eq!(there.metadata[PATH], "relayed");
    // More than libp2p's own limit of a circuit lets through.
    for n in 0..20_u8 {
        let sent = Envelope::local(n, vec![n; 64 * 1024]);
        within(b.adapter.send(&a.id, sent.clone())).await.unwrap();
        let got = heard_from(&mut at_a, &b).await;
        assert_eq!(got, sent);
    }
    a.adapter.send(&b.id, Envelope::local(9, "and back")).await.unwrap();
    assert_eq!(heard_from(&mut at_b, &a).await, Envelope::local(9, "and back"));
}

async fn heard_from(events: &mut EventStream, from: &Node) -> Envelope {
    loop {
        match common::next(events).await {
            Event::Received { via: Via::Authenticated(peer), envelope, .. } if peer == from.id => {
                return envelope;
            }
            Event::Lost { peer, reason, .. } if peer == from.id => panic!("lost: {reason:?}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relayed_session_moves_to_a_direct_path_without_loss() {
    let hub = quiet().with_assumed_reachability(true).with_relay_server(true);
    let hub = node_with(1, hub).await;
    let a = node_with(2, quiet().with_relay(hub.address().address)).await;
    until(|| a.adapter.addresses().iter().any(|address| address.contains("p2p-circuit"))).await;
    let addresses = a.adapter.addresses();
    let through = addresses.iter().find(|address| address.contains("p2p-circuit")).unwrap();
    let direct = addresses.iter().find(|address| !address.contains("p2p-circuit")).unwrap();
    let b = node(3).await;
    let (mut at_a, mut at_b) = (a.adapter.events(), b.adapter.events());
    within(b.adapter.connect(&PeerAddr::new(a.id, through.as_str()))).await.unwrap();
    let first = loop {
        match discovered(&mut at_a).await {
            info if info.peer == b.id => break info,
            _ => {}
        }
    };
    let numbered = |n: u32| Envelope::local(1, n.to_be_bytes().to_vec());
    let exchange = async |events: &mut EventStream, from: &Node, to: &Node, range: std::ops::Range<u32>| {
        let send = async {
            for n in range.clone() {
                from.adapter.send(&to.id, numbered(n)).await.unwrap();
            }
        };
        let receive = async {
            for n in range.clone() {
                assert_eq!(heard_from(events, from).await, numbered(n));
            }
        };
        tokio::join!(send, receive);
    };
    let path = |node: &Node, of: &Node| {
        let info = node.adapter.peers().into_iter().find(|info| info.peer == of.id)?;
        info.metadata.get(PATH).cloned()
    };
    // While envelopes run both ways, `b` learns the direct address.
    let to_direct = PeerAddr::anyone(direct.split("/p2p/").next().unwrap());
    let both = async {
        tokio::join!(exchange(&mut at_a, &b, &a, 0..3000), exchange(&mut at_b, &a, &b, 0..3000), async {
            b.adapter.connect(&to_direct).await.unwrap()
        },)
    };
    within(both).await;
    until(|| path(&a, &b).as_deref() == Some("direct") && path(&b, &a).as_deref() == Some("direct")).await;
    assert_eq!((a.adapter.statistics().moved, b.adapter.statistics().moved), (1, 1));
    let info = a.adapter.peers().into_iter().find(|info| info.peer == b.id).unwrap();
    assert_eq!((info.connection, info.bindings), (first.connection, first.bindings));
    // It does not need the relay any more.
    within(hub.adapter.stop()).await.unwrap();
    exchange(&mut at_a, &b, &a, 0..10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_is_punched_and_the_session_moves_by_itself() {
    let hub = quiet().with_assumed_reachability(true).with_relay_server(true);
    let hub = node_with(1, hub).await;
    let a = node_with(2, quiet().with_relay(hub.address().address)).await;
    until(|| a.adapter.addresses().iter().any(|address| address.contains("p2p-circuit"))).await;
    let addresses = a.adapter.addresses();
    let through = addresses.iter().find(|address| address.contains("p2p-circuit")).unwrap();
    let b = node(3).await;
    within(b.adapter.connect(&PeerAddr::new(a.id, through.as_str()))).await.unwrap();
    let path = |node: &Node, of: &Node| {
        let info = node.adapter.peers().into_iter().find(|info| info.peer == of.id)?;
        info.metadata.get(PATH).cloned()
    };
    until(|| path(&a, &b).as_deref() == Some("direct") && path(&b, &a).as_deref() == Some("direct")).await;
    assert_eq!((a.adapter.statistics().moved, b.adapter.statistics().moved), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_user_disconnected_no_search_dials() {
    let (a, b, c) = (node_with(1, searching()).await, node_with(2, searching()).await, node(3).await);
    within(a.adapter.connect(&b.address())).await.unwrap();
    within(a.adapter.connect(&c.address())).await.unwrap();
    let mut events = a.adapter.events();
    within(a.adapter.disconnect(&c.id)).await.unwrap();
    assert_eq!(common::lost(&mut events).await, (c.id, LostReason::ClosedHere));
    // Two walks and turns of the book later it is still left alone; the control is `b`, which is kept.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let peers: Vec<_> = a.adapter.peers().iter().map(|info| info.peer).collect();
    assert_eq!(peers, [b.id]);
    within(a.adapter.connect(&c.address())).await.unwrap();
    assert_eq!(a.adapter.peers().len(), 2);
}
