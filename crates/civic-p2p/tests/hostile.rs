//! What an attacker does to the internet link: bytes that are no frames, silence, floods, lies.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop at the first surprise")]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use civic_p2p::internet::Access;
use civic_transport::*;
use civic_types::PeerId;
use futures_util::AsyncWriteExt;
use tokio::net::TcpStream;

use common::stranger::{Stranger, hello};
use common::{discovered, identity, lost, node, node_of, node_with, quiet, received, until, within};

#[tokio::test]
async fn the_wrong_peer_ourselves_nobody_and_another_network_are_refused() {
    let (a, b) = (node(1).await, node(2).await);
    let stranger = PeerId::from_bytes([7; 32]);
    let wrong = within(a.adapter.connect(&PeerAddr::new(stranger, b.address().address))).await;
    assert!(
        matches!(wrong, Err(Error::WrongPeer { got, want }) if got == b.id && want == stranger),
        "{wrong:?}"
    );
    // Where another is named in the address itself.
    let named = b.address().address.replace(&b.tcp().1, &a.tcp().1);
    let c = node(3).await;
    let wrong = within(c.adapter.connect(&PeerAddr::new(a.id, named))).await;
    assert!(matches!(wrong, Err(Error::WrongPeer { got, want }) if got == b.id && want == a.id), "{wrong:?}");
    let ours = a.address().address;
    for ours in [ours.split("/p2p/").next().unwrap(), &ours] {
        let myself = within(a.adapter.connect(&PeerAddr::anyone(ours))).await;
        assert!(matches!(myself, Err(Error::InvalidAddress { .. })), "{ours}: {myself:?}");
    }
    let foreign = node_of(&identity(4, "other"), quiet()).await;
    let refused = within(foreign.adapter.connect(&a.address())).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
    let gone = b.address();
    within(b.adapter.stop()).await.unwrap();
    let nobody = within(a.adapter.connect(&gone)).await;
    assert!(matches!(nobody, Err(Error::Unreachable { .. })), "{nobody:?}");
    assert!(a.adapter.peers().is_empty());
    for nonsense in ["", "192.0.2.7:4001", "/ip4/1.2.3.4/tcp/99999", "/nonsense"] {
        let refused = within(a.adapter.connect(&PeerAddr::anyone(nonsense))).await;
        assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{nonsense}: {refused:?}");
    }
}

#[tokio::test]
async fn garbage_and_oversized_frames_are_misbehaviour_and_cost_the_sender_the_connection() {
    let a = node(1).await;
    let garbage = [
        vec![0, 0, 0, 0],
        vec![0xff; 8],
        [&[0, 0x11, 0, 0, 16], vec![7; 100_000].as_slice()].concat(),
        vec![0, 0, 0, 1, 99],
        vec![0, 0, 0, 3, 16, 1, 9],
        vec![0, 0, 0, 5, 17, 0x8c, 1, 2, 3],
        vec![0, 0, 0, 1, 4],
        hello(),
    ];
    let count = u64::try_from(garbage.len()).unwrap();
    for bytes in garbage {
        let mut events = a.adapter.events();
        let mut stranger = Stranger::greet(9, &a.address().address).await;
        discovered(&mut events).await;
        stranger.write(&bytes).await;
        if bytes == [0, 0, 0, 1, 4] {
            // `moved` without another stream to go on over: nothing more is read.
            drop(stranger);
            lost(&mut events).await;
            continue;
        }
        assert_eq!(lost(&mut events).await.1, LostReason::Misbehaved, "{:?}", &bytes[..bytes.len().min(8)]);
        stranger.rest().await;
    }
    assert_eq!(a.adapter.statistics().misbehaved, count - 1);
    // The control: an honest stranger is heard.
    let mut events = a.adapter.events();
    let mut honest = Stranger::greet(9, &a.address().address).await;
    honest.write(&[0, 0, 0, 4, 16, 7, 2, 42]).await;
    assert_eq!(received(&mut events).await, Envelope::local(7, vec![42]));
}

#[tokio::test]
async fn a_bad_beginning_never_becomes_a_session() {
    let a = node(1).await;
    let mut events = a.adapter.events();
    for bytes in
        [vec![0xff; 100], vec![0, 0, 0, 1, 1], vec![0, 0, 0, 4, 16, 7, 2, 42], hello()[..20].to_vec()]
    {
        let mut stranger = Stranger::dial(9, &a.address().address, 1, false).await;
        stranger.write(&bytes).await;
        // Closed early, so that the end of the stream is the end of a hello cut short.
        let _ = stranger.stream.close().await;
        assert!(stranger.rest().await.is_empty());
    }
    let b = node(2).await;
    within(b.adapter.connect(&a.address())).await.unwrap();
    assert_eq!(discovered(&mut events).await.peer, b.id);
}

#[tokio::test]
async fn a_flood_of_streams_opens_one_session_at_a_time_and_then_nothing() {
    let a = node(1).await;
    let mut events = a.adapter.events();
    let mut stranger = Stranger::dial(9, &a.address().address, 100, false).await;
    let mut streams = Vec::new();
    while let Some(mut stream) = stranger.next_stream().await {
        let _ = stream.write_all(&hello()).await;
        let _ = stream.flush().await;
        streams.push(stream);
        if streams.len() == 99 {
            break;
        }
    }
    stranger.write(&hello()).await;
    discovered(&mut events).await;
    let b = node(2).await;
    within(b.adapter.connect(&a.address())).await.unwrap();
    until(|| a.adapter.peers().iter().any(|info| info.peer == b.id)).await;
    let newest = a.adapter.peers().iter().map(|info| info.connection).max().unwrap();
    assert!(newest <= 5, "{newest} sessions were begun");
}

#[tokio::test]
async fn a_peer_that_never_reads_makes_busy_and_others_get_theirs() {
    let a = node_with(1, quiet().with_queue_bytes(1024 * 1024)).await;
    let mut events = a.adapter.events();
    let _stranger = Stranger::greet(9, &a.address().address).await;
    let stalled = discovered(&mut events).await.peer;
    let b = node(2).await;
    within(b.adapter.connect(&a.address())).await.unwrap();
    discovered(&mut events).await;
    let envelope = Envelope::local(1, vec![0; 64 * 1024]);
    let (mut taken, mut busy) = (0, 0);
    while busy < 50 {
        match a.adapter.try_send(&stalled, envelope.clone()) {
            Ok(_) => (taken, busy) = (taken + 1, 0),
            Err(TrySendError::Busy) => busy += 1,
            Err(other) => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(taken < 500, "{taken} envelopes were taken");
    let mut at_b = b.adapter.events();
    a.adapter.send(&b.id, Envelope::local(2, "others get theirs")).await.unwrap();
    received(&mut at_b).await;
    within(a.adapter.stop()).await.unwrap();
}

#[tokio::test]
async fn a_forged_identify_record_changes_nothing() {
    let a = node_with(1, quiet().with_discovery(true).with_assumed_reachability(true)).await;
    let mut events = a.adapter.events();
    let mut forger = Stranger::dial(9, &a.address().address, 1, true).await;
    forger.write(&hello()).await;
    // It is who its connection proves, whatever its record says.
    let honest = identity(9, "test").peer_id();
    assert_eq!(discovered(&mut events).await.peer, honest);
    let b = node(2).await;
    within(b.adapter.connect(&a.address())).await.unwrap();
    assert_eq!(discovered(&mut events).await.peer, b.id);
    assert_eq!(a.adapter.peers().len(), 2);
}

#[tokio::test]
async fn hidden_listen_addresses_are_told_to_nobody() {
    const OUTSIDE: &str = "/ip4/198.51.100.7/tcp/4001";
    for hide in [false, true] {
        let config = quiet().with_external_address(OUTSIDE).with_hidden_listen_addresses(hide);
        let a = node_with(1, config).await;
        let mut stranger = Stranger::dial(9, &a.address().address, 1, false).await;
        let told = stranger.addresses().await;
        assert!(told.iter().any(|address| address.starts_with(OUTSIDE)), "{told:?}");
        assert_eq!(told.iter().all(|address| address.starts_with(OUTSIDE)), hide, "{told:?}");
    }
}

#[tokio::test]
async fn a_thousand_dials_at_once_cost_little_and_honest_traffic_flows() {
    let (a, b) = (node_with(1, quiet().with_max_connections(64)).await, node(2).await);
    within(b.adapter.connect(&a.address())).await.unwrap();
    let mut at_a = a.adapter.events();
    let before = resident();
    let port = a.tcp().0;
    let mut flood = Vec::new();
    for _ in 0..1000 {
        flood.push(tokio::spawn(TcpStream::connect(("127.0.0.1", port))));
    }
    let mut open = Vec::new();
    for dial in flood {
        open.extend(within(dial).await.unwrap());
    }
    assert!(open.len() > 900, "only {} dials came through", open.len());
    // Some begin to speak and stop in the middle of it, some speak nonsense.
    for (n, stream) in open.iter().enumerate().filter(|(n, _)| n % 2 == 0) {
        let bytes: &[u8] = if n % 4 == 0 { b"\x13/multistream/1.0.0\n" } else { &[0xff; 1000] };
        // The other end may have closed already.
        let _ = stream.try_write(bytes);
    }
    for n in 0..200_u8 {
        let sent = Envelope::local(n, vec![n; 1000]);
        within(b.adapter.send(&a.id, sent.clone())).await.unwrap();
        assert_eq!(received(&mut at_a).await, sent);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes more");
    until(|| a.adapter.statistics().connections_refused > 500).await;
    drop(open);
    // Whoever comes later finds the door open.
    let c = node(3).await;
    until_connected(&c, &a).await;
}

async fn until_connected(from: &common::Node, to: &common::Node) {
    within(async { while from.adapter.connect(&to.address()).await.is_err() {} }).await;
}

#[tokio::test]
async fn access_is_decided_on_the_proven_identity_and_can_change() {
    let (friend, foe) = (node(2).await, node(3).await);
    let allowed = Access::Allow(BTreeSet::from([friend.id]));
    let a = node_with(1, quiet().with_access(allowed)).await;
    within(friend.adapter.connect(&a.address())).await.unwrap();
    let refused = within(foe.adapter.connect(&a.address())).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
    let refused = within(a.adapter.connect(&foe.address())).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
    a.adapter.set_access(Access::Block(BTreeSet::from([friend.id]))).await;
    until(|| a.adapter.peers().is_empty()).await;
    within(foe.adapter.connect(&a.address())).await.unwrap();
    a.adapter.set_access(Access::Open).await;
    until(|| a.adapter.peers().len() == 2).await;
}

/// Bytes of memory of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}
