use std::cmp::Ordering;
use std::collections::BTreeSet;

use civic_types::ReplicaId;
use civic_types::cbor::{Decoder, Encoder};

use super::{Dot, VersionVector};
use crate::decode::{self, DecodeError, MAX_EVENTS};
use crate::merge::Effect;

/// Most dots above gaps that decoding takes: what is out of order waits for what is missing, and not for ever.
pub const MAX_EXCEPTIONS: usize = 65_536;

/// Any set of dots: a version vector for what has no gap, and the dots above gaps one by one.
///
/// Compact: as soon as a gap closes the dots above it join the vector, so equal sets have equal parts. Contexts
/// are partially ordered as sets are.
///
/// ```
/// use civic_crdt::{CausalContext, Dot};
/// use civic_types::ReplicaId;
///
/// let dot = |number| Dot::new(ReplicaId::from_bytes([1; 16]), number);
/// let mut seen = CausalContext::from_iter([dot(1), dot(3)]);
/// assert_eq!((seen.version_vector().contains(dot(3)), seen.contains(dot(3))), (false, true));
/// seen.insert(dot(2));
/// assert!(seen.version_vector().contains(dot(3)));
/// ```
///
/// Source: Almeida et al., *Delta State Replicated Data Types*, 2018.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CausalContext {
    gapless: VersionVector,
    /// Dots at least two above the count of their replica.
    above: BTreeSet<Dot>,
}

impl CausalContext {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { gapless: VersionVector::new(), above: BTreeSet::new() }
    }

    /// Adds one dot; number 0 names no event and changes nothing.
    pub fn insert(&mut self, dot: Dot) -> Effect {
        if self.contains(dot) {
            return Effect::Unchanged;
        }
        self.above.insert(dot);
        self.close(dot.replica);
        Effect::Changed
    }

    /// Adds all that `other` holds: the union.
    pub fn join(&mut self, other: &Self) -> Effect {
        let mut changed = false;
        for dot in other.gapless.iter() {
            if self.gapless.see(dot).is_changed() {
                changed = true;
                self.close(dot.replica);
            }
        }
        for dot in &other.above {
            changed |= self.insert(*dot).is_changed();
        }
        changed.into()
    }

    /// Whether the dot is in the set; number 0 always is.
    #[must_use]
    pub fn contains(&self, dot: Dot) -> bool {
        self.gapless.contains(dot) || self.above.contains(&dot)
    }

    /// Whether all that `other` holds is held here.
    #[must_use]
    pub fn dominates(&self, other: &Self) -> bool {
        // What is gapless there is gapless here too if it is held here at all: gaps are closed at once.
        self.gapless.dominates(&other.gapless) && other.above.iter().all(|dot| self.contains(*dot))
    }

    /// The part without gaps: what may be told to somebody who counts.
    #[must_use]
    pub const fn version_vector(&self) -> &VersionVector {
        &self.gapless
    }

    /// The dots above gaps, ascending.
    pub fn exceptions(&self) -> impl Iterator<Item = Dot> + '_ {
        self.above.iter().copied()
    }

    /// Every dot once, those above gaps last; as many as there were events.
    pub fn iter(&self) -> impl Iterator<Item = Dot> + '_ {
        let counted =
            self.gapless.iter().flat_map(|last| (1..=last.number).map(move |n| Dot::new(last.replica, n)));
        counted.chain(self.exceptions())
    }

    /// Whether no dot is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.gapless.is_empty() && self.above.is_empty()
    }

    /// The canonical bytes: `[vector, [[replica, number]…]]`, ascending.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.write(&mut out);
        out.into_bytes()
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read), and for bytes behind the set.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::whole(bytes, Self::read)
    }

    /// Writes the canonical bytes.
    pub fn write(&self, out: &mut Encoder) {
        self.gapless.write(out.array(2));
        out.array(self.above.len());
        for dot in &self.above {
            out.array(2).bytes(dot.replica.as_bytes()).uint(dot.number);
        }
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for anything else, also for a set that is not compact and for more than
    /// [`MAX_EXCEPTIONS`] dots above gaps.
    pub fn read(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        decode::fields(input, 2)?;
        let (gapless, mut above) = (VersionVector::read(input)?, BTreeSet::new());
        for _ in 0..decode::parts(input, MAX_EXCEPTIONS)? {
            let offset = input.offset();
            decode::fields(input, 2)?;
            let replica = ReplicaId::from_bytes(input.byte_array()?);
            let dot = Dot::new(replica, decode::positive(input, MAX_EVENTS)?);
            if above.last().is_some_and(|last| *last >= dot) {
                return Err(DecodeError::Order { offset });
            }
            // Only the least of a replica can touch the vector, but then all above it would have to join too.
            let run_on = above.last().is_some_and(|last| *last == Dot::new(replica, dot.number - 1));
            if !run_on && dot.number <= gapless.get(&replica).saturating_add(1) {
                return Err(DecodeError::Contradiction { offset });
            }
            above.insert(dot);
        }
        Ok(Self { gapless, above })
    }

    /// Moves what no gap parts from the count of its replica into the vector.
    fn close(&mut self, replica: ReplicaId) {
        while let Some(least) = self.least_above(replica) {
            if least.number > self.gapless.get(&replica).saturating_add(1) {
                return;
            }
            self.above.remove(&least);
            self.gapless.see(least);
        }
    }

    fn least_above(&self, replica: ReplicaId) -> Option<Dot> {
        self.above.range(Dot::new(replica, 0)..=Dot::new(replica, u64::MAX)).next().copied()
    }
}

impl PartialOrd for CausalContext {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.dominates(other), other.dominates(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

/// Everything that was counted, without gaps.
impl From<VersionVector> for CausalContext {
    fn from(gapless: VersionVector) -> Self {
        Self { gapless, above: BTreeSet::new() }
    }
}

impl FromIterator<Dot> for CausalContext {
    fn from_iter<I: IntoIterator<Item = Dot>>(dots: I) -> Self {
        let mut context = Self::new();
        for dot in dots {
            context.insert(dot);
        }
        context
    }
}

#[cfg(test)]
mod tests;
