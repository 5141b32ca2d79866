use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use civic_crypto::DeviceKey;
use civic_transport::envelope::{DEFAULT_MAX_HOPS, EnvelopeFields, Ttl};
use civic_transport::links::memory::MemoryNetwork;
use civic_transport::multi::{LinkId, MultiConfig, MultiTransport};
use civic_transport::sim::LinkModel;
use civic_transport::*;
use civic_types::PeerId;
use civic_types::time::{Clock, ManualClock, Timestamp};
use futures_util::{FutureExt, StreamExt};

use super::faulty::Faulty;

/// Devices in virtual time, each with one link to each of some networks.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) networks: Vec<MemoryNetwork>,
    pub(crate) ends: Vec<End>,
}

pub(crate) struct End {
    pub(crate) id: PeerId,
    pub(crate) identity: LinkIdentity,
    pub(crate) multi: Arc<MultiTransport>,
    pub(crate) links: Vec<(LinkId, Arc<Faulty>)>,
    pub(crate) events: EventStream,
    pub(crate) driver: tokio::task::JoinHandle<()>,
}

impl World {
    /// Devices that are started and have met over networks of these media and this model.
    pub(crate) async fn met(devices: u8, kinds: &[TransportKind], model: &LinkModel) -> Self {
        Self::configured(devices, kinds, model, &MultiConfig::default().with_dedup_ids(10_000)).await
    }

    pub(crate) async fn configured(
        devices: u8,
        kinds: &[TransportKind],
        model: &LinkModel,
        config: &MultiConfig,
    ) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_790_000_000_000));
        let network = |seed| MemoryNetwork::with_model(seed, model.clone(), Arc::new(clock.clone()));
        let networks: Vec<_> = (1..).map(network).take(kinds.len()).collect();
        let mut ends = Vec::new();
        for device in 1..=devices {
            let key = Arc::new(DeviceKey::from_seed(&[device; 32]));
            let identity = LinkIdentity::new(key, "test", Arc::new(clock.clone()));
            let id = identity.peer_id();
            let (multi, driver) =
                MultiTransport::new(id, [device; 32], Arc::new(clock.clone()), config.clone());
            let link = |(net, kind): (&MemoryNetwork, &TransportKind)| {
                let link = Arc::new(Faulty::new(Box::new(net.link()).bind(&identity).unwrap(), *kind));
                (multi.add(link.clone()), link)
            };
            let links = networks.iter().zip(kinds).map(link).collect();
            let (events, driver) = (multi.events(), tokio::spawn(driver.run()));
            multi.start().await.unwrap();
            ends.push(End { id, identity, multi, links, events, driver });
        }
        let mut world = Self { clock, networks, ends };
        let others = usize::from(devices) - 1;
        world
            .until("all have met over all media", |world| {
                world.ends.iter().all(|end| {
                    let peers = end.multi.peers();
                    peers.len() == others && peers.iter().all(|peer| peer.bindings.len() == kinds.len())
                })
            })
            .await;
        for end in &mut world.ends {
            end.drain();
        }
        world
    }

    /// Lets time pass, alarm by alarm, until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = self.clock.now().saturating_add(PATIENCE);
        loop {
            settle().await;
            if holds(self) {
                return;
            }
            match self.clock.next_alarm() {
                Some(at) if at <= end => self.clock.advance(at.since(self.clock.now())),
                _ => panic!("not within {PATIENCE:?}: {what}"),
            }
        }
    }

    /// Lets a time pass, alarm by alarm.
    pub(crate) async fn pass(&self, time: Duration) {
        let end = self.clock.now().saturating_add(time);
        settle().await;
        while let Some(at) = self.clock.next_alarm().filter(|at| *at <= end) {
            self.clock.advance(at.since(self.clock.now()));
            settle().await;
        }
        self.clock.advance(end.since(self.clock.now()));
        settle().await;
    }

    /// The network of that number between two devices.
    pub(crate) fn cut(&self, network: usize, a: usize, b: usize) {
        self.networks[network].cut(&self.ends[a].id, &self.ends[b].id);
    }

    pub(crate) fn notice(&self, network: usize, a: usize, b: usize) {
        self.networks[network].notice(&self.ends[a].id, &self.ends[b].id);
    }

    pub(crate) fn heal(&self, network: usize, a: usize, b: usize) {
        self.networks[network].heal(&self.ends[a].id, &self.ends[b].id);
    }

    /// An envelope of the first device to everybody.
    pub(crate) fn signed(&self, n: u16, priority: Priority, payload: &[u8]) -> Envelope {
        let fields = EnvelopeFields {
            message_type: 9,
            priority,
            recipient: None,
            created_s: u32::try_from(self.clock.wall().as_secs()).unwrap(),
            ttl: Ttl::MAX,
            max_hops: DEFAULT_MAX_HOPS,
            n,
            payload: Bytes::copy_from_slice(payload),
        };
        SignedEnvelope::sign(&self.ends[0].identity.key, "test", fields).unwrap().into()
    }
}

impl End {
    /// What has happened since the last look.
    pub(crate) fn drain(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.next().now_or_never().flatten()).collect()
    }

    /// What has arrived since the last look.
    pub(crate) fn arrived(&mut self) -> Vec<Envelope> {
        let events = self.drain().into_iter();
        let received = |event| match event {
            Event::Received { envelope, .. } => Some(envelope),
            Event::Lagged { missed } => panic!("{missed} events missed"),
            _ => None,
        };
        events.filter_map(received).collect()
    }

    /// Envelopes that each link has carried.
    pub(crate) fn transmissions(&self) -> Vec<u64> {
        self.links.iter().map(|(_, link)| link.transmissions.load(Ordering::SeqCst)).collect()
    }
}

/// Lets every task run until it waits for time.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// An unsigned envelope.
pub(crate) fn local(priority: Priority, bytes: usize) -> Envelope {
    LocalEnvelope { message_type: 7, priority, payload: vec![0; bytes].into() }.into()
}

const PATIENCE: Duration = Duration::from_secs(3600);
