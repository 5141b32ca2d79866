use std::cmp::Ordering;
use std::collections::BTreeMap;

use civic_types::ReplicaId;
use civic_types::cbor::{Decoder, Encoder};

use super::Dot;
use crate::decode::{self, DecodeError, MAX_EVENTS, MAX_REPLICAS};
use crate::merge::Effect;

/// How many events of each replica are known: all numbers up to the count, none above.
///
/// Vectors are partially ordered: `a < b` when `b` knows everything of `a` and more, and two that each
/// know something the other does not are concurrent (`partial_cmp` gives `None`).
///
/// ```
/// use civic_crdt::VersionVector;
/// use civic_types::ReplicaId;
///
/// let (a, b) = (ReplicaId::from_bytes([1; 16]), ReplicaId::from_bytes([2; 16]));
/// let here = VersionVector::from_iter([(a, 3)]);
/// let there = VersionVector::from_iter([(a, 2), (b, 1)]);
/// assert_eq!(here.partial_cmp(&there), None);
/// let mut both = here.clone();
/// both.join(&there);
/// assert!(both > here && both > there);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VersionVector(BTreeMap<ReplicaId, u64>);

impl VersionVector {
    /// Knows nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Raises the count of the dot's replica to its number; never lowers it.
    pub fn see(&mut self, dot: Dot) -> Effect {
        if self.contains(dot) {
            return Effect::Unchanged;
        }
        self.0.insert(dot.replica, dot.number);
        Effect::Changed
    }

    /// Counts one event more of a replica and names it.
    pub fn next(&mut self, replica: ReplicaId) -> Dot {
        let number = self.0.entry(replica).or_default();
        *number = number.saturating_add(1);
        Dot { replica, number: *number }
    }

    /// Takes the greater count of every replica: the least upper bound.
    pub fn join(&mut self, other: &Self) -> Effect {
        other.iter().fold(Effect::Unchanged, |effect, dot| match self.see(dot) {
            Effect::Changed => Effect::Changed,
            Effect::Unchanged => effect,
        })
    }

    /// How many events of a replica are known.
    #[must_use]
    pub fn get(&self, replica: &ReplicaId) -> u64 {
        self.0.get(replica).copied().unwrap_or_default()
    }

    /// Whether the event is known; number 0 always is.
    #[must_use]
    pub fn contains(&self, dot: Dot) -> bool {
        dot.number <= self.get(&dot.replica)
    }

    /// Whether everything that `other` knows is known here.
    #[must_use]
    pub fn dominates(&self, other: &Self) -> bool {
        other.iter().all(|dot| self.contains(dot))
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of replicas with a count above 0.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The last known event of each replica, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Dot> + '_ {
        self.0.iter().map(|(replica, number)| Dot { replica: *replica, number: *number })
    }

    /// Writes `[[replica, count]…]`, ascending.
    pub fn write(&self, out: &mut Encoder) {
        out.array(self.0.len());
        for (replica, number) in &self.0 {
            out.array(2).bytes(replica.as_bytes()).uint(*number);
        }
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for anything else, for more than [`MAX_REPLICAS`] replicas, and for a count of 0 or above
    /// [`MAX_EVENTS`].
    pub fn read(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let (mut counts, mut last) = (BTreeMap::new(), None);
        for _ in 0..decode::parts(input, MAX_REPLICAS)? {
            decode::fields(input, 2)?;
            let replica = decode::replica(input, &mut last)?;
            counts.insert(replica, decode::positive(input, MAX_EVENTS)?);
        }
        Ok(Self(counts))
    }
}

impl PartialOrd for VersionVector {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.dominates(other), other.dominates(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

/// Counts of 0 are left out; the greatest of several counts of one replica stands.
impl FromIterator<(ReplicaId, u64)> for VersionVector {
    fn from_iter<I: IntoIterator<Item = (ReplicaId, u64)>>(counts: I) -> Self {
        let mut vector = Self::new();
        for (replica, number) in counts {
            vector.see(Dot { replica, number });
        }
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ReplicaId = ReplicaId::from_bytes([1; 16]);
    const B: ReplicaId = ReplicaId::from_bytes([2; 16]);

    #[test]
    fn vectors_that_each_know_more_are_concurrent_and_their_join_dominates_both() {
        let (here, there) =
            (VersionVector::from_iter([(A, 5), (B, 3)]), VersionVector::from_iter([(A, 4), (B, 6)]));
        assert_eq!(here.partial_cmp(&there), None);
        let mut both = here.clone();
        assert_eq!(both.join(&there), Effect::Changed);
        assert_eq!(both, VersionVector::from_iter([(A, 5), (B, 6)]));
        assert!(both > here && both > there);
        assert_eq!(both.join(&here), Effect::Unchanged);
    }

    #[test]
    fn bytes_are_read_back_and_nothing_else_is_taken() {
        let bytes = |counts: &[(ReplicaId, u64)]| {
            let mut out = Encoder::new();
            out.array(counts.len());
            for (replica, count) in counts {
                out.array(2).bytes(replica.as_bytes()).uint(*count);
            }
            out.into_bytes()
        };
        let read = |bytes: &[u8]| decode::whole(bytes, VersionVector::read);
        assert_eq!(read(&bytes(&[(A, 5), (B, 3)])), Ok(VersionVector::from_iter([(A, 5), (B, 3)])));
        for refused in [[(B, 3), (A, 5)], [(A, 5), (A, 6)], [(A, 0), (B, 3)], [(A, 5), (B, MAX_EVENTS + 1)]] {
            assert!(read(&bytes(&refused)).is_err(), "{refused:?}");
        }
        let mut many = Encoder::new();
        many.array(MAX_REPLICAS + 1);
        for _ in 0..=MAX_REPLICAS {
            many.null();
        }
        let (got, limit) = (MAX_REPLICAS + 1, MAX_REPLICAS);
        assert_eq!(read(many.as_bytes()), Err(DecodeError::TooMany { got, limit }));
    }
}
