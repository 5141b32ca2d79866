//! [`GSet`]: a set that only grows.

use std::collections::BTreeMap;

use civic_types::ReplicaId;
use civic_types::cbor::{Decoder, Encoder};

use crate::clock::{Dot, VersionVector};
use crate::decode::{self, DecodeError, MAX_EVENTS};
use crate::element::Element;
use crate::merge::{Crdt, Effect};

/// A set that only grows: what was added stays for ever, and sets merge by union.
///
/// Each element remembers the least dot that added it, so that a delta can leave out what is known.
///
/// ```
/// use civic_crdt::{Crdt, GSet};
/// use civic_types::ReplicaId;
///
/// let (a, b) = (ReplicaId::from_bytes([1; 16]), ReplicaId::from_bytes([2; 16]));
/// let mut here = GSet::new();
/// let mut there = GSet::new();
/// here.add(a, "Åsa".to_owned());
/// there.add(b, "Ali".to_owned());
/// here.apply(&there.delta_since(&here.version()));
/// assert_eq!(here.iter().collect::<Vec<_>>(), ["Ali", "Åsa"]);
/// ```
#[derive(Clone, Debug)]
pub struct GSet<T> {
    context: VersionVector,
    elements: BTreeMap<Vec<u8>, (Dot, T)>,
}

/// What a [`GSet`] that is behind lacks.
#[derive(Clone, Debug)]
pub struct GSetDelta<T> {
    since: VersionVector,
    news: GSet<T>,
}

impl<T: Element> GSet<T> {
    /// An empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { context: VersionVector::new(), elements: BTreeMap::new() }
    }

    /// Adds an element on behalf of `replica`; one that is there needs nothing.
    pub fn add(&mut self, replica: ReplicaId, value: T) -> Effect {
        let bytes = value.canonical();
        if self.elements.contains_key(&bytes) {
            return Effect::Unchanged;
        }
        let dot = self.context.next(replica);
        self.elements.insert(bytes, (dot, value));
        Effect::Changed
    }

    /// Whether the element was added.
    #[must_use]
    pub fn contains(&self, value: &T) -> bool {
        self.elements.contains_key(&value.canonical())
    }

    /// The elements, ascending by canonical bytes.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.elements.values().map(|(_, value)| value)
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }
}

impl<T: Element> Default for GSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Element> Crdt for GSet<T> {
    type Delta = GSetDelta<T>;

    fn merge(&mut self, other: &Self) -> Effect {
        let mut changed = self.context.join(&other.context).is_changed();
        for (bytes, (dot, value)) in &other.elements {
            match self.elements.get_mut(bytes) {
                Some((held, _)) if *held <= *dot => {}
                Some((held, _)) => {
                    *held = *dot;
                    changed = true;
                }
                None => {
                    self.elements.insert(bytes.clone(), (*dot, value.clone()));
                    changed = true;
                }
            }
        }
        changed.into()
    }

    fn apply(&mut self, delta: &GSetDelta<T>) -> Effect {
        if self.context.dominates(&delta.since) { self.merge(&delta.news) } else { Effect::Unchanged }
    }

    fn delta_since(&self, since: &VersionVector) -> GSetDelta<T> {
        // An element whose least dot is known may still be known under a greater one only, so elements
        // are left out by dot and not by name; a receiver keeps the lesser dot of the two.
        let elements = self.elements.iter().filter(|(_, (dot, _))| !since.contains(*dot));
        let elements = elements.map(|(bytes, element)| (bytes.clone(), element.clone())).collect();
        GSetDelta { since: since.clone(), news: Self { context: self.context.clone(), elements } }
    }

    fn version(&self) -> VersionVector {
        self.context.clone()
    }

    /// `[context, [[replica, number, element]…]]`, elements ascending by canonical bytes.
    fn encode_canonical(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.write(&mut out);
        out.into_bytes()
    }

    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::whole(bytes, Self::read)
    }
}

impl<T: Element> GSet<T> {
    fn write(&self, out: &mut Encoder) {
        out.array(2);
        self.context.write(out);
        out.array(self.elements.len());
        for (bytes, (dot, _)) in &self.elements {
            out.array(3).bytes(dot.replica.as_bytes()).uint(dot.number).raw(bytes);
        }
    }

    fn read(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        decode::fields(input, 2)?;
        let mut set = Self { context: VersionVector::read(input)?, elements: BTreeMap::new() };
        for _ in 0..input.array()? {
            let offset = input.offset();
            decode::fields(input, 3)?;
            let replica = ReplicaId::from_bytes(input.byte_array()?);
            let dot = Dot::new(replica, decode::positive(input, MAX_EVENTS)?);
            let value = T::read(input)?;
            let bytes = value.canonical();
            if set.elements.last_key_value().is_some_and(|(last, _)| *last >= bytes) {
                return Err(DecodeError::Order { offset });
            }
            if !set.context.contains(dot) {
                return Err(DecodeError::Contradiction { offset });
            }
            set.elements.insert(bytes, (dot, value));
        }
        Ok(set)
    }
}

impl<T: Element> GSetDelta<T> {
    /// The bytes that travel: `[since, set of the news]`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.since.write(out.array(2));
        self.news.write(&mut out);
        out.into_bytes()
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for any other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::whole(bytes, |input| {
            decode::fields(input, 2)?;
            Ok(Self { since: VersionVector::read(input)?, news: GSet::read(input)? })
        })
    }
}
