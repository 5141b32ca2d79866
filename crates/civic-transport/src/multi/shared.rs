use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use civic_types::PeerId;
use civic_types::time::{Tick, Timer};
use futures_util::task::AtomicWaker;

use super::config::MultiConfig;
use super::dispatch::{Given, Way};
use super::lane::{Entry, LaneId};
use super::route::RouteMode;
use super::state::State;
use crate::adapter::Accepted;
use crate::envelope::Envelope;
use crate::error::{Error, TrySendError};
use crate::hub::EventHub;

/// What the transport and its driver share. Locks are short and nest in one order: state, then a link's own
/// or the hub's; no link is called for sending under the lock.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) me: PeerId,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) hub: EventHub,
    /// Wakes the driver.
    pub(super) driver: AtomicWaker,
    state: Mutex<State>,
}

/// Why an envelope was not taken.
pub(super) enum Unsent {
    /// There is no room.
    Full,
    /// For good, or until something changes.
    Refused(Error),
}

impl Shared {
    pub(super) fn new(me: PeerId, secret: [u8; 32], timer: Arc<dyn Timer>, config: MultiConfig) -> Self {
        let hub = EventHub::new(config.events);
        let state = Mutex::new(State::new(config, hub.clone(), secret));
        Self { me, timer, hub, driver: AtomicWaker::new(), state }
    }

    /// Works on the state, and wakes the driver when there is news for it.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let value = f(&mut state);
        let news = state.news;
        drop(state);
        if news {
            self.driver.wake();
        }
        value
    }

    /// Reads the state.
    pub(super) fn peek<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.lock())
    }

    pub(super) fn now(&self) -> Tick {
        self.timer.now()
    }

    pub(super) fn entry(&self, envelope: Envelope) -> Entry {
        Entry::new(envelope, self.now())
    }

    /// Whether calls are taken, and the payload fits any link.
    pub(super) fn check(&self, envelope: &Envelope) -> Result<(), Error> {
        self.peek(|state| {
            let limits = state.links.values().map(|slot| slot.capabilities.max_message_bytes);
            match (state.active, envelope.payload().len(), limits.max().unwrap_or_default()) {
                (false, _, _) => Err(Error::Inactive),
                (true, got, limit) if got > limit => Err(Error::TooLarge { got, limit }),
                _ => Ok(()),
            }
        })
    }

    /// Gives the entry to the lanes of its route, if one has room now.
    pub(super) fn try_give(&self, peer: &PeerId, entry: &Entry) -> Result<Accepted, Unsent> {
        let plan = self.peek(|state| match state.active {
            true => state.plan(self.now(), peer, entry),
            false => Err(Error::Inactive),
        });
        let plan = plan.map_err(Unsent::Refused)?;
        let (mut accepted, mut full) = (None, false);
        let mut entry = entry.clone();
        if plan.mode == RouteMode::AllAtOnce {
            entry.tried.extend_from_slice(&plan.lanes);
        }
        for lane in plan.lanes {
            match (self.give(peer, lane, &entry), plan.mode) {
                (Given::Taken(taken), RouteMode::OneByOne) => return Ok(taken),
                (Given::Taken(taken), RouteMode::AllAtOnce) => accepted = accepted.max(Some(taken)),
                (Given::Full, RouteMode::OneByOne) => return Err(Unsent::Full),
                (Given::Full, RouteMode::AllAtOnce) => full = true,
                (Given::Refused, _) => {}
            }
        }
        match accepted {
            Some(accepted) => Ok(accepted),
            None if full => Err(Unsent::Full),
            None => Err(Unsent::Refused(Error::NoRoute { peer: *peer })),
        }
    }

    /// Gives the entry to the lanes of its route, waiting for room.
    pub(super) async fn give_when_room(&self, peer: &PeerId, entry: &Entry) -> Result<Accepted, Error> {
        poll_fn(|context| match self.try_give(peer, entry) {
            Err(Unsent::Full) => {
                self.await_room(context);
                // Room may have come in between.
                match self.try_give(peer, entry) {
                    Err(Unsent::Full) => Poll::Pending,
                    Err(Unsent::Refused(error)) => Poll::Ready(Err(error)),
                    Ok(accepted) => Poll::Ready(Ok(accepted)),
                }
            }
            Err(Unsent::Refused(error)) => Poll::Ready(Err(error)),
            Ok(accepted) => Poll::Ready(Ok(accepted)),
        })
        .await
    }

    /// What `try_send` says of an envelope that was not taken.
    pub(super) fn unsent(&self, peer: &PeerId, unsent: Unsent) -> TrySendError {
        match unsent {
            Unsent::Full => TrySendError::Busy,
            Unsent::Refused(error @ Error::NoRoute { .. }) => {
                let wait = self.peek(|state| state.duty_wait(self.now(), peer));
                wait.map_or(TrySendError::Refused(error), |retry_after| TrySendError::DutyCycle {
                    retry_after,
                })
            }
            Unsent::Refused(error) => TrySendError::Refused(error),
        }
    }

    fn give(&self, peer: &PeerId, lane: LaneId, entry: &Entry) -> Given {
        match self.with(|state| state.offer(peer, lane, entry)) {
            Way::Settled(given) => given,
            Way::Direct(adapter) => {
                let outcome = adapter.try_send(peer, entry.envelope.clone());
                let now = self.now();
                self.with(|state| state.offered(now, peer, lane, entry.clone(), outcome))
            }
        }
    }

    fn await_room(&self, context: &Context<'_>) {
        let mut state = self.lock();
        if !state.awaiting_room.iter().any(|waker| waker.will_wake(context.waker())) {
            state.awaiting_room.push(context.waker().clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
