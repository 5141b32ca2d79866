use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

use super::frame::{PING, PONG, write_control, write_envelope};
use crate::envelope::Priority;
use crate::queue::PriorityQueues;

/// What has still to be written to one peer: envelopes in classes, a ping and a pong.
#[derive(Debug)]
pub struct Outbound {
    state: Mutex<State>,
    ready: Notify,
}

#[derive(Debug)]
struct State {
    queues: PriorityQueues<Bytes>,
    /// Pings and pongs, one of each at most, so that a flood of pings queues nothing.
    ping: bool,
    pong: bool,
    closed: bool,
    awaiting_room: Vec<Waker>,
}

/// Why an envelope was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The connection is gone.
    Closed,
    /// There is no room now.
    Full,
}

impl Outbound {
    /// Nothing waits, and no more than so many bytes ever will.
    #[must_use]
    pub fn new(queue_bytes: usize) -> Self {
        let queues = PriorityQueues::new(queue_bytes);
        let state = State { queues, ping: false, pong: false, closed: false, awaiting_room: Vec::new() };
        Self { state: Mutex::new(state), ready: Notify::new() }
    }

    /// Queues if there is room.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub fn try_push(&self, priority: Priority, wire: &Bytes) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        let bytes = wire.len() + FRAME_COST_BYTES;
        state.queues.push(priority, bytes, wire.clone()).map_err(|_| Refused::Full)?;
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// Queues when there is room.
    ///
    /// # Errors
    ///
    /// [`Refused::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it was queued or not.
    pub async fn push(&self, priority: Priority, wire: &Bytes) -> Result<(), Refused> {
        poll_fn(|context| match self.try_push(priority, wire) {
            Err(Refused::Full) => {
                let mut state = self.lock();
                if !state.awaiting_room.iter().any(|waker| waker.will_wake(context.waker())) {
                    state.awaiting_room.push(context.waker().clone());
                }
                drop(state);
                // Room may have come between the two locks.
                match self.try_push(priority, wire) {
                    Err(Refused::Full) => Poll::Pending,
                    other => Poll::Ready(other),
                }
            }
            other => Poll::Ready(other),
        })
        .await
    }

    /// Has a ping written.
    pub fn ping(&self) {
        self.lock().ping = true;
        self.ready.notify_one();
    }

    /// Has a pong written, before all else.
    pub fn pong(&self) {
        self.lock().pong = true;
        self.ready.notify_one();
    }

    /// Drops what waits and refuses what comes.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.queues = PriorityQueues::new(0);
        state.awaiting_room.drain(..).for_each(Waker::wake);
    }

    /// Waits for something to write and gathers frames up to about `max_bytes`.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, nothing was taken.
    pub async fn gather(&self, buffer: &mut BytesMut, max_bytes: usize) {
        loop {
            self.fill(buffer, max_bytes);
            if !buffer.is_empty() {
                return;
            }
            self.ready.notified().await;
        }
    }

    fn fill(&self, buffer: &mut BytesMut, max_bytes: usize) {
        let mut state = self.lock();
        if std::mem::take(&mut state.pong) {
            write_control(buffer, PONG, 0, |_| {});
        }
        if std::mem::take(&mut state.ping) {
            write_control(buffer, PING, 0, |_| {});
        }
        while buffer.len() < max_bytes {
            let Some(wire) = state.queues.pop() else { break };
            write_envelope(buffer, &wire);
        }
        state.awaiting_room.drain(..).for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an entry costs beside its bytes, so that empty envelopes are bounded too.
const FRAME_COST_BYTES: usize = 64;
