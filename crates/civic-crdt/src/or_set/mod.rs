//! [`OrSet`]: a set in which add wins over a concurrent remove.

mod codec;
mod delta;
mod key;
mod log;

use std::collections::{BTreeMap, BTreeSet};

use civic_types::ReplicaId;

use crate::clock::{Dot, VersionVector};
use crate::decode::DecodeError;
use crate::element::Element;
use crate::merge::{Crdt, Effect};
pub use delta::OrSetDelta;
use key::Key;
use log::{Log, Span};

/// A set in which a remove takes away exactly the adds that it has seen.
///
/// A dot store without tombstones: the state is the dots that are live and the count of all dots ever seen; a
/// counted dot that is not live was removed. Every add mints a dot, also of an element that is there, and a
/// remove burns one too, so that [`version`](Crdt::version) tells that something happened.
///
/// Adding, removing and finding an element take logarithmic time; a merge is one pass over the numbers of both.
///
/// ```
/// use civic_crdt::{Crdt, OrSet};
/// use civic_types::ReplicaId;
///
/// let (a, b) = (ReplicaId::from_bytes([1; 16]), ReplicaId::from_bytes([2; 16]));
/// let mut here = OrSet::new();
/// here.add(a, "pump-3".to_owned());
/// let mut there = here.clone();
/// here.remove(a, &"pump-3".to_owned());
/// there.add(b, "pump-3".to_owned());
/// here.merge(&there);
/// assert!(here.contains(&"pump-3".to_owned()), "the add had not been seen by the remove");
/// ```
///
/// Source: Bieniusa et al., *An Optimized Conflict-free Replicated Set*, 2012.
#[derive(Clone, Debug)]
pub struct OrSet<T> {
    logs: BTreeMap<ReplicaId, Log<T>>,
    /// The replicas by their place, in the order in which they became known.
    replicas: Vec<ReplicaId>,
    /// The live dots, by element.
    index: BTreeSet<Key>,
}

impl<T: Element> OrSet<T> {
    /// An empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { logs: BTreeMap::new(), replicas: Vec::new(), index: BTreeSet::new() }
    }

    /// Adds an element on behalf of `replica`, whose next dot it takes.
    pub fn add(&mut self, replica: ReplicaId, value: T) -> Dot {
        let bytes = value.canonical();
        self.take(&bytes);
        let key = self.log(replica).add(key::fingerprint(&bytes), value);
        self.index.insert(key);
        Dot::new(replica, key.number)
    }

    /// Removes what was seen of an element on behalf of `replica`; one that is not there needs nothing.
    pub fn remove(&mut self, replica: ReplicaId, value: &T) -> Effect {
        let removed = self.take(&value.canonical());
        if removed {
            self.log(replica).burn();
        }
        removed.into()
    }

    /// Whether the element is in the set.
    #[must_use]
    pub fn contains(&self, value: &T) -> bool {
        self.keys_of(&value.canonical()).next().is_some()
    }

    /// The elements, each once, ascending by canonical bytes; sorted for every call.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let all = self.logs.values().flat_map(|log| log.after(0));
        let mut all: Vec<_> = all.map(|(_, value)| (value.canonical(), value)).collect();
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        all.dedup_by(|(a, _), (b, _)| a == b);
        all.into_iter().map(|(_, value)| value)
    }

    /// Number of elements; counted for every call.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut last: Option<Key> = None;
        let mut first_of = |key: &Key| {
            let alone = last.replace(*key).is_none_or(|last| last.fingerprint != key.fingerprint);
            // The least dot stands for its element. Few share a fingerprint, so few are compared.
            alone || self.element(*key).is_some_and(|e| self.keys_of(&e.canonical()).next() == Some(*key))
        };
        self.index.iter().filter(|key| first_of(key)).count()
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Ends every live dot of an element, and says whether there was one.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let keys: Vec<Key> = self.keys_of(bytes).collect();
        for key in &keys {
            self.index.remove(key);
            if let Some(log) = self.replica(*key).and_then(|replica| self.logs.get_mut(&replica)) {
                log.end(key.number);
            }
        }
        !keys.is_empty()
    }

    /// The live dots of an element, ascending.
    fn keys_of(&self, bytes: &[u8]) -> impl Iterator<Item = Key> {
        let (least, greatest) = Key::range(bytes);
        let same = self.index.range(least..=greatest).copied();
        same.filter(move |key| self.element(*key).is_some_and(|element| element.canonical() == bytes))
    }

    fn element(&self, key: Key) -> Option<&T> {
        self.logs.get(&self.replica(key)?)?.get(key.number)
    }

    fn replica(&self, key: Key) -> Option<ReplicaId> {
        self.replicas.get(usize::try_from(key.place).ok()?).copied()
    }

    /// The log of a replica; a new one has counted nothing.
    fn log(&mut self, replica: ReplicaId) -> &mut Log<T> {
        self.logs.entry(replica).or_insert_with(|| {
            // There are no 2^32 replicas: their logs alone would take 200 GB.
            let place = u32::try_from(self.replicas.len()).unwrap_or(u32::MAX);
            self.replicas.push(replica);
            Log::new(place)
        })
    }

    /// Unites one replica's log with what another knows of it: `count` events, and what is live of them.
    fn unite<'a>(&mut self, replica: ReplicaId, count: u64, live: impl Iterator<Item = Span<'a, T>>) -> bool
    where
        T: 'a,
    {
        let log = self.log(replica);
        let before = log.count();
        let mut ended = log.unite(count, live);
        let mut new: Vec<Key> = log.after(before).map(|(key, _)| key).collect();
        let changed = log.count() > before || !ended.is_empty();
        // Neighbours in the index are reached faster than keys here and there.
        ended.sort_unstable();
        new.sort_unstable();
        for key in &ended {
            self.index.remove(key);
        }
        self.index.extend(new);
        changed
    }
}

impl<T: Element> Default for OrSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Element> Crdt for OrSet<T> {
    type Delta = OrSetDelta<T>;

    fn merge(&mut self, other: &Self) -> Effect {
        let united = other.logs.iter().fold(false, |changed, (replica, log)| {
            self.unite(*replica, log.count(), log.after(0).map(Span::one)) || changed
        });
        united.into()
    }

    fn apply(&mut self, delta: &OrSetDelta<T>) -> Effect {
        delta.apply_to(self).into()
    }

    fn delta_since(&self, since: &VersionVector) -> OrSetDelta<T> {
        OrSetDelta::new(self, since)
    }

    fn version(&self) -> VersionVector {
        self.logs.iter().map(|(replica, log)| (*replica, log.count())).collect()
    }

    /// `[[replica, count, [gap, element, gap, element…]]…]`, ascending by replica, then number; a gap is the
    /// number of the dot less that of the one before it.
    fn encode_canonical(&self) -> Vec<u8> {
        codec::encode(self)
    }

    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes)
    }
}

#[cfg(test)]
mod tests;
