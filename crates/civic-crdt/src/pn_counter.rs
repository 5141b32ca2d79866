//! [`PnCounter`]: a sum that many replicas add to and take from.

use std::collections::BTreeMap;

use civic_types::ReplicaId;
use civic_types::cbor::Encoder;

use crate::clock::VersionVector;
use crate::merge::{Crdt, Effect};

/// A sum of signed additions: each replica keeps its own tally, and the greater of two tallies stands.
///
/// ```
/// use civic_crdt::{Crdt, PnCounter};
/// use civic_types::ReplicaId;
///
/// let (a, b) = (ReplicaId::from_bytes([1; 16]), ReplicaId::from_bytes([2; 16]));
/// let mut here = PnCounter::new();
/// let mut there = PnCounter::new();
/// here.increment(a, 5);
/// there.increment(b, -2);
/// here.merge(&there);
/// assert_eq!(here.value(), 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PnCounter(BTreeMap<ReplicaId, Tally>);

/// What one replica has added up. All three only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    events: u64,
    up: u128,
    down: u128,
}

impl PnCounter {
    /// A counter at 0.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds on behalf of `replica`; negative counts down.
    pub fn increment(&mut self, replica: ReplicaId, by: i64) {
        let tally = self.0.entry(replica).or_default();
        tally.events = tally.events.saturating_add(1);
        let side = if by < 0 { &mut tally.down } else { &mut tally.up };
        *side = side.saturating_add(u128::from(by.unsigned_abs()));
    }

    /// The exact sum.
    #[must_use]
    pub fn value(&self) -> i128 {
        let signed = |part: u128| i128::try_from(part).unwrap_or(i128::MAX);
        self.0.values().fold(0_i128, |sum, tally| {
            sum.saturating_add(signed(tally.up)).saturating_sub(signed(tally.down))
        })
    }
}

/// The delta is the tallies of replicas that the receiver has not heard out; each stands for itself.
impl Crdt for PnCounter {
    type Delta = Self;

    fn merge(&mut self, other: &Self) -> Effect {
        let mut changed = false;
        for (replica, theirs) in &other.0 {
            let ours = self.0.entry(*replica).or_default();
            let joined = Tally {
                events: ours.events.max(theirs.events),
                up: ours.up.max(theirs.up),
                down: ours.down.max(theirs.down),
            };
            changed |= *ours != joined;
            *ours = joined;
        }
        changed.into()
    }

    fn apply(&mut self, delta: &Self) -> Effect {
        self.merge(delta)
    }

    fn delta_since(&self, since: &VersionVector) -> Self {
        let news = self.0.iter().filter(|(replica, tally)| tally.events > since.get(replica));
        Self(news.map(|(replica, tally)| (*replica, *tally)).collect())
    }

    fn version(&self) -> VersionVector {
        self.0.iter().map(|(replica, tally)| (*replica, tally.events)).collect()
    }

    /// `[[replica, events, up, down]…]`, ascending; the sums as 16 bytes, big-endian.
    fn encode_canonical(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(self.0.len());
        for (replica, tally) in &self.0 {
            out.array(4).bytes(replica.as_bytes()).uint(tally.events);
            out.bytes(&tally.up.to_be_bytes()).bytes(&tally.down.to_be_bytes());
        }
        out.into_bytes()
    }
}
