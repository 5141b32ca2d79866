use civic_types::PeerId;
use civic_types::time::Tick;

use super::kinds::Kinds;
use super::lane::{Lane, LaneId};
use super::route::{RouteMode, RoutePolicy, RouteRequest};
use super::status::LinkId;
use crate::peer::{ChannelBinding, MAX_BINDINGS, PeerInfo};

/// A peer and the links that reach it, oldest first.
#[derive(Debug)]
pub(super) struct Merged {
    /// Ours; the lanes have their links' own.
    pub(super) connection: u64,
    pub(super) lanes: Vec<Lane>,
    /// The media of the lanes.
    pub(super) kinds: Kinds,
    /// Of lanes past and present, oldest first.
    bindings: Vec<(LaneId, ChannelBinding)>,
}

/// Lanes for one envelope, the best first.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) lanes: Vec<LaneId>,
    pub(super) mode: RouteMode,
}

impl Merged {
    pub(super) const fn new(connection: u64) -> Self {
        Self { connection, lanes: Vec::new(), kinds: Kinds::NONE, bindings: Vec::new() }
    }

    pub(super) fn attach(&mut self, lane: Lane) {
        for binding in &lane.info.bindings {
            if self.bindings.len() >= MAX_BINDINGS {
                // Proofs may be under way over the oldest; of the rest, one of a lane that is gone makes room.
                let gone = |(id, _): &(LaneId, _)| self.lanes.iter().all(|lane| lane.id != *id);
                match self.bindings.iter().skip(1).position(gone) {
                    Some(at) => drop(self.bindings.remove(at + 1)),
                    None => break,
                }
            }
            self.bindings.push((lane.id, binding.clone()));
        }
        self.kinds = self.kinds.with(lane.kind);
        self.lanes.push(lane);
    }

    /// Takes out the lane of a link, if its connection is not newer than that.
    pub(super) fn detach(&mut self, link: LinkId, connection: u64) -> Option<Lane> {
        let at =
            self.lanes.iter().position(|lane| lane.link == link && lane.info.connection <= connection)?;
        let lane = self.lanes.remove(at);
        self.kinds = self.lanes.iter().map(|lane| lane.kind).collect();
        Some(lane)
    }

    pub(super) fn lane(&mut self, id: LaneId) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.id == id)
    }

    pub(super) fn lane_of(&mut self, link: LinkId) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.link == link)
    }

    /// What is told of the peer: what its links tell, joined; the older link wins.
    pub(super) fn info(&self, peer: &PeerId) -> Option<PeerInfo> {
        let mut info = self.lanes.first()?.info.clone();
        for lane in self.lanes.iter().skip(1) {
            info.display_name = info.display_name.or_else(|| lane.info.display_name.clone());
            info.reputation = info.reputation.or(lane.info.reputation);
            info.last_seen = info.last_seen.max(lane.info.last_seen);
            for (key, value) in &lane.info.metadata {
                info.metadata.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        info.peer = *peer;
        info.connection = self.connection;
        info.transports = self.lanes.iter().flat_map(|lane| lane.info.transports.iter().copied()).collect();
        info.transports.sort_unstable();
        info.transports.dedup();
        info.bindings = self.bindings.iter().map(|(_, binding)| binding.clone()).collect();
        Some(info)
    }

    /// Which lanes an envelope goes over: those that it fits, that were not tried and whose link is usable, in
    /// the policy's order; of one medium the older link first; what has stalled last.
    pub(super) fn plan(
        &self,
        policy: &dyn RoutePolicy,
        request: &RouteRequest,
        now: Tick,
        tried: &[LaneId],
        usable: impl Fn(LinkId) -> bool,
    ) -> Plan {
        let fits = |lane: &&Lane| {
            request.payload_bytes <= lane.max_bytes && !tried.contains(&lane.id) && usable(lane.link)
        };
        let available: Kinds = self.lanes.iter().filter(fits).map(|lane| lane.kind).collect();
        let route = policy.route(request, available);
        let mut lanes: Vec<_> = route
            .kinds()
            .iter()
            .flat_map(|kind| self.lanes.iter().filter(fits).filter(move |lane| lane.kind == *kind))
            .collect();
        lanes.sort_by_key(|lane| lane.stalled_until > now);
        Plan { lanes: lanes.into_iter().map(|lane| lane.id).collect(), mode: route.mode() }
    }
}
