//! How the kit drives the types of this crate.

use std::collections::BTreeSet;

use civic_types::time::Hlc;
use civic_types::value::Int;
use civic_types::{PeerId, ReplicaId, Value};
use proptest::prelude::{BoxedStrategy, Strategy, any};

use super::{Event, Lawful, Seen};
use crate::{BoundedCounter, GSet, LwwRegister, MvRegister, OrSet, PnCounter};

/// Few readings, so that equal ones with other values come up: the clock of a faulty device.
impl Lawful for LwwRegister<u64> {
    type Change = (u64, u16, u64);

    fn start() -> Self {
        Self::new(Hlc { millis: 0, counter: 0, peer: PeerId::from_bytes([0; 32]) }, 0)
    }

    fn changes() -> BoxedStrategy<Self::Change> {
        (0..3_u64, 0..2_u16, 0..3_u64).boxed()
    }

    fn change(&mut self, replica: ReplicaId, (millis, counter, value): &Self::Change) {
        self.set(Hlc { millis: *millis, counter: *counter, peer: peer(replica) }, *value);
    }

    fn shown(&self) -> Option<Value> {
        Some(Value::from(*self.value()))
    }

    fn meant(seen: &Seen<'_, Self::Change>) -> Option<Value> {
        let written = seen.iter().map(|event| {
            let (millis, counter, value) = event.change;
            (millis, counter, peer(event.replica), value)
        });
        Some(written.max().map_or(0, |(_, _, _, value)| value).into())
    }
}

/// Two writers with one name among them: the clock of a copied device.
fn peer(replica: ReplicaId) -> PeerId {
    let [first, ..] = replica.as_bytes();
    PeerId::from_bytes([first % 2; 32])
}

impl Lawful for GSet<u64> {
    type Change = u64;

    fn start() -> Self {
        Self::new()
    }

    fn changes() -> BoxedStrategy<u64> {
        (0..5_u64).boxed()
    }

    fn change(&mut self, replica: ReplicaId, value: &u64) {
        self.add(replica, *value);
    }

    fn shown(&self) -> Option<Value> {
        Some(set(self.iter().copied()))
    }

    fn meant(seen: &Seen<'_, u64>) -> Option<Value> {
        Some(set(seen.iter().map(|event| event.change)))
    }
}

/// Adds and, where the flag is set, removes.
impl Lawful for OrSet<u64> {
    type Change = (bool, u64);

    fn start() -> Self {
        Self::new()
    }

    fn changes() -> BoxedStrategy<Self::Change> {
        (any::<bool>(), 0..4_u64).boxed()
    }

    fn change(&mut self, replica: ReplicaId, (remove, value): &Self::Change) {
        if *remove {
            self.remove(replica, value);
        } else {
            self.add(replica, *value);
        }
    }

    fn shown(&self) -> Option<Value> {
        Some(set(self.iter().copied()))
    }

    /// What was added and not removed by anybody who had seen that add.
    fn meant(seen: &Seen<'_, Self::Change>) -> Option<Value> {
        let removed = |add: &Event<Self::Change>| {
            seen.iter().any(|event| event.change == (true, add.change.1) && event.saw(add))
        };
        let adds = seen.iter().filter(|event| !event.change.0);
        Some(set(adds.filter(|add| !removed(add)).map(|add| add.change.1)))
    }
}

impl Lawful for PnCounter {
    type Change = i64;

    fn start() -> Self {
        Self::new()
    }

    fn changes() -> BoxedStrategy<i64> {
        (-3..4_i64).boxed()
    }

    fn change(&mut self, replica: ReplicaId, by: &i64) {
        // Three at a time never fill a tally.
        let _never_full = self.increment(replica, *by);
    }

    fn shown(&self) -> Option<Value> {
        Int::try_from(self.value()).ok().map(Value::from)
    }

    fn meant(seen: &Seen<'_, i64>) -> Option<Value> {
        Some(Value::from(seen.iter().map(|event| event.change).sum::<i64>()))
    }
}

/// Adds, takes away (below 0), and transfers to a neighbour (the flag).
impl Lawful for BoundedCounter {
    type Change = (bool, i8);

    fn start() -> Self {
        Self::at_least(0)
    }

    fn changes() -> BoxedStrategy<Self::Change> {
        (any::<bool>(), -3..4_i8).boxed()
    }

    fn change(&mut self, replica: ReplicaId, (give, by): &Self::Change) {
        let [first, ..] = *replica.as_bytes();
        let (neighbour, amount) = (ReplicaId::from_bytes([first % 3 + 1; 16]), u64::from(by.unsigned_abs()));
        // A change without rights is refused, and that is one of the things that can happen.
        let _may_be_refused = match (give, *by < 0) {
            (true, _) => self.transfer(replica, neighbour, amount),
            (false, true) => self.decrement(replica, amount),
            (false, false) => self.increment(replica, amount),
        };
    }

    /// Whether the bound holds.
    fn shown(&self) -> Option<Value> {
        Some(Value::from(self.value() >= i128::from(self.bound())))
    }

    fn meant(_: &Seen<'_, Self::Change>) -> Option<Value> {
        Some(Value::from(true))
    }
}

impl Lawful for MvRegister<u64> {
    type Change = u64;

    fn start() -> Self {
        Self::new()
    }

    fn changes() -> BoxedStrategy<u64> {
        (0..3_u64).boxed()
    }

    fn change(&mut self, replica: ReplicaId, value: &u64) {
        self.write(replica, *value);
    }

    fn shown(&self) -> Option<Value> {
        Some(set(self.values().into_iter().copied()))
    }

    /// What was written and not written over by anybody who had seen it.
    fn meant(seen: &Seen<'_, u64>) -> Option<Value> {
        let stands = |write: &&Event<u64>| !seen.iter().any(|event| event.saw(write));
        Some(set(seen.iter().filter(stands).map(|write| write.change)))
    }
}

/// Distinct numbers, ascending.
fn set(values: impl Iterator<Item = u64>) -> Value {
    Value::List(values.collect::<BTreeSet<u64>>().into_iter().map(Value::from).collect())
}
