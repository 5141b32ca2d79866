//! How the kit drives the types of this crate.

use civic_types::time::Hlc;
use civic_types::{PeerId, ReplicaId};
use proptest::prelude::{BoxedStrategy, Strategy, any};

use super::Lawful;
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
        let [first, ..] = replica.as_bytes();
        let peer = PeerId::from_bytes([first % 2; 32]);
        self.set(Hlc { millis: *millis, counter: *counter, peer }, *value);
    }
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
}
