use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::batch::MAX_BATCH_BYTES;

/// Most requests that wait for the writer: more callers than a device has tasks, few enough that an
/// acknowledgement is never more than one group away.
pub(super) const MAX_QUEUED: usize = 1024;

/// Most bytes of requests that wait for the writer; a single larger one is taken when nothing else waits.
pub(super) const MAX_QUEUED_BYTES: usize = MAX_BATCH_BYTES;

/// The bounded way to the writer: callers wait for room without a thread, the writer takes all there is.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    bytes: usize,
    closed: bool,
    /// Callers that wait for room, in the order of their arrival.
    callers: BTreeMap<u64, Waker>,
    tickets: u64,
}

/// The queue takes no more.
#[derive(Debug)]
pub(super) struct Closed;

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        let state =
            State { waiting: VecDeque::new(), bytes: 0, closed: false, callers: BTreeMap::new(), tickets: 0 };
        Self { state: Mutex::new(state), filled: Condvar::new() }
    }

    /// Waits for room and hands `item` over; dropped before it is ready, nothing was handed over.
    pub(super) async fn push(&self, item: T, bytes: usize) -> Result<(), Closed> {
        let mut place = Place { queue: self, ticket: None };
        let mut item = Some(item);
        std::future::poll_fn(move |cx| place.poll(cx, &mut item, bytes)).await
    }

    /// Waits for requests and takes them all; `None` once the queue is closed and empty.
    pub(super) fn take_all(&self) -> Option<VecDeque<T>> {
        let mut state = self.lock();
        loop {
            if !state.waiting.is_empty() {
                state.bytes = 0;
                let (taken, callers) =
                    (std::mem::take(&mut state.waiting), std::mem::take(&mut state.callers));
                drop(state);
                callers.into_values().for_each(Waker::wake);
                return Some(taken);
            }
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more; what waits for room is refused, what was handed over stays.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let callers = std::mem::take(&mut state.callers);
        drop(state);
        self.filled.notify_all();
        callers.into_values().for_each(Waker::wake);
    }

    /// Throws away what was handed over and is not taken.
    pub(super) fn clear(&self) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        drop(waiting);
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One caller's place among those that wait for room.
struct Place<'a, T> {
    queue: &'a Queue<T>,
    ticket: Option<u64>,
}

impl<T> Place<'_, T> {
    fn poll(&mut self, cx: &Context<'_>, item: &mut Option<T>, bytes: usize) -> Poll<Result<(), Closed>> {
        let mut state = self.queue.lock();
        if state.closed {
            return Poll::Ready(Err(Closed));
        }
        let room = state.waiting.len() < MAX_QUEUED && state.bytes.saturating_add(bytes) <= MAX_QUEUED_BYTES;
        if room || state.waiting.is_empty() {
            state.waiting.extend(item.take());
            state.bytes = state.bytes.saturating_add(bytes);
            drop(state);
            self.queue.filled.notify_one();
            return Poll::Ready(Ok(()));
        }
        let next = state.tickets + 1;
        let ticket = *self.ticket.get_or_insert(next);
        state.tickets = state.tickets.max(ticket);
        state.callers.insert(ticket, cx.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.queue.lock().callers.remove(&ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_full_queue_makes_callers_wait_and_a_cancelled_one_leaves_nothing() {
        let queue = Queue::new();
        (0..MAX_QUEUED).for_each(|n| assert!(queue.push(n, 1).now_or_never().is_some()));
        let mut waiting = Box::pin(queue.push(7777, 1));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(waiting);
        assert!(queue.lock().callers.is_empty());
        assert_eq!(queue.take_all().unwrap().len(), MAX_QUEUED);
        assert!(queue.push(1, MAX_QUEUED_BYTES * 2).now_or_never().is_some(), "alone, any size is taken");
        assert!(queue.push(2, 1).now_or_never().is_none(), "then bytes bound");
        queue.close();
        assert!(matches!(queue.push(3, 1).now_or_never(), Some(Err(Closed))));
        assert_eq!(queue.take_all().unwrap().len(), 1);
        assert!(queue.take_all().is_none());
    }
}
