//! A real LAN link and another, joined: the cable is pulled in mid-transfer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop at the first surprise")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use civic_crypto::DeviceKey;
use civic_transport::envelope::{DEFAULT_MAX_HOPS, EnvelopeFields, Ttl};
use civic_transport::links::lan::{LanAddress, LanConfig, LanLink};
use civic_transport::links::memory::MemoryNetwork;
use civic_transport::multi::{MultiConfig, MultiTransport};
use civic_transport::*;
use civic_types::time::{Clock, TokioTimer};
use futures_util::StreamExt;

struct Node {
    key: Arc<DeviceKey>,
    multi: Arc<MultiTransport>,
    lan: Arc<dyn TransportAdapter>,
    address: LanAddress,
}

async fn node(seed: u8, net: &MemoryNetwork) -> Node {
    let key = Arc::new(DeviceKey::from_seed(&[seed; 32]));
    let identity = LinkIdentity::new(key.clone(), "test", Arc::new(TokioTimer));
    let config = MultiConfig::default().with_dedup_ids(10_000);
    let (multi, driver) = MultiTransport::new(key.peer_id(), [seed; 32], Arc::new(TokioTimer), config);
    tokio::spawn(driver.run());
    let link = LanLink::new(LanConfig::loopback());
    let address = link.address();
    let lan = Box::new(link).bind(&identity).unwrap();
    multi.add(lan.clone());
    multi.add(Box::new(net.link()).bind(&identity).unwrap());
    multi.start().await.unwrap();
    Node { key, multi, lan, address }
}

/// Awaits something that must happen.
async fn within<T>(future: impl Future<Output = T> + Send) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it did not happen")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lan_link_ends_in_mid_transfer_and_everything_arrives_once() {
    const MANY: u16 = 2000;
    let net = MemoryNetwork::new();
    let (a, b) = (node(1, &net).await, node(2, &net).await);
    let address = PeerAddr::new(b.key.peer_id(), b.address.get().unwrap().to_string());
    assert_eq!(within(a.multi.connect(&address)).await.unwrap(), b.key.peer_id());
    let mut events = b.multi.events();
    let (multi, key, there) = (a.multi.clone(), a.key.clone(), b.key.peer_id());
    let sending = tokio::spawn(async move {
        for n in 0..MANY {
            let fields = EnvelopeFields {
                message_type: 9,
                priority: Priority::Normal,
                recipient: Some(there),
                created_s: u32::try_from(TokioTimer.wall().as_secs()).unwrap(),
                ttl: Ttl::MAX,
                max_hops: DEFAULT_MAX_HOPS,
                n,
                payload: vec![0; 1024].into(),
            };
            let envelope = SignedEnvelope::sign(&key, "test", fields).unwrap();
            multi.send(&there, envelope.into()).await.unwrap();
        }
    });
    let mut seen = BTreeSet::new();
    while seen.len() < usize::from(MANY) {
        match within(events.next()).await.unwrap() {
            Event::Received { envelope: Envelope::Signed(signed), .. } => {
                assert!(seen.insert(signed.fields().n), "{} came twice", signed.fields().n);
            }
            Event::Changed(_) | Event::Discovered(_) => {}
            other => panic!("{other:?}"),
        }
        if seen.len() == 500 {
            b.lan.stop().await.unwrap();
        }
    }
    within(sending).await.unwrap();
    let sent: Vec<_> = a.multi.links().iter().map(|link| link.statistics.sent).collect();
    assert!(sent.iter().all(|count| *count > 0), "both links carried a part: {sent:?}");
    assert_eq!(a.multi.peers()[0].transports, [TransportKind::Memory]);
}
