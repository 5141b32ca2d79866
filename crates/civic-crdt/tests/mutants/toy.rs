//! What a small type needs for the kit: written once, so that a mutant is its flaw and little else.

use std::fmt::Debug;

use civic_crdt::laws::{Lawful, Seen};
use civic_crdt::{Crdt, DecodeError, Effect, VersionVector};
use civic_types::{ReplicaId, Value, cbor};
use proptest::prelude::BoxedStrategy;

/// A type whose delta is its state.
pub(crate) trait Toy: Clone + Debug + Default {
    type Change: Clone + Debug + 'static;

    fn changes() -> BoxedStrategy<Self::Change>;
    fn change(&mut self, replica: ReplicaId, change: &Self::Change);
    fn join(&mut self, other: &Self);
    fn to_value(&self) -> Value;
    /// Of what [`to_value`](Self::to_value) gives.
    fn from_value(value: &Value) -> Option<Self>;

    fn version(&self) -> VersionVector {
        VersionVector::new()
    }

    fn delta(&self, _since: &VersionVector) -> Self {
        self.clone()
    }

    fn take(&mut self, delta: &Self) {
        self.join(delta);
    }

    fn told(changed: bool) -> bool {
        changed
    }

    fn load(bytes: &[u8]) -> Option<Self> {
        let state = Self::from_value(&cbor::decode(bytes).ok()?)?;
        (cbor::encode(&state.to_value()).ok()? == bytes).then_some(state)
    }

    fn shown(&self) -> Option<Value> {
        None
    }

    fn meant(_: &Seen<'_, Self::Change>) -> Option<Value> {
        None
    }
}

/// A toy as the kit takes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Driven<T>(T);

impl<T: Toy> Crdt for Driven<T> {
    type Delta = T;

    fn merge(&mut self, other: &Self) -> Effect {
        let before = self.encode_canonical();
        self.0.join(&other.0);
        T::told(self.encode_canonical() != before).into()
    }

    fn apply(&mut self, delta: &T) -> Effect {
        let before = self.encode_canonical();
        self.0.take(delta);
        T::told(self.encode_canonical() != before).into()
    }

    fn delta_since(&self, since: &VersionVector) -> T {
        self.0.delta(since)
    }

    fn version(&self) -> VersionVector {
        self.0.version()
    }

    fn encode_canonical(&self) -> Vec<u8> {
        cbor::encode(&self.0.to_value()).unwrap()
    }

    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
        T::load(bytes).map(Self).ok_or(DecodeError::Contradiction { offset: 0 })
    }
}

impl<T: Toy> Lawful for Driven<T> {
    type Change = T::Change;

    fn start() -> Self {
        Self::default()
    }

    fn changes() -> BoxedStrategy<T::Change> {
        T::changes()
    }

    fn change(&mut self, replica: ReplicaId, change: &T::Change) {
        self.0.change(replica, change);
    }

    fn shown(&self) -> Option<Value> {
        self.0.shown()
    }

    fn meant(seen: &Seen<'_, T::Change>) -> Option<Value> {
        T::meant(seen)
    }
}

/// The kit refuses the type by this law and tells a history that breaks it.
macro_rules! refused {
    ($test:ident, $type:ty, $($law:ident)|+) => {
        #[test]
        fn $test() {
            let violation =
                civic_crdt::laws::check::<crate::toy::Driven<$type>>().expect_err("the kit takes it");
            assert!(matches!(violation.law, $(civic_crdt::laws::Law::$law)|+), "{violation}");
        }
    };
}

pub(crate) use refused;

/// A replica in a value, and back.
pub(crate) fn replica_value(replica: ReplicaId) -> Value {
    Value::Bytes(replica.as_bytes().to_vec())
}

pub(crate) fn replica(value: &Value) -> Option<ReplicaId> {
    Some(ReplicaId::from_bytes(value.as_bytes()?.try_into().ok()?))
}

pub(crate) fn vector_value(vector: &VersionVector) -> Value {
    let pair = |dot: civic_crdt::Dot| Value::List(vec![replica_value(dot.replica), dot.number.into()]);
    Value::List(vector.iter().map(pair).collect())
}

pub(crate) fn vector(value: &Value) -> Option<VersionVector> {
    let pair = |pair: &Value| Some((replica(pair.as_list()?.first()?)?, pair.as_list()?.get(1)?.as_u64()?));
    value.as_list()?.iter().map(pair).collect()
}
