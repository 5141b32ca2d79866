//! Devices with memory stores, and the network that joins them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use civic_crdt::clock::HlcGenerator;
use civic_crypto::DeviceKey;
use civic_crypto::community::{CommunityKey, Genesis};
use civic_store::{Memory, StorageAdapter};
use civic_sync::arq::{Arq, Received};
use civic_sync::session::Input;
use civic_sync::{Conversation, Effects, Identity, Replicated};
use civic_transport::sim::{LinkModel, NodeId, SimNetwork};
use civic_types::cell::MemoryCell;
use civic_types::time::{Clock, ManualClock, Tick, Timestamp};
use civic_types::{AgentId, CollectionId, CollectionSpec};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) network: SimNetwork,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) devices: Vec<Device>,
    pub(crate) collection: CollectionId,
    numbers: u64,
}

pub(crate) struct Device {
    pub(crate) node: NodeId,
    pub(crate) replicated: Arc<Replicated>,
    links: BTreeMap<usize, Link>,
    pub(crate) up: bool,
}

struct Link {
    arq: Arq,
    conversation: Conversation,
}

const START: u64 = 1_750_000_000_000;

impl World {
    pub(crate) async fn new(seed: u64, devices: usize, model: LinkModel) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let clock = ManualClock::new(Timestamp::from_millis(START));
        let genesis = Genesis {
            name: "Hamnen".to_owned(),
            admins: vec![AgentId::from_bytes([1; 32])],
            created_s: 1,
            nonce: [2; 16],
        };
        let spec = CollectionSpec::new(genesis.id(), "pumps").unwrap();
        let mut network = SimNetwork::new(seed).with_model(model);
        let mut made = Vec::new();
        for _ in 0..devices {
            let key = Arc::new(DeviceKey::generate(&mut rng));
            let (floor, cell) = (Timestamp::default(), Arc::new(MemoryCell::new()));
            let hlc = HlcGenerator::new(key.peer_id(), Arc::new(clock.clone()), cell, floor).unwrap();
            let store: Arc<dyn StorageAdapter> = Arc::new(Memory::new());
            let replicated =
                Replicated::open(store, Identity { key, clock: Arc::new(hlc) }, &mut rng).await.unwrap();
            replicated.join(&genesis, CommunityKey::from_bytes([9; 32])).unwrap();
            made.push(Device { node: network.add_node(), replicated, links: BTreeMap::new(), up: true });
        }
        // Only the first defines the collection; the others learn of it.
        made[0].replicated.define(&spec).await.unwrap();
        Self { clock, network, rng, devices: made, collection: spec.id(), numbers: 0 }
    }

    /// Greater than all before, as stamps are.
    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.rng.next_u64() % n as u64).unwrap()
    }

    /// Joins two devices by a link, from now on or anew.
    pub(crate) async fn connect(&mut self, a: usize, b: usize) {
        for (here, there) in [(a, b), (b, a)] {
            let peer = self.devices[there].replicated.peer_id();
            let binding = binding(a, b);
            let number = self.next_number();
            let conversation =
                Conversation::new(Arc::clone(&self.devices[here].replicated), peer, vec![binding]);
            let mut link = Link { arq: Arq::new(number), conversation };
            let effects = link.conversation.start(self.clock.now()).await.unwrap();
            queue(&mut link, effects);
            self.devices[here].links.insert(there, link);
        }
        self.transmit();
    }

    /// A device loses all it had in memory; its store stays.
    pub(crate) async fn restart(&mut self, device: usize) {
        let peers: Vec<usize> = self.devices[device].links.keys().copied().collect();
        for peer in peers {
            let id = self.devices[peer].replicated.peer_id();
            let (low, high) = (device.min(peer), device.max(peer));
            let conversation =
                Conversation::new(Arc::clone(&self.devices[device].replicated), id, vec![binding(low, high)]);
            let mut link = Link { arq: Arq::new(self.next_number()), conversation };
            let effects = link.conversation.start(self.clock.now()).await.unwrap();
            queue(&mut link, effects);
            self.devices[device].links.insert(peer, link);
        }
        self.transmit();
    }

    /// Tells a device's links that something was written.
    pub(crate) async fn changed(&mut self, device: usize, except: Option<usize>) {
        let now = self.clock.now();
        let peers: Vec<usize> = self.devices[device].links.keys().copied().collect();
        for peer in peers.into_iter().filter(|peer| Some(*peer) != except) {
            let link = self.devices[device].links.get_mut(&peer).unwrap();
            let effects = link.conversation.input(now, Input::Changed).await.unwrap();
            queue(link, effects);
        }
        self.transmit();
    }

    /// Moves on to the next thing that happens, but not beyond `until`. Says whether anything did.
    pub(crate) async fn step(&mut self, until: Tick) -> bool {
        let next = self.next_event().filter(|at| *at <= until);
        let Some(at) = next else {
            self.clock.advance(until.since(self.clock.now()));
            return false;
        };
        self.clock.advance(at.since(self.clock.now()));
        for delivery in self.network.poll(self.clock.now()) {
            self.deliver(delivery.from, delivery.to, &delivery.bytes).await;
        }
        self.ticks().await;
        self.transmit();
        true
    }

    /// The state of every session, for a failing seed.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("now {:?}, next {:?}\n", self.clock.now(), self.next_event());
        for (at, device) in self.devices.iter().enumerate() {
            text += &format!(
                "device {at} {} {:?}\n",
                device.replicated.peer_id(),
                device.replicated.collections().len()
            );
            for (peer, link) in &device.links {
                let (session, unsent) = (link.conversation.session(), link.arq.unacknowledged());
                text += &format!(
                    "  to {peer}: {unsent} unacknowledged, {:?}, {:?}, {session:?}\n",
                    link.arq,
                    link.conversation.totals()
                );
            }
        }
        text
    }

    fn next_event(&self) -> Option<Tick> {
        let links = self.devices.iter().filter(|device| device.up).flat_map(|device| device.links.values());
        let timers = links.flat_map(|link| [link.arq.next_timeout(), link.conversation.next_timeout()]);
        timers.flatten().chain(self.network.next_event_at()).min().map(|at| at.max(self.clock.now()))
    }

    async fn deliver(&mut self, from: NodeId, to: NodeId, bytes: &Bytes) {
        let at = |node: NodeId| self.devices.iter().position(|device| device.node == node).unwrap();
        let (from, to) = (at(from), at(to));
        if !self.devices[to].up {
            return;
        }
        let now = self.clock.now();
        let Some(link) = self.devices[to].links.get_mut(&from) else { return };
        let frames = match link.arq.receive(now, bytes) {
            Received::Frames(frames) => frames,
            Received::Restarted => {
                let peer = self.devices[from].replicated.peer_id();
                let replicated = Arc::clone(&self.devices[to].replicated);
                let conversation =
                    Conversation::new(replicated, peer, vec![binding(from.min(to), from.max(to))]);
                let Some(old) = self.devices[to].links.remove(&from) else { return };
                let mut link = Link { arq: old.arq.begin_anew(), conversation };
                let effects = link.conversation.start(now).await.unwrap();
                queue(&mut link, effects);
                let Received::Frames(frames) = link.arq.receive(now, bytes) else {
                    unreachable!("it has begun anew")
                };
                self.devices[to].links.insert(from, link);
                frames
            }
        };
        let mut imported = false;
        for frame in frames {
            let replicated = Arc::clone(&self.devices[to].replicated);
            let link = self.devices[to].links.get_mut(&from).unwrap();
            let before = (link.conversation.totals().versions_received, replicated.collections().len());
            let effects = link.conversation.input(now, Input::Frame(frame)).await.unwrap();
            let after = (link.conversation.totals().versions_received, replicated.collections().len());
            imported |= after != before;
            queue(link, effects);
        }
        if imported {
            Box::pin(self.changed(to, Some(from))).await;
        }
    }

    async fn ticks(&mut self) {
        let now = self.clock.now();
        for device in self.devices.iter_mut().filter(|device| device.up) {
            for link in device.links.values_mut() {
                if link.conversation.next_timeout().is_some_and(|at| at <= now) {
                    let effects = link.conversation.input(now, Input::Tick).await.unwrap();
                    queue(link, effects);
                }
            }
        }
    }

    fn transmit(&mut self) {
        let now = self.clock.now();
        let nodes: Vec<NodeId> = self.devices.iter().map(|device| device.node).collect();
        for device in self.devices.iter_mut().filter(|device| device.up) {
            for (peer, link) in &mut device.links {
                for datagram in link.arq.transmit(now) {
                    self.network.send(now, device.node, nodes[*peer], datagram).unwrap();
                }
            }
        }
    }
}

fn queue(link: &mut Link, effects: Effects) {
    assert_eq!(effects.misbehaved, None, "an honest peer was accused");
    effects.frames.into_iter().for_each(|frame| link.arq.send(frame));
}

fn binding(low: usize, high: usize) -> [u8; 32] {
    let mut binding = [7; 32];
    (binding[0], binding[1]) = (u8::try_from(low).unwrap(), u8::try_from(high).unwrap());
    binding
}

/// Virtual time after which a run counts as stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3600);
