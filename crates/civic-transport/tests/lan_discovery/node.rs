//! Nodes with discovery, and waiting for what they find.

#![allow(dead_code, reason = "each of two test programs uses a part")]

use std::sync::Arc;
use std::time::Duration;

use civic_crypto::DeviceKey;
use civic_transport::links::lan::{LanAdapter, LanConfig, LanDiscovery, LanLink, LanSite};
use civic_transport::*;
use civic_types::PeerId;
use civic_types::time::TokioTimer;
use futures_util::StreamExt;

pub(crate) struct Node {
    pub(crate) adapter: LanAdapter,
    pub(crate) id: PeerId,
}

impl Node {
    pub(crate) fn address(&self) -> PeerAddr {
        PeerAddr::new(self.id, self.adapter.local_addr().unwrap().to_string())
    }

    pub(crate) fn peers(&self) -> Vec<PeerId> {
        self.adapter.peers().into_iter().map(|info| info.peer).collect()
    }

    /// Waits until those and no others are connected.
    pub(crate) async fn until_peers(&self, want: &[&Self]) {
        let mut want: Vec<_> = want.iter().map(|node| node.id).collect();
        want.sort();
        if !until(|| self.peers() == want).await {
            panic!("{} is connected to {:?}, not to {want:?}", self.id, self.peers());
        }
    }

    /// Sends an envelope and waits for it at the other end.
    pub(crate) async fn delivers(&self, to: &Self) {
        let mut events = to.adapter.events();
        self.adapter.send(&to.id, Envelope::local(1, "hello")).await.unwrap();
        let received = async {
            loop {
                match events.next().await.unwrap() {
                    Event::Received { envelope, .. } => return envelope,
                    Event::Lost { peer, reason, .. } if peer == self.id => panic!("lost: {reason:?}"),
                    _ => {}
                }
            }
        };
        assert_eq!(within(received).await, Envelope::local(1, "hello"));
    }
}

/// Announcing often.
pub(crate) fn discovery() -> LanDiscovery {
    LanDiscovery::default().with_announce(Duration::from_millis(500))
}

/// On loopback, and dialling again soon.
pub(crate) fn config(discovery: LanDiscovery, site: &str) -> LanConfig {
    let (unit, cap) = (Duration::from_millis(100), Duration::from_secs(2));
    LanConfig::loopback().with_discovery(discovery).with_site(site).with_backoff(unit, cap)
}

pub(crate) fn identity(seed: u8, net: &str) -> LinkIdentity {
    LinkIdentity::new(Arc::new(DeviceKey::from_seed(&[seed; 32])), net, Arc::new(TokioTimer))
}

pub(crate) async fn start(seed: u8, net: &str, config: LanConfig) -> Node {
    start_with_site(seed, net, config).await.0
}

pub(crate) async fn start_with_site(seed: u8, net: &str, config: LanConfig) -> (Node, LanSite) {
    let identity = identity(seed, net);
    let link = LanLink::new(config);
    let site = link.site();
    let adapter = link.into_adapter(&identity).unwrap();
    adapter.start().await.unwrap();
    (Node { adapter, id: identity.peer_id() }, site)
}

/// A name that no other test and no other run has.
pub(crate) fn fresh(name: &str) -> String {
    use std::hash::{BuildHasher, RandomState};
    let salt = RandomState::new().hash_one(name);
    let net = format!("{name}-{salt:016x}");
    println!("network {net}");
    net
}

/// The watchdog: nothing here takes that long.
pub(crate) async fn within<T: Send>(future: impl Future<Output = T> + Send) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes too long")
}

/// Whether something holds before patience ends.
pub(crate) async fn until(holds: impl Fn() -> bool + Send + Sync) -> bool {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.is_ok()
}

const PATIENCE: Duration = Duration::from_secs(40);
