//! What to dial, from what is announced: [`Directory`], a pure machine.

mod entry;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use civic_types::PeerId;
use civic_types::time::Tick;

use super::bucket::Bucket;
use super::id::{Instance, ShortId};
use entry::Entry;

/// Who is announced, who answered, who is connected, and what to dial next.
#[derive(Debug)]
pub(super) struct Directory {
    bounds: Bounds,
    me: Instance,
    entries: BTreeMap<Key, Entry>,
    connected: BTreeMap<PeerId, [ShortId; 3]>,
    /// Dials whose outcome is awaited, also of entries that are gone.
    dialling: usize,
    new: Bucket,
    dials: Bucket,
    forgotten: Vec<PeerId>,
}

/// What the machine is held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) max_entries: usize,
    pub(super) max_new_per_s: u32,
    pub(super) max_dials: usize,
    /// Silence after which an announced device is forgotten.
    pub(super) lost_after: Duration,
    /// First and unit of the redial delays, and the longest.
    pub(super) backoff: (Duration, Duration),
}

/// An entry of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A start of a device that is announced.
    Announced(Instance),
    /// A peer that answered in the past.
    Known(PeerId),
}

/// What has happened.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// A device says where it listens.
    Announced { instance: Instance, id: ShortId, addresses: Vec<SocketAddr> },
    /// A device says goodbye, or its record is gone.
    Withdrawn { instance: Instance },
    /// A peer answered there in the past.
    Known { peer: PeerId, address: SocketAddr },
    /// A peer is connected, whoever dialled; with its ids.
    Connected { peer: PeerId, ids: [ShortId; 3] },
    /// A peer is connected no more; with 64 random bits.
    Lost { peer: PeerId, random: u64 },
    /// The user is done with a peer: it is not dialled until it is announced as another instance.
    Shunned { peer: PeerId },
    /// A dial is over; with 64 random bits.
    Dialled { key: Key, address: SocketAddr, outcome: Outcome, random: u64 },
    /// Time has passed.
    Time,
}

/// How a dial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It led to that peer.
    Answered(PeerId),
    /// Nobody of ours answered.
    Failed,
    /// It led to ourselves, or to whom the user is done with.
    Unwanted,
}

/// Dial that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dial {
    pub(super) key: Key,
    pub(super) address: SocketAddr,
    /// Who must answer there; `None` takes whoever does.
    pub(super) peer: Option<PeerId>,
}

impl Directory {
    pub(super) const fn new(me: Instance, bounds: Bounds) -> Self {
        Self {
            bounds,
            me,
            entries: BTreeMap::new(),
            connected: BTreeMap::new(),
            dialling: 0,
            new: Bucket::new(bounds.max_new_per_s),
            dials: Bucket::new(bounds.max_new_per_s.saturating_mul(DIALS_PER_NEW)),
            forgotten: Vec::new(),
        }
    }

    /// Takes what has happened and says what to dial.
    pub(super) fn handle(&mut self, now: Tick, input: Input) -> Vec<Dial> {
        match input {
            Input::Announced { instance, id, addresses } => self.announced(now, instance, id, &addresses),
            Input::Withdrawn { instance } => {
                if let Some(entry) = self.entries.get_mut(&Key::Announced(instance)) {
                    entry.gone_at = now.saturating_add(DEBOUNCE);
                }
            }
            Input::Known { peer, address } => self.known(now, peer, address),
            Input::Connected { peer, ids } => {
                self.connected.insert(peer, ids);
                let unnamed = self.entries.values_mut().filter(|entry| entry.is_one_of(&ids));
                unnamed.for_each(|entry| entry.peer = Some(peer));
            }
            Input::Lost { peer, random } => {
                self.connected.remove(&peer);
                let of_peer = self.entries.values_mut().filter(|entry| entry.peer == Some(peer));
                of_peer.for_each(|entry| entry.lost(now, random));
            }
            Input::Shunned { peer } => {
                if self.entries.remove(&Key::Known(peer)).is_some() {
                    self.forgotten.push(peer);
                }
                let of_peer = self.entries.values_mut().filter(|entry| entry.peer == Some(peer));
                of_peer.for_each(|entry| entry.shunned = true);
            }
            Input::Dialled { key, address, outcome, random } => {
                self.dialling = self.dialling.saturating_sub(1);
                if let Some(entry) = self.entries.get_mut(&key) {
                    entry.dialled(now, address, outcome, random);
                }
            }
            Input::Time => {}
        }
        self.forget(now);
        self.due(now)
    }

    /// When to call again if nothing happens before.
    pub(super) fn next_wake(&self, now: Tick) -> Option<Tick> {
        let dials = (self.dialling < self.bounds.max_dials).then(|| self.dials.next(now));
        let busy = self.busy();
        let wakes = self.entries.values().map(|entry| {
            let dial = match dials {
                Some(token) if self.may_dial(entry, &busy) => entry.next().map(|next| next.max(token)),
                _ => None,
            };
            dial.map_or(entry.gone_at, |dial| dial.min(entry.gone_at))
        });
        wakes.min()
    }

    /// Known peers that are to be forgotten: they did not answer for a day, or were shunned.
    pub(super) fn take_forgotten(&mut self) -> Vec<PeerId> {
        std::mem::take(&mut self.forgotten)
    }

    fn announced(&mut self, now: Tick, instance: Instance, id: ShortId, addresses: &[SocketAddr]) {
        let key = Key::Announced(instance);
        if instance == self.me || addresses.is_empty() {
            return;
        }
        if !self.entries.contains_key(&key) {
            if !self.new.take(now) || !self.make_room() {
                return;
            }
            // One end dials at once; the other only if nothing came of that.
            let first = if self.me < instance { now } else { now.saturating_add(GRACE) };
            self.entries.insert(key, Entry::new(now, first, self.bounds.backoff));
        }
        let named = self.connected.iter().find(|(_, ids)| ids.contains(&id)).map(|(peer, _)| *peer);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.id = Some(id);
            entry.peer = named.or(entry.peer);
            entry.gone_at = now.saturating_add(self.bounds.lost_after);
            addresses.iter().for_each(|address| entry.add(now, *address));
        }
    }

    fn known(&mut self, now: Tick, peer: PeerId, address: SocketAddr) {
        if let Some(entry) = self.entries.get_mut(&Key::Known(peer)) {
            return entry.add(now, address);
        }
        let known = self.entries.keys().filter(|key| matches!(key, Key::Known(_))).count();
        if known >= MAX_KNOWN {
            return;
        }
        // One after the other, the latest first.
        let spacing = KNOWN_SPACING.saturating_mul(u32::try_from(known).unwrap_or(u32::MAX));
        let mut entry = Entry::new(now, now.saturating_add(spacing), self.bounds.backoff);
        entry.peer = Some(peer);
        entry.gone_at = now.saturating_add(KNOWN_FOR);
        entry.add(now, address);
        self.entries.insert(Key::Known(peer), entry);
    }

    /// Makes room for one announced device; not at the cost of any that answered.
    fn make_room(&mut self) -> bool {
        let announced = || self.entries.iter().filter(|(key, _)| matches!(key, Key::Announced(_)));
        if announced().count() < self.bounds.max_entries {
            return true;
        }
        let idle = announced()
            .filter(|(_, entry)| !entry.dialling && !entry.answered() && !self.is_connected(entry));
        // Whoever failed most goes first, then whoever was heard least lately.
        let victim = idle.max_by_key(|(_, entry)| (entry.attempts, std::cmp::Reverse(entry.gone_at)));
        let victim = victim.map(|(key, _)| *key);
        victim.is_some_and(|key| self.entries.remove(&key).is_some())
    }

    fn forget(&mut self, now: Tick) {
        let connected = &self.connected;
        self.entries.retain(|key, entry| {
            // A known peer that is connected keeps its place.
            if matches!(key, Key::Known(peer) if connected.contains_key(peer)) {
                entry.gone_at = now.saturating_add(KNOWN_FOR);
            }
            let kept = now < entry.gone_at;
            if let (false, Key::Known(peer)) = (kept, key) {
                self.forgotten.push(*peer);
            }
            kept
        });
    }

    fn due(&mut self, now: Tick) -> Vec<Dial> {
        let mut dials = Vec::new();
        let mut busy = self.busy();
        while self.dialling < self.bounds.max_dials && self.dials.next(now) <= now {
            let ready = self.entries.iter().filter(|(_, entry)| {
                self.may_dial(entry, &busy) && entry.next().is_some_and(|next| next <= now)
            });
            // Who was tried least goes first, so that a crowd that never answers does not starve a newcomer.
            let Some(key) =
                ready.min_by_key(|(_, entry)| (entry.attempts, entry.next())).map(|(key, _)| *key)
            else {
                break;
            };
            let Some(entry) = self.entries.get_mut(&key) else { break };
            let Some(address) = entry.dial() else { break };
            self.dials.take(now);
            self.dialling += 1;
            busy.extend(entry.peer);
            let peer = match key {
                Key::Known(peer) => Some(peer),
                Key::Announced(_) => None,
            };
            dials.push(Dial { key, address, peer });
        }
        dials
    }

    fn may_dial(&self, entry: &Entry, busy: &BTreeSet<PeerId>) -> bool {
        let busy = entry.peer.is_some_and(|peer| busy.contains(&peer));
        !entry.dialling && !entry.shunned && !busy && !self.is_connected(entry)
    }

    fn is_connected(&self, entry: &Entry) -> bool {
        entry.peer.is_some_and(|peer| self.connected.contains_key(&peer))
    }

    /// Peers that are being dialled, under whatever key.
    fn busy(&self) -> BTreeSet<PeerId> {
        self.entries.values().filter(|entry| entry.dialling).filter_map(|entry| entry.peer).collect()
    }
}

/// Most known peers.
pub(super) const MAX_KNOWN: usize = 200;
/// Most addresses of one entry.
pub(super) const MAX_ADDRESSES: usize = 8;
/// Between a goodbye and its effect: records come and go in pairs.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// How long the one end leaves the first dial to the other.
const GRACE: Duration = Duration::from_secs(1);
/// Between the first dials of known peers.
const KNOWN_SPACING: Duration = Duration::from_secs(1);
/// How long a known peer may not answer before it is forgotten.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 3600);
/// Dials in a second for each newcomer in a second: each is dialled before another takes its place.
const DIALS_PER_NEW: u32 = 2;
