//! The memory link owes what every adapter owes.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use civic_crypto::DeviceKey;
use civic_transport::conformance::{self, Pair, Profile};
use civic_transport::links::memory::MemoryNetwork;
use civic_transport::sim::LinkModel;
use civic_transport::*;
use civic_types::PeerId;
use civic_types::time::TokioTimer;
use futures_util::StreamExt;

fn pair_on(net: &MemoryNetwork) -> Pair<Arc<dyn TransportAdapter>> {
    let adapter = |seed| {
        let key = Arc::new(DeviceKey::from_seed(&[seed; 32]));
        let identity = LinkIdentity::new(key, "test", Arc::new(TokioTimer));
        (Box::new(net.link()).bind(&identity).unwrap(), identity.peer_id())
    };
    let ((a, a_id), (b, b_id)) = (adapter(1), adapter(2));
    Pair { a, b, a_id, b_id, b_address: b_id.to_string() }
}

async fn started<A: TransportAdapter>(pair: Pair<A>) -> Pair<A> {
    pair.a.start().await.unwrap();
    pair.b.start().await.unwrap();
    pair
}

fn profile() -> Profile {
    Profile::new(Arc::new(TokioTimer))
}

#[tokio::test]
async fn a_perfect_network_conforms_as_arc() {
    let pair = async || started(pair_on(&MemoryNetwork::new())).await;
    conformance::all(pair, &profile()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_perfect_network_conforms_as_box() {
    let pair = async || {
        let Pair { a, b, a_id, b_id, b_address } = pair_on(&MemoryNetwork::new());
        started(Pair { a: Box::new(a), b: Box::new(b), a_id, b_id, b_address }).await
    };
    conformance::all(pair, &profile()).await.unwrap();
}

#[tokio::test]
async fn a_slow_and_a_lossy_network_conform() {
    let slow = LinkModel::perfect().with_delay(Duration::from_micros(100), Duration::from_micros(100));
    let net = |model| MemoryNetwork::with_model(1, model, Arc::new(TokioTimer));
    conformance::all(async || started(pair_on(&net(slow.clone()))).await, &profile()).await.unwrap();
    let lossy = LinkModel::lossy().with_mtu(2000);
    conformance::all(async || started(pair_on(&net(lossy.clone()))).await, &profile()).await.unwrap();
}

/// A wrapper that breaks one promise.
#[derive(Debug)]
struct Broken {
    inner: Arc<dyn TransportAdapter>,
    fault: Fault,
    sent: AtomicUsize,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    DropsEveryThird,
    SwapsPairs,
    SaysNothingOfLoss,
    TakesAnySize,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TransportAdapter for Broken {
    fn kind(&self) -> TransportKind {
        self.inner.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    async fn start(&self) -> Result<(), Error> {
        self.inner.start().await
    }

    async fn stop(&self) -> Result<(), Error> {
        self.inner.stop().await
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.inner.peers()
    }

    async fn connect(&self, peer: &PeerAddr) -> Result<PeerId, Error> {
        self.inner.connect(peer).await
    }

    async fn disconnect(&self, peer: &PeerId) -> Result<(), Error> {
        self.inner.disconnect(peer).await
    }

    async fn send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, Error> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::DropsEveryThird if number % 3 == 2 => Ok(Accepted::Queued),
            Fault::TakesAnySize if envelope.payload().len() > 1024 * 1024 => Ok(Accepted::Queued),
            _ => self.inner.send(peer, envelope).await,
        }
    }

    fn try_send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, TrySendError> {
        self.inner.try_send(peer, envelope)
    }

    async fn broadcast(&self, envelope: Envelope) -> Result<Accepted, Error> {
        self.inner.broadcast(envelope).await
    }

    fn events(&self) -> EventStream {
        let events = self.inner.events();
        match self.fault {
            Fault::SwapsPairs => Box::pin(events.ready_chunks(2).flat_map(|mut pair| {
                pair.reverse();
                futures_util::stream::iter(pair)
            })),
            Fault::SaysNothingOfLoss => {
                Box::pin(events.filter(|event| std::future::ready(!matches!(event, Event::Lost { .. }))))
            }
            _ => events,
        }
    }
}

#[tokio::test]
async fn broken_adapters_are_refused_each_by_the_check_that_names_its_fault() {
    let cases = [
        (Fault::DropsEveryThird, "discovered_first_and_lost_last"),
        (Fault::SwapsPairs, "discovered_first_and_lost_last"),
        (Fault::SaysNothingOfLoss, "discovered_first_and_lost_last"),
        (Fault::TakesAnySize, "all_sizes_up_to_the_limit_arrive"),
    ];
    for (fault, check) in cases {
        let pair = async || {
            let Pair { a, b, a_id, b_id, b_address } = pair_on(&MemoryNetwork::new());
            let broken = |inner| Broken { inner, fault, sent: AtomicUsize::new(0) };
            started(Pair { a: broken(a), b: broken(b), a_id, b_id, b_address }).await
        };
        let profile = profile().with_patience(Duration::from_millis(300));
        let failure = conformance::all(pair, &profile).await.expect_err("a broken adapter passed");
        println!("{fault:?}: {failure}");
        assert!(failure.check == check, "{fault:?}: {failure}");
    }
}

#[tokio::test]
async fn filtered_streams_carry_one_sort_each() {
    let pair = started(pair_on(&MemoryNetwork::new())).await;
    let mut messages = pair.b.on_message();
    let mut lost = pair.b.on_peer_lost();
    let mut found = pair.b.on_peer_discovered();
    pair.a.send(&pair.b_id, Envelope::local(1, "hi")).await.unwrap();
    assert_eq!(messages.next().await, Some((Via::Authenticated(pair.a_id), Envelope::local(1, "hi"))));
    pair.a.stop().await.unwrap();
    assert_eq!(lost.next().await, Some((pair.a_id, LostReason::ClosedThere)));
    pair.a.start().await.unwrap();
    assert_eq!(found.next().await.map(|info| info.peer), Some(pair.a_id));
}
