use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use civic_types::PeerId;
use civic_types::time::Tick;

use super::config::MultiConfig;
use super::hash::PeerHash;
use super::lane::LaneId;
use super::merged::Merged;
use super::slot::{Listen, Slot};
use super::status::{LinkId, MultiStatistics};
use crate::adapter::TransportAdapter;
use crate::event::{Event, LostReason};
use crate::hub::EventHub;
use crate::peer::PeerInfo;
use crate::receive::Dedup;

/// Which peers are reached over which links, and what waits for them: what links tell goes in, what subscribers
/// are told comes out. Time is an argument; nothing waits in here.
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
    pub(super) dedup: Dedup,
    links_ever: u32,
    pub(super) lanes_ever: LaneId,
    pub(super) connections_ever: u64,
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
