use civic_types::PeerId;
use civic_types::time::{Tick, Timestamp};

use super::lane::{Lane, Sending};
use super::merged::Merged;
use super::state::State;
use super::status::LinkId;
use super::window::Window;
use crate::envelope::{Envelope, EnvelopeId};
use crate::event::{Event, LostReason, Via};
use crate::peer::PeerInfo;
use crate::queue::PriorityQueues;

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

/// What links tell.
impl State {
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
}
