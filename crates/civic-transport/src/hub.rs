//! Bounded event subscriptions for whoever writes an adapter: [`EventHub`].
//!
//! Every subscription has a queue of its own, bounded in events and bytes. A publisher that can wait asks
//! for [`EventHub::room`] first, so that a subscriber that keeps reading misses nothing; one that cannot,
//! or has waited long enough, publishes anyway, and whoever has no room gets [`Event::Lagged`].

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::event::Event;

/// How much waits for one subscriber. Twice as much is the end: several publishers may find room at once.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HubConfig {
    /// Events above which [`EventHub::room`] waits. Default 1024: a burst of small frames.
    pub max_events: usize,
    /// Bytes of payloads above which it waits; a single greater event is taken when nothing waits. Default
    /// 4 MiB: four of the largest payloads.
    pub max_bytes: usize,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self { max_events: 1024, max_bytes: 4 * 1024 * 1024 }
    }
}

impl HubConfig {
    const fn doubled(self) -> Self {
        Self { max_events: self.max_events.saturating_mul(2), max_bytes: self.max_bytes.saturating_mul(2) }
    }
}

/// Hands every event to every subscriber; clones share the subscribers.
#[derive(Clone, Default)]
pub struct EventHub(Arc<Shared>);

#[derive(Default)]
struct Shared {
    config: HubConfig,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    subscribers: BTreeMap<u64, Subscriber>,
    awaiting_room: Vec<Waker>,
}

#[derive(Default)]
struct Subscriber {
    queue: VecDeque<Event>,
    bytes: usize,
    missed: u64,
    waker: Option<Waker>,
}

impl EventHub {
    /// Nobody subscribed yet.
    #[must_use]
    pub fn new(config: HubConfig) -> Self {
        Self(Arc::new(Shared { config, state: Mutex::default() }))
    }

    /// A subscription to whatever is published from now on; dropping it ends it.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        let mut state = self.0.lock();
        let id = state.next;
        state.next += 1;
        state.subscribers.insert(id, Subscriber::default());
        Subscription { shared: self.0.clone(), id }
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn has_subscribers(&self) -> bool {
        !self.0.lock().subscribers.is_empty()
    }

    /// Hands an event to every subscriber. Who has no room misses it, and whatever follows until he has
    /// read that he did.
    pub fn publish(&self, event: &Event) {
        self.publish_within(self.0.config.doubled(), event);
    }

    /// Hands an event out after waiting for [`room`](Self::room) in vain: whoever still has none misses it,
    /// and is waited for no more until he has read that he did.
    pub fn publish_overdue(&self, event: &Event) {
        self.publish_within(self.0.config, event);
    }

    fn publish_within(&self, config: HubConfig, event: &Event) {
        let mut state = self.0.lock();
        for subscriber in state.subscribers.values_mut() {
            if subscriber.missed == 0 && subscriber.has_room(config) {
                subscriber.bytes += weight(event);
                subscriber.queue.push_back(event.clone());
            } else {
                subscriber.missed += 1;
            }
            subscriber.wake();
        }
    }

    /// Waits until every subscriber has room but those that have missed something already.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn room(&self) {
        poll_fn(|context| {
            let mut state = self.0.lock();
            if state.has_room(self.0.config) {
                return Poll::Ready(());
            }
            if !state.awaiting_room.iter().any(|waker| waker.will_wake(context.waker())) {
                state.awaiting_room.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Whether [`room`](Self::room) would not wait.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.0.lock().has_room(self.0.config)
    }

    /// Wakes every subscriber, for adapters whose subscribers pull.
    pub fn wake_all(&self) {
        self.0.lock().subscribers.values_mut().for_each(Subscriber::wake);
    }
}

impl fmt::Debug for EventHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventHub")
            .field("subscribers", &self.0.lock().subscribers.len())
            .finish_non_exhaustive()
    }
}

/// One subscriber's stream; never ends.
pub struct Subscription {
    shared: Arc<Shared>,
    id: u64,
}

impl Stream for Subscription {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.shared.lock();
        let Some(subscriber) = state.subscribers.get_mut(&self.id) else { return Poll::Ready(None) };
        if let Some(event) = subscriber.queue.pop_front() {
            subscriber.bytes = subscriber.bytes.saturating_sub(weight(&event));
            state.awaiting_room.drain(..).for_each(Waker::wake);
            return Poll::Ready(Some(event));
        }
        match std::mem::take(&mut subscriber.missed) {
            0 => {
                subscriber.waker = Some(context.waker().clone());
                Poll::Pending
            }
            missed => Poll::Ready(Some(Event::Lagged { missed })),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.subscribers.remove(&self.id);
        state.awaiting_room.drain(..).for_each(Waker::wake);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self, config: HubConfig) -> bool {
        self.subscribers.values().all(|subscriber| subscriber.missed > 0 || subscriber.has_room(config))
    }
}

impl Subscriber {
    fn has_room(&self, config: HubConfig) -> bool {
        self.queue.is_empty() || (self.queue.len() < config.max_events && self.bytes < config.max_bytes)
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Bytes that an event keeps, about.
fn weight(event: &Event) -> usize {
    match event {
        Event::Received { envelope, .. } => EVENT_BYTES + envelope.payload().len(),
        _ => EVENT_BYTES,
    }
}

/// An event without its payload, rounded up.
const EVENT_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    fn hub(max_events: usize) -> EventHub {
        EventHub::new(HubConfig { max_events, ..HubConfig::default() })
    }

    #[test]
    fn who_falls_behind_reads_what_was_kept_and_then_how_much_was_missed() {
        let hub = hub(1);
        let (mut slow, mut quick) = (hub.subscribe(), hub.subscribe());
        for missed in 1..=4 {
            hub.publish(&Event::Lagged { missed });
            assert_eq!(quick.next().now_or_never(), Some(Some(Event::Lagged { missed })));
        }
        let seen: Vec<_> = std::iter::from_fn(|| slow.next().now_or_never().flatten()).collect();
        assert_eq!(seen, [1, 2, 2].map(|missed| Event::Lagged { missed }));
        hub.publish(&Event::Lagged { missed: 9 });
        assert_eq!(slow.next().now_or_never(), Some(Some(Event::Lagged { missed: 9 })));
    }

    #[test]
    fn room_waits_for_the_slow_but_not_for_those_who_lag() {
        let hub = hub(1);
        let mut subscriber = hub.subscribe();
        assert!(hub.room().now_or_never().is_some());
        hub.publish(&Event::Lagged { missed: 1 });
        assert!(hub.room().now_or_never().is_none());
        assert!(subscriber.next().now_or_never().is_some());
        assert!(hub.room().now_or_never().is_some());
        (0..3).for_each(|_| hub.publish(&Event::Lagged { missed: 1 }));
        assert!(hub.room().now_or_never().is_some());
    }
}
