use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Waker;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use civic_types::PeerId;
use civic_types::time::{Tick, Timer};

use super::MAX_WAITING_BYTES;
use super::inbox::{FRAME_BYTES, Inbox, Waiting};
use crate::error::Error;
use crate::event::{Event, LostReason, Via};
use crate::hub::EventHub;
use crate::peer::{ChannelBinding, PeerInfo, TransportKind};
use crate::receive::{Receiver, TimeTrust};
use crate::sim::{NodeId, SimNetwork};

/// Everything that the devices of one network share.
pub(super) struct State {
    seed: u64,
    pub(super) sim: Option<SimNetwork>,
    endpoints: BTreeMap<PeerId, Endpoint>,
    nodes: BTreeMap<NodeId, PeerId>,
    cut: BTreeSet<(PeerId, PeerId)>,
    /// Pairs that somebody disconnected: nobody dials them.
    forgotten: BTreeSet<(PeerId, PeerId)>,
    /// Connections ever made, which numbers them for frames in flight.
    epochs: u64,
    pub(super) awaiting_room: Vec<Waker>,
}

/// A started device.
pub(super) struct Endpoint {
    pub(super) hub: EventHub,
    pub(super) instance: u64,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) receiver: Receiver,
    pub(super) connections: u64,
    pub(super) peers: BTreeMap<PeerId, Connected>,
    inbox: Inbox,
    node: NodeId,
}

pub(super) struct Connected {
    pub(super) info: PeerInfo,
    epoch: u64,
}

impl State {
    pub(super) const fn new(seed: u64, sim: Option<SimNetwork>) -> Self {
        Self {
            seed,
            sim,
            endpoints: BTreeMap::new(),
            nodes: BTreeMap::new(),
            cut: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            epochs: 0,
            awaiting_room: Vec::new(),
        }
    }

    pub(super) fn endpoint(&self, peer: &PeerId, instance: u64) -> Option<&Endpoint> {
        self.endpoints.get(peer).filter(|endpoint| endpoint.instance == instance)
    }

    /// Adds a device and connects it with all others; `false` if it is there already.
    pub(super) fn start(&mut self, peer: PeerId, start: Start) -> bool {
        if self.endpoints.contains_key(&peer) {
            return false;
        }
        let node = self.sim.as_mut().map_or(NodeId(0), SimNetwork::add_node);
        self.nodes.insert(node, peer);
        let Start { hub, instance, timer, receiver, connections } = start;
        let (peers, inbox) = (BTreeMap::new(), Inbox::default());
        let endpoint = Endpoint { hub, instance, timer, receiver, connections, peers, inbox, node };
        let others: Vec<_> = self.endpoints.keys().copied().collect();
        self.endpoints.insert(peer, endpoint);
        for other in others {
            self.open(&other, &peer);
        }
        true
    }

    /// Removes a device; gives back what it needs to start again.
    pub(super) fn stop(&mut self, peer: &PeerId, instance: u64) -> Option<Start> {
        let others: Vec<_> = self.endpoint(peer, instance)?.peers.keys().copied().collect();
        for other in others {
            self.close(peer, &other, LostReason::ClosedHere, LostReason::ClosedThere);
        }
        self.forgotten.retain(|(a, b)| a != peer && b != peer);
        while self.pump(peer) {}
        let endpoint = self.endpoints.remove(peer)?;
        self.nodes.remove(&endpoint.node);
        self.wake_senders();
        let Endpoint { hub, instance, timer, receiver, connections, .. } = endpoint;
        Some(Start { hub, instance, timer, receiver, connections })
    }

    pub(super) fn cut(&mut self, a: &PeerId, b: &PeerId) {
        self.cut.insert(pair(a, b));
    }

    pub(super) fn is_cut(&self, a: &PeerId, b: &PeerId) -> bool {
        self.cut.contains(&pair(a, b))
    }

    /// Whether there was a cut to mend.
    pub(super) fn heal(&mut self, a: &PeerId, b: &PeerId) -> bool {
        self.cut.remove(&pair(a, b))
    }

    pub(super) fn cuts(&self) -> Vec<(PeerId, PeerId)> {
        self.cut.iter().copied().collect()
    }

    /// Connects two devices unless they are, are cut, or were told not to.
    pub(super) fn open(&mut self, a: &PeerId, b: &PeerId) {
        let key = pair(a, b);
        if self.cut.contains(&key) || self.forgotten.contains(&key) || self.is_open(a, b) {
            return;
        }
        if a == b || !self.endpoints.contains_key(a) || !self.endpoints.contains_key(b) {
            return;
        }
        self.epochs += 1;
        let epoch = self.epochs;
        let binding = binding(self.seed, &key, epoch);
        for (one, other) in [(a, b), (b, a)] {
            let Some(endpoint) = self.endpoints.get_mut(one) else { continue };
            endpoint.connections += 1;
            let info =
                PeerInfo::new(*other, TransportKind::Memory, endpoint.timer.wall(), endpoint.connections);
            let info = info.with_binding(binding.clone());
            endpoint.peers.insert(*other, Connected { info: info.clone(), epoch });
            self.tell(one, Event::Discovered(info));
        }
    }

    pub(super) fn is_open(&self, a: &PeerId, b: &PeerId) -> bool {
        self.endpoints.get(a).is_some_and(|endpoint| endpoint.peers.contains_key(b))
    }

    pub(super) fn is_started(&self, peer: &PeerId) -> bool {
        self.endpoints.contains_key(peer)
    }

    pub(super) fn forget(&mut self, a: &PeerId, b: &PeerId) {
        self.forgotten.insert(pair(a, b));
    }

    pub(super) fn remember(&mut self, a: &PeerId, b: &PeerId) {
        self.forgotten.remove(&pair(a, b));
    }

    /// Ends the connection of two devices, with the reason that each is told.
    pub(super) fn close(&mut self, a: &PeerId, b: &PeerId, at_a: LostReason, at_b: LostReason) {
        for (one, other, reason) in [(a, b, at_a), (b, a, at_b)] {
            let lost = self.endpoints.get_mut(one).and_then(|endpoint| endpoint.peers.remove(other));
            if let Some(connected) = lost {
                let connection = connected.info.connection;
                self.tell(one, Event::Lost { peer: *other, connection, reason });
            }
        }
        self.wake_senders();
    }

    /// Takes a frame for a neighbour; `false` when there is no room.
    pub(super) fn send(
        &mut self,
        now: Option<Tick>,
        from: &PeerId,
        to: &PeerId,
        wire: &Bytes,
    ) -> Result<bool, Error> {
        let sender = self.endpoints.get(from).ok_or(Error::Inactive)?;
        let epoch = sender.peers.get(to).ok_or(Error::NotConnected { peer: *to })?.epoch;
        if self.cut.contains(&pair(from, to)) {
            return Ok(true);
        }
        let receiver = self.endpoints.get(to).ok_or(Error::NotConnected { peer: *to })?;
        let (near, far) = (sender.node, receiver.node);
        let flying = self.sim.as_ref().map_or(0, |sim| sim.flying_bytes(near, far));
        let waiting = flying + receiver.inbox.bytes_from(from);
        if waiting > 0 && waiting + wire.len() + FRAME_BYTES > MAX_WAITING_BYTES {
            return Ok(false);
        }
        match (&mut self.sim, now) {
            (Some(sim), Some(now)) => {
                let mut frame = BytesMut::with_capacity(EPOCH_BYTES + wire.len());
                frame.put_u64(epoch);
                frame.put_slice(wire);
                let limit =
                    |error| Error::Backend { transport: TransportKind::Memory, source: Box::new(error) };
                sim.send(now, near, far, frame.freeze()).map_err(limit)?;
                // A stream that sleeps must learn of the new arrival time.
                self.endpoints.values().for_each(|endpoint| endpoint.hub.wake_all());
            }
            _ => self.arrive(from, to, epoch, wire.clone()),
        }
        Ok(true)
    }

    /// Lets everything arrive that has had the time; says when the next frame will.
    pub(super) fn drive(&mut self, now: Tick) -> Option<Tick> {
        let arrived = self.sim.as_mut()?.poll(now);
        for mut delivery in arrived {
            let (from, to) = (self.nodes.get(&delivery.from).copied(), self.nodes.get(&delivery.to).copied());
            let (Some(from), Some(to), Ok(epoch)) = (from, to, delivery.bytes.try_get_u64()) else {
                continue;
            };
            if !self.cut.contains(&pair(&from, &to)) {
                self.arrive(&from, &to, epoch, delivery.bytes);
            }
        }
        self.sim.as_ref()?.next_event_at()
    }

    /// Hands the next thing in a device's inbox to its subscribers; `false` when there is nothing.
    pub(super) fn pump(&mut self, peer: &PeerId) -> bool {
        let Some(endpoint) = self.endpoints.get_mut(peer) else { return false };
        let Some(waiting) = endpoint.inbox.pop() else { return false };
        match waiting {
            Waiting::Event(event) => endpoint.hub.publish(&event),
            Waiting::Frame { from, connection, wire } => {
                let now = endpoint.timer.wall();
                match endpoint.receiver.receive(now, TimeTrust::of(now), &wire) {
                    Ok(arrival) => {
                        let (via, envelope) = (Via::Authenticated(from), arrival.envelope);
                        endpoint.hub.publish(&Event::Received { via, connection, envelope });
                    }
                    Err(refusal) if refusal.is_misbehaviour() => {
                        self.close(peer, &from, LostReason::Misbehaved, LostReason::ClosedThere);
                    }
                    Err(refusal) => tracing::debug!(%from, %refusal, "envelope dropped"),
                }
                self.wake_senders();
            }
        }
        true
    }

    fn arrive(&mut self, from: &PeerId, to: &PeerId, epoch: u64, wire: Bytes) {
        let Some(endpoint) = self.endpoints.get_mut(to) else { return };
        let Some(connected) = endpoint.peers.get_mut(from).filter(|connected| connected.epoch == epoch)
        else {
            return;
        };
        connected.info.last_seen = endpoint.timer.wall();
        let connection = connected.info.connection;
        if endpoint.hub.has_subscribers() {
            endpoint.inbox.push(Waiting::Frame { from: *from, connection, wire });
            endpoint.hub.wake_all();
        }
    }

    fn tell(&mut self, peer: &PeerId, event: Event) {
        let Some(endpoint) = self.endpoints.get_mut(peer) else { return };
        if !endpoint.hub.has_subscribers() {
            return;
        }
        endpoint.inbox.push(Waiting::Event(event));
        endpoint.hub.wake_all();
        // Connections that come and go while nobody polls must not fill memory: from here on subscribers lag.
        if endpoint.inbox.len() > MAX_WAITING {
            while self.pump(peer) {}
        }
    }

    fn wake_senders(&mut self) {
        self.awaiting_room.drain(..).for_each(Waker::wake);
    }
}

/// What a device brings to its start and keeps over a stop.
pub(super) struct Start {
    pub(super) hub: EventHub,
    pub(super) instance: u64,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) receiver: Receiver,
    pub(super) connections: u64,
}

fn pair(a: &PeerId, b: &PeerId) -> (PeerId, PeerId) {
    (*a.min(b), *a.max(b))
}

/// Known to the two ends of one connection alone, as far as one process can say.
fn binding(seed: u64, (a, b): &(PeerId, PeerId), epoch: u64) -> ChannelBinding {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_be_bytes()).update(a.as_bytes()).update(b.as_bytes()).update(&epoch.to_be_bytes());
    ChannelBinding::from_bytes(*hasher.finalize().as_bytes())
}

/// Before every frame that flies: the connection that it belongs to.
pub(super) const EPOCH_BYTES: usize = 8;
/// Things in an inbox, at most, before subscribers lag: 4 MiB of the smallest frames of 64 bytes.
const MAX_WAITING: usize = 65_536;
