use proptest::prelude::*;

use super::*;

const A: ReplicaId = ReplicaId::from_bytes([1; 16]);
const B: ReplicaId = ReplicaId::from_bytes([2; 16]);

fn filled(count: u64) -> OrSet<u64> {
    let mut set = OrSet::new();
    for value in 0..count {
        set.add(A, value);
    }
    set
}

#[test]
fn elements_are_found_after_many_adds_removes_and_adds_again() {
    let mut set = filled(1000);
    for value in (0..1000).filter(|value| value % 3 == 0) {
        assert_eq!(set.remove(B, &value), Effect::Changed);
        assert_eq!(set.remove(B, &value), Effect::Unchanged);
    }
    for value in (0..1000).filter(|value| value % 6 == 0) {
        set.add(B, value);
    }
    for value in 0..1000 {
        assert_eq!(set.contains(&value), value % 3 != 0 || value % 6 == 0, "{value}");
    }
    assert_eq!(set.len(), 833);
    assert_eq!(set.iter().count(), 833);
}

#[test]
fn an_element_added_here_and_there_counts_once() {
    let (mut here, mut there) = (filled(3), OrSet::new());
    there.add(B, 1);
    there.add(B, 9);
    here.merge(&there);
    assert_eq!((here.len(), here.index.len()), (4, 5));
    assert_eq!(here.iter().copied().collect::<Vec<_>>(), [0, 1, 2, 9]);
}

#[test]
fn every_add_mints_a_dot_and_every_remove_burns_one() {
    let mut set = OrSet::<u64>::new();
    assert_eq!(set.add(A, 7), Dot::new(A, 1));
    assert_eq!(set.add(A, 7), Dot::new(A, 2));
    set.remove(A, &7);
    assert_eq!(set.version().get(&A), 3);
    set.remove(A, &7);
    assert_eq!(set.version().get(&A), 3);
}

#[test]
fn a_delta_of_one_removal_is_a_few_bytes_however_large_the_set() {
    let mut here = filled(10_000);
    let mut there = here.clone();
    here.remove(A, &5000);
    let bytes = here.delta_since(&there.version()).encode();
    assert!(bytes.len() < 80, "{}", bytes.len());
    there.apply(&OrSetDelta::decode(&bytes).unwrap());
    assert_eq!(there.encode_canonical(), here.encode_canonical());
    assert!(!there.contains(&5000));
}

#[test]
fn a_run_as_long_as_numbers_go_is_walked_in_one_step() {
    let mut delta = OrSetDelta::new(&filled(2), &filled(2).version());
    delta.since = VersionVector::from_iter([(A, crate::decode::MAX_EVENTS)]);
    delta.parts[0].count = crate::decode::MAX_EVENTS;
    delta.parts[0].kept = vec![(1, crate::decode::MAX_EVENTS)];
    let delta = OrSetDelta::<u64>::decode(&delta.encode()).unwrap();
    let mut set = filled(2);
    set.log(A).see(crate::decode::MAX_EVENTS);
    assert_eq!(set.apply(&delta), Effect::Unchanged);
    assert_eq!(set.len(), 2);
}

#[test]
fn canonical_bytes_are_the_elements_and_a_few_bytes_each() {
    let set = filled(1000);
    let elements: usize = (0..1000_u64).map(|value| value.canonical().len()).sum();
    assert!(set.encode_canonical().len() <= elements + 1000 + 40);
}

#[test]
fn dots_that_no_replica_could_have_written_are_refused() {
    let mut out = civic_types::cbor::Encoder::new();
    out.array(1).array(3).bytes(A.as_bytes()).uint(3).array(4).uint(1).uint(7).uint(2).uint(7);
    assert!(OrSet::<u64>::decode_canonical(out.as_bytes()).is_ok());
    for (count, first, second) in [(2, 1, 2), (3, 0, 1), (3, 1, 0), (0, 1, 1), (u64::MAX, 1, 2)] {
        let mut out = civic_types::cbor::Encoder::new();
        out.array(1)
            .array(3)
            .bytes(A.as_bytes())
            .uint(count)
            .array(4)
            .uint(first)
            .uint(7)
            .uint(second)
            .uint(7);
        assert!(OrSet::<u64>::decode_canonical(out.as_bytes()).is_err(), "{count} {first} {second}");
    }
}

/// The text of the definition: live dots with their elements, and all dots ever seen.
#[derive(Clone, Default)]
struct Model {
    seen: BTreeSet<Dot>,
    live: BTreeMap<Dot, u64>,
}

impl Model {
    fn next(&mut self, replica: ReplicaId) -> Dot {
        let last = self.seen.iter().filter(|dot| dot.replica == replica).map(|dot| dot.number).max();
        let dot = Dot::new(replica, last.unwrap_or(0) + 1);
        self.seen.insert(dot);
        dot
    }

    fn merge(&mut self, other: &Self) {
        self.live.retain(|dot, _| !other.seen.contains(dot) || other.live.contains_key(dot));
        self.live.extend(other.live.iter().filter(|(dot, _)| !self.seen.contains(dot)));
        self.seen.extend(&other.seen);
    }

    fn elements(&self) -> Vec<u64> {
        self.live.values().copied().collect::<BTreeSet<_>>().into_iter().collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Add(usize, u64),
    Remove(usize, u64),
    Merge {
        into: usize,
        from: usize,
    },
    /// A delta for `into`, as bytes.
    Delta {
        into: usize,
        from: usize,
    },
    Load(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (at, value) = (|| 0..3_usize, || 0..6_u64);
    let step = prop_oneof![
        (at(), value()).prop_map(|(at, value)| Step::Add(at, value)),
        (at(), value()).prop_map(|(at, value)| Step::Remove(at, value)),
        (at(), at()).prop_map(|(into, from)| Step::Merge { into, from }),
        (at(), at()).prop_map(|(into, from)| Step::Delta { into, from }),
        at().prop_map(Step::Load),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_set_holds_what_the_definition_says_after_any_history(steps in steps()) {
        let mut sets: Vec<OrSet<u64>> = vec![OrSet::new(); 3];
        let mut models = vec![Model::default(); 3];
        for step in steps {
            match step {
                Step::Add(at, value) => {
                    let replica = ReplicaId::from_bytes([u8::try_from(at).unwrap(); 16]);
                    models[at].live.retain(|_, held| *held != value);
                    let dot = models[at].next(replica);
                    models[at].live.insert(dot, value);
                    prop_assert_eq!(sets[at].add(replica, value), dot);
                }
                Step::Remove(at, value) => {
                    let replica = ReplicaId::from_bytes([u8::try_from(at).unwrap(); 16]);
                    let before = models[at].live.len();
                    models[at].live.retain(|_, held| *held != value);
                    let removed = models[at].live.len() < before;
                    if removed {
                        models[at].next(replica);
                    }
                    prop_assert_eq!(sets[at].remove(replica, &value).is_changed(), removed);
                }
                Step::Merge { into, from } => {
                    let other = (sets[from].clone(), models[from].clone());
                    sets[into].merge(&other.0);
                    models[into].merge(&other.1);
                }
                Step::Delta { into, from } => {
                    let bytes = sets[from].delta_since(&sets[into].version()).encode();
                    let delta = OrSetDelta::decode(&bytes).unwrap();
                    prop_assert_eq!(delta.encode(), bytes);
                    sets[into].apply(&delta);
                    let other = models[from].clone();
                    models[into].merge(&other);
                }
                Step::Load(at) => sets[at] = OrSet::decode_canonical(&sets[at].encode_canonical()).unwrap(),
            }
            for (set, model) in sets.iter().zip(&models) {
                prop_assert_eq!(set.iter().copied().collect::<Vec<_>>(), model.elements());
                prop_assert_eq!(set.len(), model.elements().len());
                prop_assert!((0..6).all(|value| set.contains(&value) == model.elements().contains(&value)));
                prop_assert_eq!(set.index.len(), model.live.len());
            }
        }
    }

    #[test]
    fn bytes_of_a_delta_are_taken_iff_they_are_what_would_be_written(
        values in prop::collection::vec((any::<bool>(), 0..9_u64), 0..24),
        cut in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (mut set, middle) = (filled(4), values.len() / 2);
        let mut since = set.version();
        for (nth, (add, value)) in values.into_iter().enumerate() {
            if nth == middle {
                since = set.version();
            }
            if add {
                set.add(B, value);
            } else {
                set.remove(A, &value);
            }
        }
        let mut bytes = set.delta_since(&since).encode();
        let at = cut.index(bytes.len());
        prop_assert!(OrSetDelta::<u64>::decode(&bytes[..at]).is_err());
        bytes[at] = byte;
        if let Ok(other) = OrSetDelta::<u64>::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
        }
    }
}
