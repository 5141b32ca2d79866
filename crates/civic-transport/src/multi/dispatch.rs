use std::sync::Arc;
use std::time::Duration;

use civic_types::PeerId;
use civic_types::time::Tick;
use futures_util::future::{AbortHandle, AbortRegistration};

use super::lane::{Entry, LaneId, Sending};
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
        self.plan_sweep(now);
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

    pub(super) fn push_beyond(&mut self, peer: &PeerId, id: LaneId, entry: Entry) {
        let Some(lane) = self.peers.get_mut(peer).and_then(|merged| merged.lane(id)) else { return };
        let bytes = entry.bytes();
        lane.queues.push_beyond(entry.since, entry.request.priority, bytes, entry);
        if let Some(slot) = self.links.get_mut(&lane.link) {
            slot.statistics.queued_bytes = slot.statistics.queued_bytes.saturating_add(bytes);
        }
    }

    /// Tells the driver of a lane with something to send.
    pub(super) fn list(&mut self, peer: &PeerId, id: LaneId) {
        let Some(lane) = self.peers.get_mut(peer).and_then(|merged| merged.lane(id)) else { return };
        if !lane.listed && matches!(lane.sending, Sending::Idle) && !lane.queues.is_empty() {
            lane.listed = true;
            self.ready.push_back((*peer, id));
            self.news = true;
        }
    }

    fn note_duty(&mut self, link: LinkId, until: Tick) {
        if let Some(slot) = self.links.get_mut(&link) {
            slot.duty_until = slot.duty_until.max(until);
        }
    }

    pub(super) fn note_failure(&mut self, link: LinkId) {
        if let Some(slot) = self.links.get_mut(&link) {
            slot.statistics.failed = slot.statistics.failed.saturating_add(1);
        }
    }

    pub(super) fn note_unqueued(&mut self, link: LinkId, bytes: usize) {
        if let Some(slot) = self.links.get_mut(&link) {
            let queued = &mut slot.statistics.queued_bytes;
            *queued = queued.saturating_sub(bytes);
        }
    }
}
