use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use civic_types::PeerId;
use civic_types::time::{Tick, Timestamp};

use super::config::MultiConfig;
use super::hash::PeerHash;
use super::lane::{Lane, LaneId, Sending};
use super::merged::Merged;
use super::slot::{Listen, Slot};
use super::status::{LinkId, MultiStatistics};
use super::window::Window;
use crate::adapter::TransportAdapter;
use crate::envelope::{Envelope, EnvelopeId};
use crate::event::{Event, LostReason, Via};
use crate::hub::EventHub;
use crate::peer::PeerInfo;
use crate::queue::PriorityQueues;
use crate::receive::Dedup;

/// Which peers are reached over which links: what links tell goes in, what subscribers are told comes out.
/// Time is an argument; nothing waits in here.
pub(super) struct State {
    pub(super) config: MultiConfig,
    pub(super) hub: EventHub,
    pub(super) active: bool,
    /// Whether the driver is to end.
    pub(super) ended: bool,
    /// Whether the driver is to look.
    pub(super) news: bool,
    pub(super) links: BTreeMap<LinkId, Slot>,
    pub(super) peers: HashMap<PeerId, Merged, PeerHash>,
    /// Lanes with something to send.
    pub(super) ready: VecDeque<(PeerId, LaneId)>,
    pub(super) subscriptions: Vec<(LinkId, Listen)>,
    pub(super) awaiting_room: Vec<Waker>,
    pub(super) statistics: MultiStatistics,
    /// When windows are to be swept.
    pub(super) sweep_at: Option<Tick>,
    dedup: Dedup,
    links_ever: u32,
    lanes_ever: LaneId,
    connections_ever: u64,
}

impl State {
    pub(super) fn new(config: MultiConfig, hub: EventHub, secret: [u8; 32]) -> Self {
        Self {
            dedup: Dedup::new(config.dedup_ids, secret),
            config,
            hub,
            active: false,
            ended: false,
            news: false,
            links: BTreeMap::new(),
            peers: HashMap::with_hasher(PeerHash::new(&secret)),
            ready: VecDeque::new(),
            subscriptions: Vec::new(),
            awaiting_room: Vec::new(),
            statistics: MultiStatistics::default(),
            sweep_at: None,
            links_ever: 0,
            lanes_ever: 0,
            connections_ever: 0,
        }
    }

    pub(super) fn add(&mut self, adapter: Arc<dyn TransportAdapter>) -> LinkId {
        self.links_ever += 1;
        let id = LinkId(self.links_ever);
        self.links.insert(id, Slot::new(adapter));
        id
    }

    /// Hears the link from now on, and counts in whom it reaches already.
    pub(super) fn listen(&mut self, now: Tick, link: LinkId) {
        let Some(slot) = self.links.get_mut(&link) else { return };
        let listen = slot.listen(slot.adapter.events());
        let reached = slot.adapter.peers();
        self.subscriptions.retain(|(id, _)| *id != link);
        self.subscriptions.push((link, listen));
        self.news = true;
        self.absorb(now, link, reached);
    }

    /// Counts in peers that a link says it reaches before its events have told.
    pub(super) fn absorb(&mut self, now: Tick, link: LinkId, reached: Vec<PeerInfo>) {
        for info in reached {
            let known = self.peers.get_mut(&info.peer).and_then(|merged| merged.lane_of(link));
            if known.is_none() {
                self.discovered(now, link, info);
            }
        }
    }

    /// Forgets a link; what waits for it goes to others.
    pub(super) fn remove(&mut self, now: Tick, link: LinkId) -> Option<Arc<dyn TransportAdapter>> {
        self.links.get_mut(&link)?.deafen();
        for peer in self.peers_sorted() {
            self.lost(now, link, &peer, u64::MAX, LostReason::ClosedHere);
        }
        let slot = self.links.remove(&link)?;
        self.subscriptions.retain(|(id, _)| *id != link);
        Some(slot.adapter)
    }

    /// Whether the events come over the link's present subscription.
    pub(super) fn hears(&self, link: LinkId, epoch: u64) -> bool {
        self.links.get(&link).is_some_and(|slot| slot.epoch == epoch)
    }

    pub(super) fn discovered(&mut self, now: Tick, link: LinkId, info: PeerInfo) {
        let Some(slot) = self.links.get_mut(&link) else { return };
        let peer = info.peer;
        if slot.closed.get(&peer).is_some_and(|closed| info.connection <= *closed) {
            return;
        }
        slot.closed.remove(&peer);
        let (kind, max_bytes) = (slot.adapter.kind(), slot.capabilities.max_message_bytes);
        match self.peers.get_mut(&peer).and_then(|merged| merged.lane_of(link)) {
            Some(lane) if lane.info.connection >= info.connection => return,
            Some(_) => self.lost(now, link, &peer, info.connection - 1, LostReason::Replaced),
            None => {}
        }
        self.lanes_ever += 1;
        let lane = Lane {
            id: self.lanes_ever,
            link,
            kind,
            max_bytes,
            info,
            queues: PriorityQueues::new(self.config.queue_bytes),
            sending: Sending::Idle,
            listed: false,
            window: Window::default(),
            stalled_until: Tick::default(),
        };
        let connections = &mut self.connections_ever;
        let merged = self.peers.entry(peer).or_insert_with(|| {
            *connections += 1;
            Merged::new(*connections)
        });
        let first = merged.lanes.is_empty();
        merged.attach(lane);
        if let Some(info) = merged.info(&peer) {
            self.hub.publish(&if first { Event::Discovered(info) } else { Event::Changed(info) });
        }
        self.wake_senders();
    }

    /// A link's connection is gone: what it is not known to have delivered goes over the others.
    pub(super) fn lost(
        &mut self,
        now: Tick,
        link: LinkId,
        peer: &PeerId,
        connection: u64,
        reason: LostReason,
    ) {
        if let Some(slot) = self.links.get_mut(&link) {
            slot.closed.retain(|closed, at| closed != peer || *at > connection);
        }
        let Some(merged) = self.peers.get_mut(peer) else { return };
        let Some(lane) = merged.detach(link, connection) else { return };
        let (id, last) = (lane.id, merged.lanes.is_empty());
        let event = match merged.info(peer) {
            Some(info) => Event::Changed(info),
            None => Event::Lost { peer: *peer, connection: merged.connection, reason },
        };
        if let Some(slot) = self.links.get_mut(&link) {
            slot.statistics.lost = slot.statistics.lost.saturating_add(1);
        }
        let untaken = lane.untaken();
        let entries = self.dissolve(now, lane);
        if last {
            self.peers.remove(peer);
            self.statistics.undeliverable = self.statistics.undeliverable.saturating_add(untaken);
        }
        self.hub.publish(&event);
        if !last {
            for mut entry in entries {
                entry.tried.push(id);
                self.hand_over(now, peer, link, entry);
            }
        }
        self.wake_senders();
    }

    pub(super) fn changed(&mut self, link: LinkId, info: PeerInfo) {
        let peer = info.peer;
        let Some(merged) = self.peers.get_mut(&peer) else { return };
        let Some(lane) = merged.lane_of(link).filter(|lane| lane.info.connection == info.connection) else {
            return;
        };
        lane.info = info;
        if let Some(info) = merged.info(&peer) {
            self.hub.publish(&Event::Changed(info));
        }
    }

    /// Passes on what came over a connection that counts, once if it is signed.
    pub(super) fn received(&mut self, wall: Timestamp, link: LinkId, arrival: Arrival, in_time: InTime) {
        let Arrival { via, connection, envelope, id } = arrival;
        let Some(slot) = self.links.get_mut(&link) else { return };
        let connection = match &via {
            Via::Unauthenticated(_) => connection,
            Via::Authenticated(peer) => {
                let Some(merged) = self.peers.get_mut(peer) else { return };
                let known = merged.lane_of(link).filter(|lane| lane.info.connection == connection);
                let Some(lane) = known else { return };
                lane.info.last_seen = wall;
                merged.connection
            }
        };
        let statistics = &mut slot.statistics;
        statistics.received = statistics.received.saturating_add(1);
        let bytes = u64::try_from(envelope.payload().len()).unwrap_or(u64::MAX);
        statistics.received_bytes = statistics.received_bytes.saturating_add(bytes);
        if let Some(id) = id {
            if self.dedup.contains(&id) {
                statistics.duplicates = statistics.duplicates.saturating_add(1);
                self.statistics.duplicates = self.statistics.duplicates.saturating_add(1);
                return;
            }
            self.dedup.insert(&id);
        }
        self.statistics.delivered = self.statistics.delivered.saturating_add(1);
        let event = Event::Received { via, connection, envelope };
        match in_time {
            InTime::Yes => self.hub.publish(&event),
            InTime::Overdue => self.hub.publish_overdue(&event),
        }
    }

    /// A link's events were missed: whom it reaches now is what counts, and subscribers are told.
    pub(super) fn lagged(&mut self, now: Tick, link: LinkId, missed: u64, reached: Vec<PeerInfo>) {
        let Some(slot) = self.links.get_mut(&link) else { return };
        slot.closed
            .retain(|peer, at| reached.iter().any(|info| info.peer == *peer && info.connection <= *at));
        for peer in self.peers_sorted() {
            let still = reached.iter().find(|info| info.peer == peer).map_or(0, |info| info.connection);
            let known = self.peers.get_mut(&peer).and_then(|merged| merged.lane_of(link));
            if let Some(connection) = known.map(|lane| lane.info.connection).filter(|c| *c != still) {
                self.lost(now, link, &peer, connection, LostReason::Silent);
            }
        }
        for info in reached {
            self.discovered(now, link, info);
        }
        self.hub.publish(&Event::Lagged { missed });
    }

    /// Ends the connection to a peer from our side; connections up to those given are void.
    pub(super) fn close_peer(&mut self, now: Tick, peer: &PeerId, seen: &[(LinkId, u64)]) {
        for (link, connection) in seen {
            if let Some(slot) = self.links.get_mut(link) {
                slot.closed.insert(*peer, *connection);
            }
        }
        let Some(merged) = self.peers.remove(peer) else { return };
        for lane in merged.lanes {
            if let Some(slot) = self.links.get_mut(&lane.link) {
                let closed = slot.closed.entry(*peer).or_default();
                *closed = lane.info.connection.max(*closed);
            }
            self.dissolve(now, lane);
        }
        let (peer, connection) = (*peer, merged.connection);
        self.hub.publish(&Event::Lost { peer, connection, reason: LostReason::ClosedHere });
        self.wake_senders();
    }

    /// Hears no link any more and has no peers.
    pub(super) fn close(&mut self, now: Tick) {
        self.active = false;
        for peer in self.peers_sorted() {
            self.close_peer(now, &peer, &[]);
        }
        self.links.values_mut().for_each(Slot::deafen);
        self.subscriptions.clear();
        self.wake_senders();
    }

    pub(super) fn peers_sorted(&self) -> Vec<PeerId> {
        let mut peers: Vec<_> = self.peers.keys().copied().collect();
        peers.sort_unstable();
        peers
    }

    pub(super) fn wake_senders(&mut self) {
        self.awaiting_room.drain(..).for_each(Waker::wake);
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("links", &self.links)
            .field("peers", &self.peers.len())
            .finish_non_exhaustive()
    }
}

/// Something that came over a link.
pub(super) struct Arrival {
    pub(super) via: Via,
    pub(super) connection: u64,
    pub(super) envelope: Envelope,
    /// Of a signed one.
    pub(super) id: Option<EnvelopeId>,
}

/// Whether subscribers had room before their time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InTime {
    Overdue,
    Yes,
}
