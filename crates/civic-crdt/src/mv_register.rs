//! [`MvRegister`]: every value that no later write has seen.

use std::collections::BTreeMap;

use civic_types::ReplicaId;
use civic_types::cbor::Encoder;

use crate::clock::{Dot, VersionVector};
use crate::decode::{self, DecodeError, MAX_EVENTS, MAX_REPLICAS};
use crate::element::Element;
use crate::merge::{Crdt, Effect};

/// A register that keeps concurrent values side by side; a write replaces what it has seen.
///
/// ```
/// use civic_crdt::{Crdt, MvRegister};
/// use civic_types::ReplicaId;
///
/// let (a, b) = (ReplicaId::from_bytes([1; 16]), ReplicaId::from_bytes([2; 16]));
/// let (mut here, mut there) = (MvRegister::new(), MvRegister::new());
/// here.write(a, "dry".to_owned());
/// there.write(b, "wet".to_owned());
/// here.merge(&there);
/// assert_eq!(here.values(), ["dry", "wet"]);
/// here.write(a, "repaired".to_owned());
/// there.merge(&here);
/// assert_eq!(there.values(), ["repaired"]);
/// ```
///
/// Source: Shapiro et al., *A comprehensive study of Convergent and Commutative Replicated Data Types*, 2011.
#[derive(Clone, Debug)]
pub struct MvRegister<T> {
    context: VersionVector,
    /// At most one of each replica, whose next write replaces it.
    live: BTreeMap<Dot, T>,
}

impl<T: Element> MvRegister<T> {
    /// A register that nobody has written.
    #[must_use]
    pub const fn new() -> Self {
        Self { context: VersionVector::new(), live: BTreeMap::new() }
    }

    /// Replaces every value that is here, on behalf of `replica`, whose next dot it takes.
    pub fn write(&mut self, replica: ReplicaId, value: T) -> Dot {
        let dot = self.context.next(replica);
        self.live = BTreeMap::from([(dot, value)]);
        dot
    }

    /// The values that no write has seen, each once, ascending by canonical bytes; none before the first write.
    #[must_use]
    pub fn values(&self) -> Vec<&T> {
        let distinct: BTreeMap<_, _> = self.live.values().map(|value| (value.canonical(), value)).collect();
        distinct.into_values().collect()
    }
}

impl<T: Element> Default for MvRegister<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The delta is the register itself: it holds few values and no history.
impl<T: Element> Crdt for MvRegister<T> {
    type Delta = Self;

    fn merge(&mut self, other: &Self) -> Effect {
        let before = self.live.len();
        // What the other has seen and does not hold was replaced there.
        self.live.retain(|dot, _| !other.context.contains(*dot) || other.live.contains_key(dot));
        let mut changed = self.live.len() != before;
        for (dot, value) in &other.live {
            if !self.context.contains(*dot) {
                self.live.insert(*dot, value.clone());
                changed = true;
            }
        }
        (self.context.join(&other.context).is_changed() || changed).into()
    }

    fn apply(&mut self, delta: &Self) -> Effect {
        self.merge(delta)
    }

    fn delta_since(&self, _since: &VersionVector) -> Self {
        self.clone()
    }

    fn version(&self) -> VersionVector {
        self.context.clone()
    }

    /// `[context, [[replica, number, value]…]]`, ascending by replica, each once.
    fn encode_canonical(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.context.write(out.array(2));
        out.array(self.live.len());
        for (dot, value) in &self.live {
            out.array(3).bytes(dot.replica.as_bytes()).uint(dot.number);
            value.write(&mut out);
        }
        out.into_bytes()
    }

    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::whole(bytes, |input| {
            decode::fields(input, 2)?;
            let context = VersionVector::read(input)?;
            let (mut live, mut last) = (BTreeMap::new(), None);
            for _ in 0..decode::parts(input, MAX_REPLICAS)? {
                let offset = input.offset();
                decode::fields(input, 3)?;
                let replica = decode::replica(input, &mut last)?;
                let dot = Dot::new(replica, decode::positive(input, MAX_EVENTS)?);
                if !context.contains(dot) {
                    return Err(DecodeError::Contradiction { offset });
                }
                live.insert(dot, T::read(input)?);
            }
            Ok(Self { context, live })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ReplicaId = ReplicaId::from_bytes([1; 16]);
    const B: ReplicaId = ReplicaId::from_bytes([2; 16]);
    const C: ReplicaId = ReplicaId::from_bytes([3; 16]);

    fn written(replica: ReplicaId, value: u64) -> MvRegister<u64> {
        let mut register = MvRegister::new();
        register.write(replica, value);
        register
    }

    #[test]
    fn a_write_replaces_what_it_has_seen_and_nothing_else() {
        let mut here = written(A, 3);
        here.merge(&written(B, 1));
        let third = written(C, 2);
        here.write(A, 9);
        here.merge(&third);
        here.merge(&written(B, 1));
        assert_eq!(here.values(), [&2, &9]);
    }

    #[test]
    fn equal_values_of_two_writers_show_once() {
        let mut here = written(A, 7);
        assert_eq!(here.merge(&written(B, 7)), Effect::Changed);
        assert_eq!(here.values(), [&7]);
        assert_eq!(here.live.len(), 2);
    }

    #[test]
    fn a_value_that_nobody_counted_is_refused() {
        let mut forged = written(A, 7);
        forged.live.insert(Dot::new(B, 1), 8);
        let refused = MvRegister::<u64>::decode_canonical(&forged.encode_canonical());
        assert!(matches!(refused, Err(DecodeError::Contradiction { .. })));
    }
}
