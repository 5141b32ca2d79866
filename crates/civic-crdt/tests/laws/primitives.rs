//! Our types keep the laws, and the kit refuses types that do not.

use std::collections::BTreeMap;

use civic_crdt::laws::{Law, Lawful, check};
use civic_crdt::{
    BoundedCounter, Crdt, DecodeError, Effect, GSet, LwwRegister, MvRegister, OrSet, PnCounter, VersionVector,
};
use civic_types::ReplicaId;
use proptest::prelude::{BoxedStrategy, Strategy, any, prop};
use proptest::test_runner::{Config, TestRunner};
use proptest::{prop_assert, prop_assert_eq};

#[test]
fn our_types_keep_every_law() {
    check::<LwwRegister<u64>>().unwrap();
    check::<MvRegister<u64>>().unwrap();
    check::<GSet<u64>>().unwrap();
    check::<OrSet<u64>>().unwrap();
    check::<PnCounter>().unwrap();
    check::<BoundedCounter>().unwrap();
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

refused!(a_set_that_adds_what_the_other_holds_is_refused, Reviving, Law::Idempotent | Law::Commutative);
refused!(a_register_that_counts_instead_of_comparing_is_refused, Counting, Law::DeltaIsFull);
refused!(a_counter_whose_merge_adds_rights_is_refused, Generous, Law::Idempotent);

/// One of our types with a wrong merge or a wrong delta.
macro_rules! wrong {
    ($name:ident, $right:ty, merge: |$ours:ident, $theirs:ident| $merge:expr, delta: |$of:ident, $since:ident| $delta:expr) => {
        #[derive(Clone, Debug)]
        struct $name($right);

        impl Crdt for $name {
            type Delta = Self;

            fn merge(&mut self, other: &Self) -> Effect {
                let before = self.encode_canonical();
                let ($ours, $theirs) = (&mut self.0, &other.0);
                $merge;
                Effect::from(self.encode_canonical() != before)
            }

            fn apply(&mut self, delta: &Self) -> Effect {
                self.merge(delta)
            }

            fn delta_since(&self, $since: &VersionVector) -> Self {
                let $of = &self.0;
                Self($delta)
            }

            fn version(&self) -> VersionVector {
                self.0.version()
            }

            fn encode_canonical(&self) -> Vec<u8> {
                self.0.encode_canonical()
            }

            fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
                <$right>::decode_canonical(bytes).map(Self)
            }
        }

        impl Lawful for $name {
            type Change = <$right as Lawful>::Change;

            fn start() -> Self {
                Self(<$right>::start())
            }

            fn changes() -> BoxedStrategy<Self::Change> {
                <$right>::changes()
            }

            fn change(&mut self, replica: ReplicaId, change: &Self::Change) {
                self.0.change(replica, change);
            }
        }
    };
}

wrong!(Reviving, OrSet<u64>,
    merge: |ours, theirs| for value in theirs.iter() {
        ours.add(ReplicaId::from_bytes([9; 16]), *value);
    },
    delta: |set, _since| set.clone());
wrong!(Counting, MvRegister<u64>,
merge: |ours, theirs| ours.merge(theirs),
delta: |register, since| {
    let events = |vector: &VersionVector| vector.iter().map(|dot| dot.number).sum::<u64>();
    if events(since) < events(&register.version()) { register.clone() } else { MvRegister::new() }
});
wrong!(Generous, BoundedCounter,
    merge: |ours, theirs| {
        ours.merge(theirs);
        ours.increment(ReplicaId::from_bytes([9; 16]), 1).unwrap();
    },
    delta: |counter, _since| counter.clone());

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

            fn decode_canonical(_: &[u8]) -> Result<Self, DecodeError> {
                unimplemented!()
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

            fn decode_canonical(_: &[u8]) -> Result<Self, DecodeError> {
                unimplemented!()
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

/// Save and load: what is written is read back, and what is read would be written.
fn loads<T: Lawful>() {
    let step = (0..3_u8, T::changes(), 0..4_usize, any::<prop::sample::Index>(), any::<u8>());
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(1000) });
    let outcome = runner.run(&proptest::collection::vec(step, 1..16), |steps| {
        let mut states: Vec<T> = vec![T::start(); 3];
        for (replica, change, from, at, byte) in steps {
            let here = usize::from(replica);
            states[here].change(ReplicaId::from_bytes([replica + 1; 16]), &change);
            if let Some(other) = states.get(from).cloned() {
                states[here].merge(&other);
            }
            let mut bytes = states[here].encode_canonical();
            let mut loaded = T::decode_canonical(&bytes).unwrap();
            prop_assert_eq!(&loaded.encode_canonical(), &bytes);
            // What was loaded goes on like what was not.
            loaded.change(ReplicaId::from_bytes([7; 16]), &change);
            let mut kept = states[here].clone();
            kept.change(ReplicaId::from_bytes([7; 16]), &change);
            prop_assert_eq!(loaded.encode_canonical(), kept.encode_canonical());
            prop_assert!(T::decode_canonical(&bytes[..at.index(bytes.len())]).is_err());
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(other) = T::decode_canonical(&bytes) {
                prop_assert_eq!(other.encode_canonical(), bytes);
            }
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn every_type_takes_exactly_the_bytes_that_it_writes() {
    loads::<LwwRegister<u64>>();
    loads::<MvRegister<u64>>();
    loads::<GSet<u64>>();
    loads::<OrSet<u64>>();
    loads::<PnCounter>();
    loads::<BoundedCounter>();
}
