use std::time::Duration;

use civic_types::PeerId;
use civic_types::time::Tick;

use super::lane::{Entry, Lane, LaneId, Sending};
use super::route::RouteMode;
use super::state::State;
use super::status::LinkId;

/// What to do about a link that holds an envelope for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stalled {
    /// Nothing else reaches the peer: wait on.
    KeepWaiting,
    /// It went another way: forget the attempt.
    Moved,
}

/// What becomes of envelopes whose link dies or holds them.
impl State {
    /// A link holds an envelope for too long: it and what waits behind it go over others that reach the peer.
    pub(super) fn stalled(&mut self, now: Tick, peer: &PeerId, id: LaneId) -> Stalled {
        let until = now.saturating_add(STALL_REST);
        let Some(lane) = self.peers.get_mut(peer).and_then(|merged| merged.lane(id)) else {
            return Stalled::Moved;
        };
        lane.stalled_until = until;
        let link = lane.link;
        let Sending::Driver(entry, _) = &lane.sending else { return Stalled::Moved };
        let mut entry = Entry::clone(entry);
        entry.tried.push(id);
        if !self.has_fresh_lane(now, peer, &entry) {
            return Stalled::KeepWaiting;
        }
        self.note_failure(link);
        let lane = self.peers.get_mut(peer).and_then(|merged| merged.lane(id));
        let mut behind = Vec::new();
        if let Some(lane) = lane {
            lane.sending = Sending::Idle;
            behind.extend(std::iter::from_fn(|| lane.queues.pop_aged(now)));
        }
        self.note_unqueued(link, behind.iter().map(Entry::bytes).sum());
        self.hand_over(now, peer, link, entry);
        for mut entry in behind {
            entry.tried.push(id);
            if self.has_fresh_lane(now, peer, &entry) {
                self.hand_over(now, peer, link, entry);
            } else {
                // Too large for the others, say: it waits on.
                entry.tried.retain(|tried| *tried != id);
                self.push_beyond(peer, id, entry);
            }
        }
        self.list(peer, id);
        self.wake_senders();
        Stalled::Moved
    }

    /// Gives an accepted envelope to the best lane that it was not given to yet, or gives it up. It may go
    /// beyond the bound of a queue, but not beyond [`HANDOVER_QUEUES`] of them.
    pub(super) fn hand_over(&mut self, now: Tick, peer: &PeerId, from: LinkId, entry: Entry) {
        let plan = if entry.tried.len() < MAX_TRIES { self.plan(now, peer, &entry).ok() } else { None };
        let most = self.config.queue_bytes.saturating_mul(HANDOVER_QUEUES);
        let copied = plan.as_ref().is_some_and(|plan| plan.mode == RouteMode::AllAtOnce);
        for id in plan.iter().flat_map(|plan| &plan.lanes) {
            let lane = self.peers.get_mut(peer).and_then(|merged| merged.lane(*id));
            if lane.is_none_or(|lane| lane.queues.bytes().saturating_add(entry.bytes()) > most) {
                continue;
            }
            self.push_beyond(peer, *id, entry);
            self.list(peer, *id);
            let counted = &mut self.statistics.handed_over;
            *counted = counted.saturating_add(1);
            if let Some(slot) = self.links.get_mut(&from) {
                slot.statistics.handed_over = slot.statistics.handed_over.saturating_add(1);
            }
            return;
        }
        // Of what goes over all lanes at once, another copy is on its way.
        if !copied {
            self.statistics.undeliverable = self.statistics.undeliverable.saturating_add(1);
        }
    }

    /// Everything that a lane's link is not known to have delivered, in order.
    pub(super) fn dissolve(&mut self, now: Tick, lane: Lane) -> Vec<Entry> {
        self.note_unqueued(lane.link, lane.queues.bytes());
        let kept = &mut self.statistics.handover_bytes;
        *kept = kept.saturating_sub(lane.window.bytes());
        lane.into_entries(now)
    }

    /// Forgets what links took longer ago than the window, and says when to look again.
    pub(super) fn sweep(&mut self, now: Tick) -> Option<Tick> {
        self.sweep_at.filter(|at| *at <= now)?;
        let window = self.config.handover_window;
        let lanes = self.peers.values_mut().flat_map(|merged| &mut merged.lanes);
        self.statistics.handover_bytes = lanes
            .map(|lane| {
                lane.window.expire(now, window);
                lane.window.bytes()
            })
            .sum();
        let again = self.statistics.handover_bytes > 0;
        self.sweep_at = again.then(|| now.saturating_add(window.max(LEAST_SWEEP)));
        self.sweep_at
    }

    /// Lets the driver sweep once the window of what was just kept is over.
    pub(super) fn plan_sweep(&mut self, now: Tick) {
        if self.sweep_at.is_none() {
            self.sweep_at = Some(now.saturating_add(self.config.handover_window.max(LEAST_SWEEP)));
            self.news = true;
        }
    }

    /// Whether a lane that has not stalled would take the envelope.
    fn has_fresh_lane(&self, now: Tick, peer: &PeerId, entry: &Entry) -> bool {
        let Ok(plan) = self.plan(now, peer, entry) else { return false };
        let lanes = self.peers.get(peer).map(|merged| merged.lanes.as_slice()).unwrap_or_default();
        lanes.iter().any(|lane| plan.lanes.contains(&lane.id) && lane.stalled_until <= now)
    }
}

/// How long a stalled link is used only where nothing else reaches a peer.
const STALL_REST: Duration = Duration::from_secs(30);
/// Lanes that one envelope is given to before it is given up: a peer whose links flap costs no more.
const MAX_TRIES: usize = 8;
/// Queues' worth of bytes that may wait in a lane after hand-overs: its own, another's, and their windows.
const HANDOVER_QUEUES: usize = 4;
/// Windows are swept no more often than this.
const LEAST_SWEEP: Duration = Duration::from_secs(1);
