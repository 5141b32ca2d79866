//! Our types keep the laws, and the kit refuses types that do not.

use std::collections::BTreeMap;

use civic_crdt::laws::{Law, Lawful, check};
use civic_crdt::{Crdt, Effect, GSet, LwwRegister, OrSet, PnCounter, VersionVector};
use civic_types::ReplicaId;
use proptest::prelude::{BoxedStrategy, Strategy};

#[test]
fn our_types_keep_every_law() {
    check::<LwwRegister<u64>>().unwrap();
    check::<GSet<u64>>().unwrap();
    check::<OrSet<u64>>().unwrap();
    check::<PnCounter>().unwrap();
}

macro_rules! refused {
    ($test:ident, $type:ty, $law:pat) => {
        #[test]
        fn $test() {
            let violation = check::<$type>().unwrap_err();
            assert!(matches!(violation.law, $law), "{violation}");
        }
    };
}

refused!(a_register_that_takes_whatever_comes_is_refused, LastMerged, Law::Commutative);
refused!(a_counter_that_adds_on_merge_is_refused, Adding, Law::Idempotent);
refused!(a_mean_is_refused, Mean, Law::Idempotent | Law::Associative);
refused!(a_register_whose_tie_is_whoever_was_here_is_refused, FirstStays, Law::Commutative);
refused!(a_delta_that_leaves_something_out_is_refused, Forgetful, Law::DeltaIsFull);
refused!(a_merge_that_does_not_tell_is_refused, Silent, Law::EffectIsTold);

/// A wrong type over one number, with everything but its merge.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, |$ours:ident, $theirs:ident| $merge:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        struct $name(u64);

        impl Crdt for $name {
            type Delta = Self;

            fn merge(&mut self, other: &Self) -> Effect {
                let ($ours, $theirs) = (self.0, other.0);
                self.0 = $merge;
                Effect::from(self.0 != $ours)
            }

            fn apply(&mut self, delta: &Self) -> Effect {
                self.merge(delta)
            }

            fn delta_since(&self, _: &VersionVector) -> Self {
                self.clone()
            }

            fn version(&self) -> VersionVector {
                VersionVector::new()
            }

            fn encode_canonical(&self) -> Vec<u8> {
                self.0.to_be_bytes().into()
            }
        }

        impl Lawful for $name {
            type Change = u64;

            fn start() -> Self {
                Self(0)
            }

            fn changes() -> BoxedStrategy<u64> {
                (0..40_u64).boxed()
            }

            fn change(&mut self, _: ReplicaId, change: &u64) {
                self.0 = *change;
            }
        }
    };
}

number!(LastMerged, |_ours, theirs| theirs);
number!(Adding, |ours, theirs| ours + theirs);
number!(Mean, |ours, theirs| (ours + theirs) / 2);
// The upper digit is the time, the lower the value.
number!(FirstStays, |ours, theirs| if theirs / 10 > ours / 10 { theirs } else { ours });

/// Greatest number per replica; wrong in what it says or leaves out.
macro_rules! greatest {
    ($name:ident, merge: |$changed:ident| $told:expr, delta: |$number:ident, $since:ident| $sent:expr) => {
        #[derive(Clone, Debug)]
        struct $name(BTreeMap<ReplicaId, u64>);

        impl Crdt for $name {
            type Delta = Self;

            fn merge(&mut self, other: &Self) -> Effect {
                let before = self.0.clone();
                for (replica, number) in &other.0 {
                    let ours = self.0.entry(*replica).or_default();
                    *ours = (*ours).max(*number);
                }
                let $changed = self.0 != before;
                Effect::from($told)
            }

            fn apply(&mut self, delta: &Self) -> Effect {
                self.merge(delta)
            }

            fn delta_since(&self, since: &VersionVector) -> Self {
                let sent = |(replica, $number): &(&ReplicaId, &u64)| {
                    let $since = since.get(replica);
                    $sent
                };
                Self(self.0.iter().filter(sent).map(|(r, n)| (*r, *n)).collect())
            }

            fn version(&self) -> VersionVector {
                self.0.iter().map(|(replica, number)| (*replica, *number)).collect()
            }

            fn encode_canonical(&self) -> Vec<u8> {
                self.0.iter().flat_map(|(r, n)| [&r.as_bytes()[..], &n.to_be_bytes()].concat()).collect()
            }
        }

        impl Lawful for $name {
            type Change = ();

            fn start() -> Self {
                Self(BTreeMap::new())
            }

            fn changes() -> BoxedStrategy<()> {
                proptest::prelude::Just(()).boxed()
            }

            fn change(&mut self, replica: ReplicaId, (): &()) {
                *self.0.entry(replica).or_default() += 1;
            }
        }
    };
}

greatest!(Forgetful, merge: |changed| changed, delta: |number, since| **number > since + 1);
greatest!(Silent, merge: |_changed| false, delta: |number, since| **number > since);
