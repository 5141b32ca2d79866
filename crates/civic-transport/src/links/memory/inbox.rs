use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use civic_types::PeerId;

use crate::event::Event;

/// What waits for one device until it polls its events, in order.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    queue: VecDeque<Waiting>,
    bytes: BTreeMap<PeerId, usize>,
}

#[derive(Debug)]
pub(super) enum Waiting {
    /// Something happened to a connection.
    Event(Event),
    /// A frame of a neighbour.
    Frame { from: PeerId, connection: u64, wire: Bytes },
}

impl Inbox {
    pub(super) fn push(&mut self, waiting: Waiting) {
        if let Waiting::Frame { from, wire, .. } = &waiting {
            *self.bytes.entry(*from).or_default() += wire.len() + FRAME_BYTES;
        }
        self.queue.push_back(waiting);
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.queue.pop_front()?;
        if let Waiting::Frame { from, wire, .. } = &waiting {
            let bytes = self.bytes.entry(*from).or_default();
            *bytes = bytes.saturating_sub(wire.len() + FRAME_BYTES);
        }
        Some(waiting)
    }

    /// Bytes of a neighbour that wait.
    pub(super) fn bytes_from(&self, peer: &PeerId) -> usize {
        self.bytes.get(peer).copied().unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }
}

/// What a frame costs beside its bytes, so that empty ones are bounded too.
pub(super) const FRAME_BYTES: usize = 64;
