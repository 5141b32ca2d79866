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
