use std::collections::{BTreeMap, BTreeSet};

use civic_crdt::laws::{Event, Seen, check};
use civic_crdt::{Dot, VersionVector};
use civic_types::{ReplicaId, Value, value};
use proptest::prelude::{BoxedStrategy, Strategy, any};

use crate::toy::{Driven, Toy, refused, replica, replica_value, vector, vector_value};

/// A dot store: the live dots with their values, and how many dots of each replica were ever seen. Used as a set
/// in which add wins, and as a register that keeps concurrent values.
#[derive(Clone, Debug, Default)]
struct Dots<const FLAW: u8> {
    context: VersionVector,
    live: BTreeMap<Dot, u64>,
}

const RIGHT_SET: u8 = 0;
const READD_WITHOUT_DOT: u8 = 1;
const REMOVE_WITHOUT_DOT: u8 = 2;
const REMOVE_WINS: u8 = 3;
const DELTA_FORGETS_REMOVALS: u8 = 4;
const REMOVES_EVERY_DOT_OF_ITS_OWN_ONLY: u8 = 5;
const UNION_OF_LIVE: u8 = 6;
/// And nothing is ever removed, so that without gaps it would be right.
const GAPS: u8 = 7;
const RIGHT_REGISTER: u8 = 8;
const DROPS_CONCURRENT: u8 = 9;
const KEEPS_WHAT_IT_REPLACES: u8 = 10;

#[test]
fn a_right_set_and_a_right_register_are_taken() {
    check::<Driven<Dots<RIGHT_SET>>>().unwrap();
    check::<Driven<Dots<RIGHT_REGISTER>>>().unwrap();
}

refused!(a_set_that_adds_again_without_a_dot_is_refused, Dots<READD_WITHOUT_DOT>, Meaning);
refused!(a_set_that_removes_without_a_dot_is_refused, Dots<REMOVE_WITHOUT_DOT>, VersionTells);
refused!(a_set_in_which_remove_wins_is_refused, Dots<REMOVE_WINS>, Commutative | Meaning);
refused!(a_set_whose_deltas_forget_removals_is_refused, Dots<DELTA_FORGETS_REMOVALS>, DeltaIsFull);
refused!(a_set_that_removes_only_its_own_adds_is_refused, Dots<REMOVES_EVERY_DOT_OF_ITS_OWN_ONLY>, Meaning);
refused!(a_set_that_revives_what_was_removed_is_refused, Dots<UNION_OF_LIVE>, Growing);
refused!(a_set_that_takes_deltas_with_gaps_is_refused, Dots<GAPS>, GapIsHarmless);
refused!(a_register_that_drops_concurrent_values_is_refused, Dots<DROPS_CONCURRENT>, Meaning);
refused!(a_register_that_keeps_what_it_replaces_is_refused, Dots<KEEPS_WHAT_IT_REPLACES>, Meaning);

impl<const FLAW: u8> Dots<FLAW> {
    fn add(&mut self, replica: ReplicaId, value: u64) {
        if FLAW == READD_WITHOUT_DOT && self.live.values().any(|held| *held == value) {
            return;
        }
        let dot = self.context.next(replica);
        self.live.insert(dot, value);
    }

    fn remove(&mut self, replica: ReplicaId, value: u64) {
        let own = |dot: &Dot| FLAW != REMOVES_EVERY_DOT_OF_ITS_OWN_ONLY || dot.replica == replica;
        self.live.retain(|dot, held| *held != value || !own(dot));
        if FLAW != REMOVE_WITHOUT_DOT {
            self.context.next(replica);
        }
    }

    fn write(&mut self, replica: ReplicaId, value: u64) {
        if FLAW != KEEPS_WHAT_IT_REPLACES {
            self.live.clear();
        }
        self.add(replica, value);
    }
}

impl<const FLAW: u8> Toy for Dots<FLAW> {
    /// Removes where the flag is set; a register writes either way.
    type Change = (bool, u64);

    fn changes() -> BoxedStrategy<Self::Change> {
        (any::<bool>(), 0..3_u64).boxed()
    }

    fn change(&mut self, replica: ReplicaId, (remove, value): &Self::Change) {
        match remove {
            _ if FLAW >= RIGHT_REGISTER => self.write(replica, *value),
            true if FLAW == GAPS => {}
            true => self.remove(replica, *value),
            false => self.add(replica, *value),
        }
    }

    fn join(&mut self, other: &Self) {
        let gone = |dot: &Dot| other.context.contains(*dot) && !other.live.contains_key(dot);
        let removed: BTreeSet<u64> =
            self.live.iter().filter(|(dot, _)| gone(dot)).map(|(_, value)| *value).collect();
        if FLAW != UNION_OF_LIVE {
            self.live.retain(|dot, _| !gone(dot));
        }
        for (dot, value) in &other.live {
            if FLAW == UNION_OF_LIVE || !self.context.contains(*dot) {
                self.live.insert(*dot, *value);
            }
        }
        if FLAW == REMOVE_WINS {
            self.live.retain(|_, value| !removed.contains(value));
        }
        if FLAW == DROPS_CONCURRENT
            && let Some((dot, value)) = self.live.pop_last()
        {
            self.live = BTreeMap::from([(dot, value)]);
        }
        self.context.join(&other.context);
    }

    /// Where it leaves gaps: what is live above `since`, with everything counted.
    fn delta(&self, since: &VersionVector) -> Self {
        let mut delta = self.clone();
        if FLAW == GAPS {
            delta.live.retain(|dot, _| !since.contains(*dot));
        }
        delta
    }

    fn take(&mut self, delta: &Self) {
        if FLAW != GAPS && FLAW != DELTA_FORGETS_REMOVALS {
            return self.join(delta);
        }
        for (dot, value) in &delta.live {
            if !self.context.contains(*dot) {
                self.live.insert(*dot, *value);
            }
        }
        self.context.join(&delta.context);
    }

    fn version(&self) -> VersionVector {
        self.context.clone()
    }

    fn to_value(&self) -> Value {
        let row = |(dot, value): (&Dot, &u64)| value!([(replica_value(dot.replica)), (dot.number), (*value)]);
        value!([(vector_value(&self.context)), (Value::List(self.live.iter().map(row).collect()))])
    }

    fn from_value(value: &Value) -> Option<Self> {
        let [context, live] = value.as_list()? else { return None };
        let row = |row: &Value| {
            let [whose, number, value] = row.as_list()? else { return None };
            Some((Dot::new(replica(whose)?, number.as_u64()?), value.as_u64()?))
        };
        let live = live.as_list()?.iter().map(row).collect::<Option<_>>()?;
        Some(Self { context: vector(context)?, live })
    }

    fn shown(&self) -> Option<Value> {
        let distinct: BTreeSet<u64> = self.live.values().copied().collect();
        Some(Value::List(distinct.into_iter().map(Value::from).collect()))
    }

    fn meant(seen: &Seen<'_, Self::Change>) -> Option<Value> {
        let is_register = FLAW >= RIGHT_REGISTER;
        let removes = FLAW != GAPS;
        let ended = |add: &Event<Self::Change>| {
            let ends = |event: &Event<Self::Change>| {
                is_register || (removes && event.change == (true, add.change.1))
            };
            seen.iter().any(|event| ends(event) && event.saw(add))
        };
        let adds = seen.iter().filter(|event| is_register || !event.change.0);
        let stand: BTreeSet<u64> = adds.filter(|add| !ended(add)).map(|add| add.change.1).collect();
        Some(Value::List(stand.into_iter().map(Value::from).collect()))
    }
}
