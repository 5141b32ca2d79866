//! [`PnCounter`]: a sum that many replicas add to and take from.

use civic_types::ReplicaId;
use civic_types::cbor::Encoder;

use crate::clock::VersionVector;
use crate::decode::{self, DecodeError, MAX_EVENTS, MAX_REPLICAS};
use crate::merge::{Crdt, Effect};
use crate::rows::{Row, Rows};

/// A sum of signed additions: each replica keeps its own tally, and the greater of two tallies stands.
///
/// ```
/// use civic_crdt::{Crdt, PnCounter};
/// use civic_types::ReplicaId;
///
/// let (a, b) = (ReplicaId::from_bytes([1; 16]), ReplicaId::from_bytes([2; 16]));
/// let mut here = PnCounter::new();
/// let mut there = PnCounter::new();
/// here.increment(a, 5)?;
/// there.increment(b, -2)?;
/// here.merge(&there);
/// assert_eq!(here.value(), 3);
/// # Ok::<(), civic_crdt::pn_counter::Overflow>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PnCounter(Rows<Tally>);

/// What one replica has added up. All three only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    events: u64,
    up: u64,
    down: u64,
}

/// A replica has added up, or taken away, more than 2^64 - 1 in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tally of a replica is full")]
pub struct Overflow;

impl PnCounter {
    /// A counter at 0.
    #[must_use]
    pub const fn new() -> Self {
        Self(Rows::new())
    }

    /// Adds on behalf of `replica`; negative counts down.
    ///
    /// # Errors
    ///
    /// [`Overflow`]; nothing was added.
    pub fn increment(&mut self, replica: ReplicaId, by: i64) -> Result<(), Overflow> {
        let mut tally = self.0.get(&replica).copied().unwrap_or_default();
        let side = if by < 0 { &mut tally.down } else { &mut tally.up };
        *side = side.checked_add(by.unsigned_abs()).ok_or(Overflow)?;
        tally.events = tally.events.checked_add(1).ok_or(Overflow)?;
        self.0.set(replica, tally);
        Ok(())
    }

    /// The exact sum.
    #[must_use]
    pub fn value(&self) -> i128 {
        // Exact: it would take 2^63 replicas to leave the range.
        self.0.iter().map(|(_, tally)| i128::from(tally.up) - i128::from(tally.down)).sum()
    }
}

/// The delta is the tallies of replicas that the receiver has not heard out; each stands for itself.
impl Crdt for PnCounter {
    type Delta = Self;

    fn merge(&mut self, other: &Self) -> Effect {
        self.0.merge(&other.0)
    }

    fn apply(&mut self, delta: &Self) -> Effect {
        self.merge(delta)
    }

    fn delta_since(&self, since: &VersionVector) -> Self {
        Self(self.0.filtered(|replica, tally| tally.events > since.get(replica)))
    }

    fn version(&self) -> VersionVector {
        self.0.iter().map(|(replica, tally)| (*replica, tally.events)).collect()
    }

    /// `[[replica, events, up, down]…]`, ascending.
    fn encode_canonical(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(self.0.iter().len());
        for (replica, tally) in self.0.iter() {
            out.array(4).bytes(replica.as_bytes()).uint(tally.events).uint(tally.up).uint(tally.down);
        }
        out.into_bytes()
    }

    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::whole(bytes, |input| {
            let (mut rows, mut last) = (Rows::new(), None);
            for _ in 0..decode::parts(input, MAX_REPLICAS)? {
                decode::fields(input, 4)?;
                let replica = decode::replica(input, &mut last)?;
                let events = decode::positive(input, MAX_EVENTS)?;
                rows.push_greatest(replica, Tally { events, up: input.uint()?, down: input.uint()? });
            }
            Ok(Self(rows))
        })
    }
}

impl Row for Tally {
    fn join(&mut self, other: &Self) -> bool {
        let before = *self;
        self.events = self.events.max(other.events);
        self.up = self.up.max(other.up);
        self.down = self.down.max(other.down);
        *self != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ReplicaId = ReplicaId::from_bytes([1; 16]);

    #[test]
    fn a_full_tally_refuses_more_and_keeps_its_sum() {
        let mut counter = PnCounter::new();
        counter.increment(A, i64::MAX).unwrap();
        counter.increment(A, i64::MAX).unwrap();
        counter.increment(A, 1).unwrap();
        let full = counter.clone();
        assert_eq!(counter.increment(A, 1), Err(Overflow));
        assert_eq!((&counter, counter.value()), (&full, i128::from(u64::MAX)));
        counter.increment(A, -1).unwrap();
        assert_eq!(counter.value(), i128::from(u64::MAX) - 1);
    }

    #[test]
    fn the_sum_of_many_full_tallies_is_exact() {
        let mut counter = PnCounter::new();
        for replica in 0..9 {
            counter.increment(ReplicaId::from_bytes([replica; 16]), i64::MIN).unwrap();
        }
        assert_eq!(counter.value(), i128::from(i64::MIN) * 9);
    }
}
