use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use civic_types::PeerId;
use civic_types::time::{Sleep, Tick};
use futures_core::future::BoxFuture;
use futures_util::future::{Abortable, Either, select};
use futures_util::stream::{BoxStream, FuturesUnordered, SelectAll};
use futures_util::{FutureExt, StreamExt};

use super::dispatch::Job;
use super::handover::Stalled;
use super::hearing::{Arrival, InTime};
use super::lane::LaneId;
use super::shared::Shared;
use super::status::LinkId;
use crate::adapter::Accepted;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::event::Event;

/// Hears the links and hands them what waits, for as long as [`run`](Self::run) is polled.
pub struct MultiDriver {
    shared: Arc<Shared>,
    events: SelectAll<BoxStream<'static, (LinkId, u64, Event)>>,
    sends: FuturesUnordered<BoxFuture<'static, Option<Attempt>>>,
    /// When to stop waiting for subscribers.
    overdue_at: Option<Tick>,
    alarm: Option<(Tick, Sleep)>,
}

/// What a link made of an envelope.
struct Attempt {
    peer: PeerId,
    lane: LaneId,
    outcome: Result<Accepted, Error>,
}

impl MultiDriver {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let (events, sends) = (SelectAll::new(), FuturesUnordered::new());
        Self { shared, events, sends, overdue_at: None, alarm: None }
    }

    /// Runs until the [`MultiTransport`](super::MultiTransport) is dropped or ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the transport deaf, and what waits where it is.
    pub async fn run(mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.shared.driver.register(context.waker());
        for _ in 0..TURNS {
            if self.shared.peek(|state| state.ended) {
                return Poll::Ready(());
            }
            self.take_news();
            // Each has its turn, so that neither a busy link nor a busy sender starves the other.
            let (sent, heard) = (self.poll_send(context), self.poll_event(context));
            if !sent && !heard && !self.poll_alarm(context) {
                return Poll::Pending;
            }
        }
        // Others on this thread have their turn too.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes up new subscriptions and whatever can be sent.
    fn take_news(&mut self) {
        let shared = Arc::clone(&self.shared);
        let now = shared.now();
        let (subscriptions, jobs) = shared.with(|state| {
            state.news = false;
            let jobs: Vec<_> = std::iter::from_fn(|| state.next_job(now)).collect();
            (std::mem::take(&mut state.subscriptions), jobs)
        });
        for (link, listen) in subscriptions {
            let epoch = listen.epoch;
            self.events.push(listen.events.map(move |event| (link, epoch, event)).boxed());
        }
        for job in jobs {
            let Job { adapter, peer, lane, envelope, registration } = job;
            let send = async move { adapter.send(&peer, envelope).await }.boxed();
            let attempt = attempt(Arc::clone(&self.shared), peer, lane, send);
            // Aborted when its lane is gone.
            self.sends.push(Abortable::new(attempt, registration).map(|ended| ended.ok().flatten()).boxed());
        }
    }

    /// Takes note of one attempt that has ended.
    fn poll_send(&mut self, context: &mut Context<'_>) -> bool {
        let Poll::Ready(Some(ended)) = self.sends.poll_next_unpin(context) else { return false };
        if let Some(Attempt { peer, lane, outcome }) = ended {
            let now = self.shared.now();
            self.shared.with(|state| state.finished(now, &peer, lane, outcome));
        }
        true
    }

    /// Takes one event, if subscribers have room or have had their time.
    fn poll_event(&mut self, context: &mut Context<'_>) -> bool {
        let room = pin!(self.shared.hub.room()).poll(context).is_ready();
        let now = self.shared.now();
        let in_time = if room {
            self.overdue_at = None;
            InTime::Yes
        } else {
            let grace = self.shared.peek(|state| state.config.subscriber_grace);
            if now < *self.overdue_at.get_or_insert(now.saturating_add(grace)) {
                return false;
            }
            InTime::Overdue
        };
        let Poll::Ready(Some((link, epoch, event))) = self.events.poll_next_unpin(context) else {
            return false;
        };
        self.event(now, link, epoch, event, in_time);
        true
    }

    fn event(&self, now: Tick, link: LinkId, epoch: u64, event: Event, in_time: InTime) {
        let arrival = match event {
            Event::Received { via, connection, envelope } => {
                let id = match &envelope {
                    Envelope::Local(_) => None,
                    // Links have verified it for the network's name: here an id only has to tell it from others.
                    Envelope::Signed(signed) => signed.id("").ok(),
                };
                Ok(Arrival { via, connection, envelope, id })
            }
            other => Err(other),
        };
        let wall = self.shared.timer.wall();
        let adapter = self.shared.peek(|state| state.links.get(&link).map(|slot| Arc::clone(&slot.adapter)));
        let reached = match (&arrival, adapter) {
            (Err(Event::Lagged { .. }), Some(adapter)) => adapter.peers(),
            _ => Vec::new(),
        };
        self.shared.with(|state| {
            if !state.hears(link, epoch) {
                return;
            }
            match arrival {
                Ok(arrival) => state.received(wall, link, arrival, in_time),
                Err(Event::Changed(info)) => state.changed(link, info),
                Err(Event::Discovered(info)) => state.discovered(now, link, info),
                Err(Event::Lagged { missed }) => state.lagged(now, link, missed, reached),
                Err(Event::Lost { peer, connection, reason }) => {
                    state.lost(now, link, &peer, connection, reason);
                }
                Err(Event::Received { .. }) => {}
            }
        });
    }

    /// Waits for the next time at which something is to be done; `true` when it has come.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> bool {
        let now = self.shared.now();
        let sweep_at = self.shared.with(|state| state.sweep(now).or(state.sweep_at));
        let Some(at) = sweep_at.into_iter().chain(self.overdue_at.filter(|at| *at > now)).min() else {
            self.alarm = None;
            return false;
        };
        if self.alarm.as_ref().is_none_or(|(set, _)| *set != at) {
            self.alarm = Some((at, self.shared.timer.sleep_until(at)));
        }
        let rung = self.alarm.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(context).is_ready());
        if rung {
            self.alarm = None;
        }
        rung
    }
}

/// Waits for a link to take an envelope; `None` when it held it for so long that it went another way.
async fn attempt(
    shared: Arc<Shared>,
    peer: PeerId,
    lane: LaneId,
    mut send: BoxFuture<'static, Result<Accepted, Error>>,
) -> Option<Attempt> {
    let patience = shared.peek(|state| state.config.stall_after);
    loop {
        let now = shared.now();
        match select(send, shared.timer.sleep_until(now.saturating_add(patience))).await {
            Either::Left((outcome, _)) => return Some(Attempt { peer, lane, outcome }),
            Either::Right((_, held)) => send = held,
        }
        let now = shared.now();
        if shared.with(|state| state.stalled(now, &peer, lane)) == Stalled::Moved {
            return None;
        }
    }
}

impl fmt::Debug for MultiDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiDriver").field("peer", &self.shared.me).finish_non_exhaustive()
    }
}

/// Turns of one poll: enough that a burst needs few wake-ups, few enough that others on the thread run.
const TURNS: usize = 64;
