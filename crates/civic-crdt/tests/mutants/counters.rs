use std::collections::BTreeMap;

use civic_crdt::VersionVector;
use civic_crdt::laws::{Seen, check};
use civic_types::{ReplicaId, Value, value};
use proptest::prelude::{BoxedStrategy, Strategy};

use crate::toy::{Driven, Toy, refused, replica, replica_value};

/// What each replica added and took away, as `(events, up, down)`.
#[derive(Clone, Debug, Default)]
struct Counter<const FLAW: u8>(BTreeMap<ReplicaId, [u64; 3]>);

const RIGHT: u8 = 0;
const ADDS_ON_MERGE: u8 = 1;
const MEAN_ON_MERGE: u8 = 2;
const DELTA_LEAVES_OUT: u8 = 3;
const ONE_TALLY: u8 = 4;
const COUNTS_NO_DECREMENT: u8 = 5;
const WITHOUT_RIGHTS: u8 = 6;
const ALWAYS_CHANGED: u8 = 7;

#[test]
fn a_right_counter_is_taken() {
    check::<Driven<Counter<RIGHT>>>().unwrap();
}

refused!(a_counter_that_adds_on_merge_is_refused, Counter<ADDS_ON_MERGE>, Growing | Idempotent);
refused!(a_mean_is_refused, Counter<MEAN_ON_MERGE>, Commutative);
refused!(a_delta_that_leaves_something_out_is_refused, Counter<DELTA_LEAVES_OUT>, DeltaIsFull);
refused!(a_counter_with_one_tally_for_all_is_refused, Counter<ONE_TALLY>, Meaning);
refused!(a_counter_whose_version_does_not_count_is_refused, Counter<COUNTS_NO_DECREMENT>, VersionTells);
refused!(a_bounded_counter_without_rights_is_refused, Counter<WITHOUT_RIGHTS>, Meaning);
refused!(a_counter_that_always_tells_a_change_is_refused, Counter<ALWAYS_CHANGED>, EffectIsTold);

impl<const FLAW: u8> Counter<FLAW> {
    fn sum(&self) -> i64 {
        self.0.values().map(|[_, up, down]| up.cast_signed() - down.cast_signed()).sum()
    }
}

impl<const FLAW: u8> Toy for Counter<FLAW> {
    type Change = i64;

    fn changes() -> BoxedStrategy<i64> {
        (-3..4_i64).boxed()
    }

    fn change(&mut self, replica: ReplicaId, by: &i64) {
        if FLAW == WITHOUT_RIGHTS && self.sum() + by < 0 {
            return;
        }
        let whose = if FLAW == ONE_TALLY { ReplicaId::from_bytes([0; 16]) } else { replica };
        let [events, up, down] = self.0.entry(whose).or_default();
        *events += u64::from(FLAW != COUNTS_NO_DECREMENT || *by > 0 || *events == 0);
        *(if *by > 0 { up } else { down }) += by.unsigned_abs();
    }

    fn join(&mut self, other: &Self) {
        for (replica, theirs) in &other.0 {
            let ours = self.0.entry(*replica).or_default();
            for (ours, theirs) in ours.iter_mut().zip(theirs) {
                *ours = match FLAW {
                    ADDS_ON_MERGE => *ours + theirs,
                    MEAN_ON_MERGE => (*ours + theirs) / 2,
                    _ => *theirs.max(ours),
                };
            }
        }
    }

    fn told(changed: bool) -> bool {
        changed || FLAW == ALWAYS_CHANGED
    }

    fn delta(&self, since: &VersionVector) -> Self {
        let slack = u64::from(FLAW == DELTA_LEAVES_OUT);
        let is_news = |replica, events| events > since.get(replica) + slack || FLAW == COUNTS_NO_DECREMENT;
        let news = self.0.iter().filter(|(replica, [events, ..])| is_news(replica, *events));
        Self(news.map(|(replica, tally)| (*replica, *tally)).collect())
    }

    fn version(&self) -> VersionVector {
        self.0.iter().map(|(replica, [events, ..])| (*replica, *events)).collect()
    }

    fn to_value(&self) -> Value {
        let row = |(whose, [events, up, down]): (&ReplicaId, &[u64; 3])| {
            value!([(replica_value(*whose)), (*events), (*up), (*down)])
        };
        Value::List(self.0.iter().map(row).collect())
    }

    fn from_value(value: &Value) -> Option<Self> {
        let row = |row: &Value| {
            let [whose, events, up, down] = row.as_list()? else { return None };
            Some((replica(whose)?, [events.as_u64()?, up.as_u64()?, down.as_u64()?]))
        };
        value.as_list()?.iter().map(row).collect::<Option<_>>().map(Self)
    }

    /// The sum, or of a bounded counter whether the bound 0 holds.
    fn shown(&self) -> Option<Value> {
        Some(if FLAW == WITHOUT_RIGHTS { (self.sum() >= 0).into() } else { self.sum().into() })
    }

    fn meant(seen: &Seen<'_, i64>) -> Option<Value> {
        let sum: i64 = seen.iter().map(|event| event.change).sum();
        Some(if FLAW == WITHOUT_RIGHTS { true.into() } else { sum.into() })
    }
}
