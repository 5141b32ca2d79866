use std::sync::Arc;
use std::time::Duration;

use civic_types::PeerId;
use civic_types::time::Tick;
use futures_util::future::{AbortHandle, AbortRegistration};

use super::lane::{Entry, Lane, LaneId, Sending};
use super::merged::Plan;
use super::state::State;
use super::status::LinkId;
use crate::adapter::{Accepted, TransportAdapter};
use crate::envelope::Envelope;
use crate::error::{Error, TrySendError};

/// What a lane makes of an envelope.
#[derive(Debug)]
pub(super) enum Given {
    /// It waits, or the link has taken it.
    Taken(Accepted),
    /// There is no room.
    Full,
    /// The link does not take it.
    Refused,
}

/// How an envelope gets into a lane.
pub(super) enum Way {
    /// The caller offers it to the link at once, and tells [`State::offered`] what came of it.
    Direct(Arc<dyn TransportAdapter>),
    /// It is settled.
    Settled(Given),
}

/// An envelope that the driver is to hand to a link.
pub(super) struct Job {
    pub(super) adapter: Arc<dyn TransportAdapter>,
    pub(super) peer: PeerId,
    pub(super) lane: LaneId,
    pub(super) envelope: Envelope,
    pub(super) registration: AbortRegistration,
}

/// What to do about a link that holds an envelope for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stalled {
    /// Nothing else reaches the peer: wait on.
    KeepWaiting,
    /// It went another way: forget the attempt.
    Moved,
}

/// What waits, and the way that each envelope takes.
impl State {
    /// The lanes for an envelope; an error when the peer is not there.
    pub(super) fn plan(&self, now: Tick, peer: &PeerId, entry: &Entry) -> Result<Plan, Error> {
        let merged = self.peers.get(peer).ok_or(Error::NotConnected { peer: *peer })?;
        let usable = |link| self.links.get(&link).is_some_and(|slot| slot.duty_until <= now);
        Ok(merged.plan(&*self.config.policy, &entry.request, now, &entry.tried, usable))
    }

    /// How long until the first link to the peer may transmit again, where one waits for the law.
    pub(super) fn duty_wait(&self, now: Tick, peer: &PeerId) -> Option<Duration> {
        let links = self.peers.get(peer)?.lanes.iter().filter_map(|lane| self.links.get(&lane.link));
        links.map(|slot| slot.duty_until.since(now)).filter(|wait| !wait.is_zero()).min()
    }

    /// Finds the way into a lane: behind what waits there, or straight to the link when nothing does.
    pub(super) fn offer(&mut self, peer: &PeerId, id: LaneId, entry: &Entry) -> Way {
        let lane = self.peers.get_mut(peer).and_then(|merged| merged.lane(id));
        let slot = lane.as_ref().and_then(|lane| self.links.get(&lane.link));
        let (Some(lane), Some(slot)) = (lane, slot) else { return Way::Settled(Given::Refused) };
        if lane.is_idle() {
            lane.sending = Sending::Caller;
            return Way::Direct(Arc::clone(&slot.adapter));
        }
        Way::Settled(self.enqueue(peer, id, entry.clone()))
    }

    /// Takes note of what a link made of an envelope that it was offered directly.
    pub(super) fn offered(
        &mut self,
        now: Tick,
        peer: &PeerId,
        id: LaneId,
        entry: Entry,
        outcome: Result<Accepted, TrySendError>,
    ) -> Given {
        let lane = self.peers.get_mut(peer).and_then(|merged| merged.lane(id));
        let link = lane.map(|lane| {
            lane.sending = Sending::Idle;
            lane.link
        });
        let given = match (outcome, link) {
            (Ok(accepted), Some(_)) => {
                self.taken(now, peer, id, entry, accepted);
                Given::Taken(accepted)
            }
            (Ok(accepted), None) => {
                // The link has died in this very moment, perhaps with the envelope.
                let entry = Entry { tried: [entry.tried.as_slice(), &[id]].concat(), ..entry };
                self.hand_over(now, peer, LinkId(0), entry);
                Given::Taken(accepted)
            }
            (Err(TrySendError::Busy), Some(_)) => self.enqueue(peer, id, entry),
            (Err(TrySendError::DutyCycle { retry_after }), Some(link)) => {
                self.note_duty(link, now.saturating_add(retry_after));
                Given::Refused
            }
            (Err(_), Some(link)) => {
                self.note_failure(link);
                Given::Refused
            }
            (Err(_), None) => Given::Refused,
        };
        self.list(peer, id);
        given
    }

    /// The next envelope that the driver is to hand to a link.
    pub(super) fn next_job(&mut self, now: Tick) -> Option<Job> {
        while let Some((peer, id)) = self.ready.pop_front() {
            let Some(lane) = self.peers.get_mut(&peer).and_then(|merged| merged.lane(id)) else { continue };
            lane.listed = false;
            if !matches!(lane.sending, Sending::Idle) {
                continue;
            }
            let (Some(slot), Some(entry)) = (self.links.get_mut(&lane.link), lane.queues.pop_aged(now))
            else {
                continue;
            };
            let (abort, registration) = AbortHandle::new_pair();
            let (adapter, envelope) = (Arc::clone(&slot.adapter), entry.envelope.clone());
            let queued = &mut slot.statistics.queued_bytes;
            *queued = queued.saturating_sub(entry.bytes());
            lane.sending = Sending::Driver(Box::new(entry), abort);
            self.wake_senders();
            return Some(Job { adapter, peer, lane: id, envelope, registration });
        }
        None
    }

    /// Takes note of what a link made of a job.
    pub(super) fn finished(
        &mut self,
        now: Tick,
        peer: &PeerId,
        id: LaneId,
        outcome: Result<Accepted, Error>,
    ) {
        let Some(lane) = self.peers.get_mut(peer).and_then(|merged| merged.lane(id)) else { return };
        let link = lane.link;
        let Sending::Driver(mut entry, _) = std::mem::replace(&mut lane.sending, Sending::Idle) else {
            return;
        };
        match outcome {
            Ok(accepted) => {
                lane.stalled_until = Tick::default();
                self.taken(now, peer, id, *entry, accepted);
            }
            Err(error) => {
                tracing::debug!(%peer, %link, %error, "a link refused an envelope");
                self.note_failure(link);
                entry.tried.push(id);
                self.hand_over(now, peer, link, *entry);
            }
        }
        self.list(peer, id);
    }

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
        let copied = plan.as_ref().is_some_and(|plan| plan.mode == super::RouteMode::AllAtOnce);
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

    /// A link has taken an envelope.
    fn taken(&mut self, now: Tick, peer: &PeerId, id: LaneId, entry: Entry, accepted: Accepted) {
        let Some(lane) = self.peers.get_mut(peer).and_then(|merged| merged.lane(id)) else { return };
        self.statistics.sent = self.statistics.sent.saturating_add(1);
        if let Some(slot) = self.links.get_mut(&lane.link) {
            let bytes = u64::try_from(entry.request.payload_bytes).unwrap_or(u64::MAX);
            slot.statistics.sent = slot.statistics.sent.saturating_add(1);
            slot.statistics.sent_bytes = slot.statistics.sent_bytes.saturating_add(bytes);
        }
        if accepted == Accepted::LinkAcked {
            return;
        }
        let others = self.statistics.handover_bytes.saturating_sub(lane.window.bytes());
        lane.window.expire(now, self.config.handover_window);
        lane.window.push(now, entry, self.config.handover_bytes.saturating_sub(others));
        self.statistics.handover_bytes = others + lane.window.bytes();
        if self.sweep_at.is_none() {
            self.sweep_at = Some(now.saturating_add(self.config.handover_window.max(LEAST_SWEEP)));
            self.news = true;
        }
    }

    /// Queues behind what waits, if there is room.
    fn enqueue(&mut self, peer: &PeerId, id: LaneId, entry: Entry) -> Given {
        let Some(lane) = self.peers.get_mut(peer).and_then(|merged| merged.lane(id)) else {
            return Given::Refused;
        };
        let Some(slot) = self.links.get_mut(&lane.link) else { return Given::Refused };
        let (bytes, priority, since) = (entry.bytes(), entry.request.priority, entry.since);
        let queued = slot.statistics.queued_bytes.saturating_add(bytes);
        if queued > self.config.link_bytes && !lane.queues.is_empty() {
            return Given::Full;
        }
        if lane.queues.push_at(since, priority, bytes, entry).is_err() {
            return Given::Full;
        }
        slot.statistics.queued_bytes = queued;
        self.list(peer, id);
        Given::Taken(Accepted::Queued)
    }

    fn push_beyond(&mut self, peer: &PeerId, id: LaneId, entry: Entry) {
        let Some(lane) = self.peers.get_mut(peer).and_then(|merged| merged.lane(id)) else { return };
        let bytes = entry.bytes();
        lane.queues.push_beyond(entry.since, entry.request.priority, bytes, entry);
        if let Some(slot) = self.links.get_mut(&lane.link) {
            slot.statistics.queued_bytes = slot.statistics.queued_bytes.saturating_add(bytes);
        }
    }

    /// Tells the driver of a lane with something to send.
    fn list(&mut self, peer: &PeerId, id: LaneId) {
        let Some(lane) = self.peers.get_mut(peer).and_then(|merged| merged.lane(id)) else { return };
        if !lane.listed && matches!(lane.sending, Sending::Idle) && !lane.queues.is_empty() {
            lane.listed = true;
            self.ready.push_back((*peer, id));
            self.news = true;
        }
    }

    /// Whether a lane that has not stalled would take the envelope.
    fn has_fresh_lane(&self, now: Tick, peer: &PeerId, entry: &Entry) -> bool {
        let Ok(plan) = self.plan(now, peer, entry) else { return false };
        let lanes = self.peers.get(peer).map(|merged| merged.lanes.as_slice()).unwrap_or_default();
        lanes.iter().any(|lane| plan.lanes.contains(&lane.id) && lane.stalled_until <= now)
    }

    fn note_duty(&mut self, link: LinkId, until: Tick) {
        if let Some(slot) = self.links.get_mut(&link) {
            slot.duty_until = slot.duty_until.max(until);
        }
    }

    fn note_failure(&mut self, link: LinkId) {
        if let Some(slot) = self.links.get_mut(&link) {
            slot.statistics.failed = slot.statistics.failed.saturating_add(1);
        }
    }

    fn note_unqueued(&mut self, link: LinkId, bytes: usize) {
        if let Some(slot) = self.links.get_mut(&link) {
            let queued = &mut slot.statistics.queued_bytes;
            *queued = queued.saturating_sub(bytes);
        }
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
