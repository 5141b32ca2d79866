use std::collections::VecDeque;
use std::time::Duration;

use civic_types::time::Tick;

use super::lane::Entry;

/// What a link has taken of late and is not known to have delivered, oldest first.
#[derive(Debug, Default)]
pub(super) struct Window {
    entries: VecDeque<(Tick, Entry)>,
    bytes: usize,
}

impl Window {
    /// Keeps an entry; the oldest make room for it within `max_bytes` and [`MAX_ENTRIES`].
    pub(super) fn push(&mut self, now: Tick, entry: Entry, max_bytes: usize) {
        let bytes = entry.bytes();
        while self.entries.len() >= MAX_ENTRIES || self.bytes.saturating_add(bytes) > max_bytes {
            if self.pop().is_none() {
                return;
            }
        }
        self.bytes += bytes;
        self.entries.push_back((now, entry));
    }

    /// Forgets what is older than the window.
    pub(super) fn expire(&mut self, now: Tick, window: Duration) {
        while self.entries.front().is_some_and(|(at, _)| now.since(*at) >= window) {
            self.pop();
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.entries.into_iter().map(|(_, entry)| entry)
    }

    fn pop(&mut self) -> Option<Entry> {
        let (_, entry) = self.entries.pop_front()?;
        self.bytes = self.bytes.saturating_sub(entry.bytes());
        Some(entry)
    }
}

/// Entries of one neighbour, at most: 4 MiB of the smallest envelopes.
const MAX_ENTRIES: usize = 16_384;
