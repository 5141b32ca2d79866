use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use civic_types::PeerId;
use civic_types::time::{Sleep, Tick};
use futures_core::Stream;

use super::network::Shared;
use crate::event::Event;
use crate::hub::Subscription;

/// A subscription that pulls what waits in the inbox and, where there is a model, moves the network on.
pub(super) struct MemoryEvents {
    pub(super) subscription: Subscription,
    pub(super) network: Arc<Shared>,
    pub(super) peer: PeerId,
    pub(super) alarm: Option<(Tick, Sleep)>,
}

impl Stream for MemoryEvents {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            // First, so that the waker is known before the inbox is found empty.
            if let Poll::Ready(event) = Pin::new(&mut self.subscription).poll_next(context) {
                return Poll::Ready(event);
            }
            let network = self.network.clone();
            let next = network.timer.as_ref().and_then(|timer| network.lock().drive(timer.now()));
            if network.lock().pump(&self.peer) {
                continue;
            }
            match (next, &network.timer) {
                (Some(at), Some(timer)) => {
                    if self.alarm.as_ref().is_none_or(|(set, _)| *set != at) {
                        self.alarm = Some((at, timer.sleep_until(at)));
                    }
                }
                _ => self.alarm = None,
            }
            match self.alarm.as_mut().map(|(_, sleep)| sleep.as_mut().poll(context)) {
                Some(Poll::Ready(())) => self.alarm = None,
                Some(Poll::Pending) | None => return Poll::Pending,
            }
        }
    }
}
