use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use civic_types::PeerId;
use futures_channel::{mpsc, oneshot};
use futures_core::Stream;

use crate::conversation::Totals;
use crate::error::Error;

/// Events that a subscriber may be behind.
pub const MAX_QUEUED_EVENTS: usize = 256;

/// Requests that wait for a peer at once.
pub const MAX_PENDING_REQUESTS: usize = 1024;

/// What happened in replication.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncEvent {
    /// A round with a peer ended with equal sets.
    Converged {
        /// Who.
        peer: PeerId,
    },
    /// A session could not go on: the store failed.
    Failed {
        /// With whom.
        peer: PeerId,
        /// Why, in words.
        why: String,
    },
    /// New versions came in.
    Imported {
        /// From whom.
        peer: PeerId,
        /// How many.
        versions: u64,
    },
    /// The subscriber was too slow and missed events.
    Lagged,
    /// A peer broke the protocol and was disconnected.
    Misbehaved {
        /// Who.
        peer: PeerId,
        /// How.
        what: &'static str,
    },
}

/// The stream of [`SyncHandle::events`](super::SyncHandle::events).
pub type SyncEventStream = Pin<Box<dyn Stream<Item = SyncEvent> + Send>>;

/// What is known of replication with one peer since the driver started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerSync {
    /// Who.
    pub peer: PeerId,
    /// Whether it is connected.
    pub connected: bool,
    /// Whether the last round ended with equal sets.
    pub converged: bool,
    /// What went over all connections.
    pub totals: Totals,
}

/// What the driver and its handles share.
#[derive(Debug, Default)]
pub(super) struct Status {
    peers: Mutex<BTreeMap<PeerId, PeerSync>>,
    subscribers: Mutex<Vec<Subscriber>>,
    pending: Mutex<Pending>,
}

#[derive(Debug)]
struct Subscriber {
    sender: mpsc::Sender<SyncEvent>,
    lagged: bool,
}

#[derive(Debug, Default)]
struct Pending {
    next: u64,
    requests: HashMap<u64, (PeerId, oneshot::Sender<Result<(), Error>>)>,
}

impl Status {
    pub(super) fn peers(&self) -> Vec<PeerSync> {
        lock(&self.peers).values().cloned().collect()
    }

    pub(super) fn update(&self, peer: PeerId, change: impl FnOnce(&mut PeerSync)) {
        let new = PeerSync { peer, connected: false, converged: false, totals: Totals::default() };
        change(lock(&self.peers).entry(peer).or_insert(new));
    }

    pub(super) fn subscribe(&self) -> SyncEventStream {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED_EVENTS);
        lock(&self.subscribers).push(Subscriber { sender, lagged: false });
        Box::pin(receiver)
    }

    pub(super) fn emit(&self, event: &SyncEvent) {
        lock(&self.subscribers).retain_mut(|subscriber| {
            if subscriber.lagged && subscriber.sender.try_send(SyncEvent::Lagged).is_ok() {
                subscriber.lagged = false;
            }
            subscriber.lagged |=
                subscriber.sender.try_send(event.clone()).is_err_and(|error| error.is_full());
            !subscriber.sender.is_closed()
        });
    }

    /// Remembers a request until a round answers it.
    pub(super) fn request(&self, peer: PeerId) -> Result<(u64, oneshot::Receiver<Result<(), Error>>), Error> {
        let mut pending = lock(&self.pending);
        pending.requests.retain(|_, (_, reply)| !reply.is_canceled());
        if pending.requests.len() >= MAX_PENDING_REQUESTS {
            return Err(Error::Busy);
        }
        let (sender, receiver) = oneshot::channel();
        pending.next += 1;
        let id = pending.next;
        pending.requests.insert(id, (peer, sender));
        Ok((id, receiver))
    }

    /// Requests that wait for a peer, ascending.
    pub(super) fn requests_of(&self, peer: &PeerId) -> Vec<u64> {
        let pending = lock(&self.pending);
        let mut ids: Vec<u64> =
            pending.requests.iter().filter(|(_, (who, _))| who == peer).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn answer(&self, id: u64, result: Result<(), Error>) {
        if let Some((_, reply)) = lock(&self.pending).requests.remove(&id) {
            // Whoever asked may have stopped waiting.
            let _gone = reply.send(result);
        }
    }

    /// The driver has ended: nobody will answer any more.
    pub(super) fn close(&self) {
        lock(&self.pending).requests.clear();
        lock(&self.subscribers).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
