//! [`OrSet`]: a set in which add wins over a concurrent remove.

use std::collections::BTreeMap;

use civic_types::ReplicaId;
use civic_types::cbor::Encoder;

use crate::clock::{Dot, VersionVector};
use crate::element::Element;
use crate::merge::{Crdt, Effect};

/// A set in which a remove takes away exactly the adds that it has seen.
///
/// A dot store without tombstones: the state is the dots that are live and the context of all dots ever
/// seen; a dot in the context that is not live was removed. Every add mints a dot, also of an element that
/// is there, and a remove burns one too, so that [`version`](Crdt::version) tells that something happened.
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
    context: VersionVector,
    live: BTreeMap<Dot, (Vec<u8>, T)>,
}

/// What an [`OrSet`] that is behind lacks: the elements of new dots, and which old dots are still live.
#[derive(Clone, Debug)]
pub struct OrSetDelta<T> {
    since: VersionVector,
    context: VersionVector,
    /// Every live dot; without its element where the receiver has seen the dot.
    live: BTreeMap<Dot, Option<(Vec<u8>, T)>>,
}

impl<T: Element> OrSet<T> {
    /// An empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { context: VersionVector::new(), live: BTreeMap::new() }
    }

    /// Adds an element on behalf of `replica`, whose next dot it takes.
    pub fn add(&mut self, replica: ReplicaId, value: T) -> Dot {
        let bytes = value.canonical();
        self.live.retain(|_, (held, _)| *held != bytes);
        let dot = self.context.next(replica);
        self.live.insert(dot, (bytes, value));
        dot
    }

    /// Removes what was seen of an element on behalf of `replica`; one that is not there needs nothing.
    pub fn remove(&mut self, replica: ReplicaId, value: &T) -> Effect {
        let (bytes, before) = (value.canonical(), self.live.len());
        self.live.retain(|_, (held, _)| *held != bytes);
        let changed = self.live.len() != before;
        if changed {
            self.context.next(replica);
        }
        changed.into()
    }

    /// Whether the element is in the set.
    #[must_use]
    pub fn contains(&self, value: &T) -> bool {
        let bytes = value.canonical();
        self.live.values().any(|(held, _)| *held == bytes)
    }

    /// The elements, each once, ascending by canonical bytes.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let distinct: BTreeMap<&[u8], &T> =
            self.live.values().map(|(bytes, value)| (&**bytes, value)).collect();
        distinct.into_values()
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
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
        let live = other.live.iter().map(|(dot, element)| (*dot, Some(element.clone()))).collect();
        self.apply(&OrSetDelta { since: VersionVector::new(), context: other.context.clone(), live })
    }

    fn apply(&mut self, delta: &OrSetDelta<T>) -> Effect {
        if !self.context.dominates(&delta.since) {
            return Effect::Unchanged;
        }
        let before = self.live.len();
        // What the other has seen and does not hold was removed there.
        self.live.retain(|dot, _| !delta.context.contains(*dot) || delta.live.contains_key(dot));
        let mut changed = self.live.len() != before;
        for (dot, element) in &delta.live {
            // What was seen here and is not live was removed here.
            if let (false, Some(element)) = (self.context.contains(*dot), element) {
                self.live.insert(*dot, element.clone());
                changed = true;
            }
        }
        (self.context.join(&delta.context).is_changed() || changed).into()
    }

    fn delta_since(&self, since: &VersionVector) -> OrSetDelta<T> {
        let news = |dot: &Dot, element: &(Vec<u8>, T)| (!since.contains(*dot)).then(|| element.clone());
        let live = self.live.iter().map(|(dot, element)| (*dot, news(dot, element))).collect();
        OrSetDelta { since: since.clone(), context: self.context.clone(), live }
    }

    fn version(&self) -> VersionVector {
        self.context.clone()
    }

    /// `[context, [[replica, number, element]…]]`, ascending by dot.
    fn encode_canonical(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(2);
        self.context.write(&mut out);
        out.array(self.live.len());
        for (dot, (bytes, _)) in &self.live {
            out.array(3).bytes(dot.replica.as_bytes()).uint(dot.number).raw(bytes);
        }
        out.into_bytes()
    }
}
