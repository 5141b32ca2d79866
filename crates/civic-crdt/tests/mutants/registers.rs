use civic_crdt::VersionVector;
use civic_crdt::laws::{Seen, check};
use civic_types::{ReplicaId, Value, value};
use proptest::prelude::{BoxedStrategy, Strategy};

use crate::toy::{Driven, Toy, refused, replica, replica_value};

/// A register of one number: the greater time wins, then the greater writer, then the greater value.
#[derive(Clone, Debug)]
struct Register<const FLAW: u8> {
    time: u64,
    writer: ReplicaId,
    value: u64,
}

const RIGHT: u8 = 0;
const NO_PEER_TIE: u8 = 1;
const NO_VALUE_TIE: u8 = 2;
const LAST_MERGED: u8 = 3;
const SILENT: u8 = 4;
const EARLIEST_STAYS: u8 = 5;
const TAKES_MORE_BYTES: u8 = 6;
const LOADS_EMPTY: u8 = 7;

#[test]
fn a_right_register_is_taken() {
    check::<Driven<Register<RIGHT>>>().unwrap();
}

refused!(a_register_without_the_tie_of_peers_is_refused, Register<NO_PEER_TIE>, Commutative);
refused!(a_register_without_the_tie_of_values_is_refused, Register<NO_VALUE_TIE>, Commutative | Meaning);
refused!(a_register_that_takes_whatever_comes_is_refused, Register<LAST_MERGED>, Growing);
refused!(a_merge_that_does_not_tell_is_refused, Register<SILENT>, EffectIsTold);
refused!(a_register_whose_first_write_stays_is_refused, Register<EARLIEST_STAYS>, Meaning);
refused!(a_decoder_that_takes_what_is_not_canonical_is_refused, Register<TAKES_MORE_BYTES>, Canonical);
refused!(a_decoder_that_forgets_is_refused, Register<LOADS_EMPTY>, Canonical);

impl<const FLAW: u8> Default for Register<FLAW> {
    fn default() -> Self {
        let time = if FLAW == EARLIEST_STAYS { u64::MAX } else { 0 };
        Self { time, writer: ReplicaId::from_bytes([0; 16]), value: 0 }
    }
}

impl<const FLAW: u8> Toy for Register<FLAW> {
    type Change = (u64, u64);

    fn changes() -> BoxedStrategy<Self::Change> {
        (1..3_u64, 0..3_u64).boxed()
    }

    fn change(&mut self, replica: ReplicaId, (time, value): &Self::Change) {
        self.join(&Self { time: *time, writer: writer(replica), value: *value });
    }

    fn join(&mut self, other: &Self) {
        let key = |of: &Self| match FLAW {
            NO_PEER_TIE => (of.time, None, 0),
            NO_VALUE_TIE => (of.time, Some(of.writer), 0),
            EARLIEST_STAYS => (u64::MAX - of.time, Some(of.writer), of.value),
            _ => (of.time, Some(of.writer), of.value),
        };
        if FLAW == LAST_MERGED || key(other) > key(self) {
            self.clone_from(other);
        }
    }

    fn told(changed: bool) -> bool {
        changed && FLAW != SILENT
    }

    fn load(bytes: &[u8]) -> Option<Self> {
        let own = |bytes: &[u8]| {
            let state = Self::from_value(&civic_types::cbor::decode(bytes).ok()?)?;
            (civic_types::cbor::encode(&state.to_value()).ok()? == bytes).then_some(state)
        };
        match FLAW {
            LOADS_EMPTY => own(bytes).map(|_| Self::default()),
            TAKES_MORE_BYTES => own(bytes).or_else(|| own(bytes.get(..bytes.len() - 1)?)),
            _ => own(bytes),
        }
    }

    fn to_value(&self) -> Value {
        value!([(self.time), (replica_value(self.writer)), (self.value)])
    }

    fn from_value(value: &Value) -> Option<Self> {
        let [time, writer, value] = value.as_list()? else { return None };
        Some(Self { time: time.as_u64()?, writer: replica(writer)?, value: value.as_u64()? })
    }

    fn version(&self) -> VersionVector {
        VersionVector::new()
    }

    fn shown(&self) -> Option<Value> {
        Some(self.value.into())
    }

    fn meant(seen: &Seen<'_, Self::Change>) -> Option<Value> {
        let written = seen.iter().map(|event| (event.change.0, writer(event.replica), event.change.1));
        Some(written.max().map_or(0, |(_, _, value)| value).into())
    }
}

/// Two writers with one name among them, so that the tie of values decides too.
fn writer(replica: ReplicaId) -> ReplicaId {
    ReplicaId::from_bytes([replica.as_bytes()[0] % 2; 16])
}
