//! The examples that the founding documents work through, with their own figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use civic_crdt::VersionVector;
use civic_types::{ReplicaId, value};

use crate::common::{Device, meet};

/// Device A has made five changes and knows three of B's; B has made six and knows four of A's.
#[test]
fn two_vectors_of_which_neither_has_seen_the_other_are_concurrent_and_their_union_dominates_both() {
    let [a, b] = [1, 2].map(|number| ReplicaId::from_bytes([number; 16]));
    let here = VersionVector::from_iter([(a, 5), (b, 3)]);
    let there = VersionVector::from_iter([(a, 4), (b, 6)]);
    assert_eq!(here.partial_cmp(&there), None);
    let mut both = here.clone();
    both.join(&there);
    assert_eq!(both, VersionVector::from_iter([(a, 5), (b, 6)]));
    assert!(both > here && both > there);
    // With all of B's changes A would be ahead.
    assert!(VersionVector::from_iter([(a, 5), (b, 6)]) > there);
}

/// Two devices change one address offline, A at T1 and B at T2: the later stands, whoever syncs first, and
/// the other is told as a conflict.
#[test]
fn of_two_addresses_written_offline_the_later_stands() {
    for (first, second, stands) in [(10, 20, "alice@old.com"), (20, 10, "alice@new.com")] {
        let (mut a, mut b) = (Device::new(1), Device::new(2));
        a.put(&value!({"email": "alice@example.com"}));
        b.pull(&a);
        a.millis += first;
        b.millis += second;
        a.put(&value!({"email": "alice@new.com"}));
        b.put(&value!({"email": "alice@old.com"}));
        meet(&mut a, &mut b);
        assert_eq!(a.view()["email"], value!(stands));
        assert_eq!(a.document.conflicts().len(), 1);
    }
}

/// v1 → v2 → {v3a, v3b} → v4: what branched is one again with the next write, and nothing of it is lost.
#[test]
fn a_history_branches_and_comes_together_with_the_next_write() {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    a.put(&value!({"title": "Plan"}));
    a.put(&value!({"title": "Plan", "place": "Hall"}));
    b.pull(&a);
    let before = a.document.heads();
    a.put(&value!({"title": "Plan A", "place": "Hall"}));
    b.put(&value!({"title": "Plan", "place": "School"}));
    meet(&mut a, &mut b);
    assert_eq!(a.document.heads().len(), 2);
    a.put(&value!({"title": "Plan A", "place": "School", "done": true}));
    assert_eq!(a.document.heads().len(), 1);
    assert_eq!(a.document.len(), 5);
    let v2 = a.document.at(&before).unwrap();
    assert_eq!(v2.view(), Some(value!({"title": "Plan", "place": "Hall"})));
}
