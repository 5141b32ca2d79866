//! The change feed: a log tail that turns live, without a queue per subscriber.
//!
//! A stream keeps only its place in the log and reads on from there, so a slow reader costs nothing and
//! falls behind only as far as the log reaches.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::Shared;
use super::row::LogRow;
use crate::change::ChangeEvent;
use crate::engine::{Engine, KeyRange, Table};
use crate::error::Error;

/// Changes that a stream reads at once; bounds what it holds.
const FEED_PAGE: usize = 32;

/// What streams wait on: how far the log reaches.
#[derive(Debug)]
pub(super) struct Feed(Mutex<State>);

#[derive(Debug)]
struct State {
    /// `seq` of the newest commit.
    head: u64,
    /// `seq` of the oldest commit still in the log.
    floor: u64,
    closed: bool,
    readers: BTreeMap<u64, Waker>,
    tickets: u64,
}

impl Feed {
    pub(super) const fn new(head: u64, floor: u64) -> Self {
        Self(Mutex::new(State { head, floor, closed: false, readers: BTreeMap::new(), tickets: 0 }))
    }

    /// `seq` of the newest commit and of the oldest in the log.
    pub(super) fn reach(&self) -> (u64, u64) {
        let state = self.lock();
        (state.head, state.floor)
    }

    pub(super) fn advance(&self, head: u64, floor: u64) {
        let mut state = self.lock();
        (state.head, state.floor) = (head, floor);
        Self::wake(state);
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        Self::wake(state);
    }

    fn wake(mut state: MutexGuard<'_, State>) {
        let readers = std::mem::take(&mut state.readers);
        drop(state);
        readers.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One subscription.
#[derive(Debug)]
pub(super) struct FeedStream<E: Engine> {
    shared: Arc<Shared<E>>,
    /// The commit to give next.
    next: u64,
    read: VecDeque<ChangeEvent>,
    ticket: Option<u64>,
}

impl<E: Engine> FeedStream<E> {
    pub(super) const fn new(shared: Arc<Shared<E>>, next: u64) -> Self {
        Self { shared, next, read: VecDeque::new(), ticket: None }
    }

    /// Reads on, or waits for the next commit.
    fn poll_read(&mut self, cx: &Context<'_>) -> Poll<Option<()>> {
        let (head, floor) = {
            let mut state = self.shared.feed.lock();
            if state.closed {
                return Poll::Ready(None);
            }
            if self.next == state.head + 1 {
                let next = state.tickets + 1;
                let ticket = *self.ticket.get_or_insert(next);
                state.tickets = state.tickets.max(ticket);
                state.readers.insert(ticket, cx.waker().clone());
                return Poll::Pending;
            }
            (state.head, state.floor)
        };
        if self.next < floor || self.next > head {
            self.skip_to(if self.next > head { head + 1 } else { floor });
            return Poll::Ready(Some(()));
        }
        Poll::Ready(self.read_page(head).ok())
    }

    fn read_page(&mut self, head: u64) -> Result<(), Error> {
        let from = KeyRange::all().after(&(self.next - 1).to_be_bytes());
        let page = self.shared.engine.snapshot()?.scan(Table::Log, &from, FEED_PAGE);
        let rows = match page {
            Ok(rows) => rows,
            Err(Error::Corrupt { .. }) => return self.read_one(),
            Err(error) => return Err(error),
        };
        for (key, row) in rows {
            let Some(seq) = seq_of(&key).filter(|seq| *seq <= head) else { break };
            if seq != self.next {
                self.skip_to(seq);
            }
            match LogRow::decode(seq, &row) {
                Ok(row) => {
                    self.read.push_back(ChangeEvent::Commit(row.change));
                    self.next = seq + 1;
                }
                Err(_) => self.skip_to(seq + 1),
            }
        }
        if self.read.is_empty() {
            self.skip_to(head + 1);
        }
        Ok(())
    }

    /// Reads one commit of a page that holds a damaged one.
    fn read_one(&mut self) -> Result<(), Error> {
        let row = self.shared.engine.snapshot()?.get(Table::Log, &self.next.to_be_bytes());
        match row.and_then(|row| row.map(|row| LogRow::decode(self.next, &row)).transpose()) {
            Ok(Some(row)) => {
                self.read.push_back(ChangeEvent::Commit(row.change));
                self.next += 1;
            }
            Ok(None) | Err(Error::Corrupt { .. }) => self.skip_to(self.next + 1),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn skip_to(&mut self, seq: u64) {
        self.next = seq;
        self.read.push_back(ChangeEvent::Gap { resume_at: seq });
    }
}

impl<E: Engine> Stream for FeedStream<E> {
    type Item = ChangeEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ChangeEvent>> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Poll::Ready(Some(event));
            }
            match self.poll_read(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<E: Engine> Drop for FeedStream<E> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.feed.lock().readers.remove(&ticket);
        }
    }
}

/// The commit that a key of the log stands for.
pub(super) fn seq_of(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}
