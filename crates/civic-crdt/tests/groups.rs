//! Groups: what was committed together is committed together again, and nothing waits for what is missing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use civic_crdt::document::{Author, Document, write};
use civic_crdt::version::{Rules, Version, units};
use civic_types::time::Stamp;
use civic_types::{CollectionId, DocumentId, DocumentKey, ReplicaId, value};
use proptest::prelude::*;

/// A log of one replica whose versions number themselves like this.
fn log(replica: u8, groups: &[Option<(u64, u64)>]) -> Vec<Version> {
    let mut previous = None;
    let mut versions: Vec<Version> = Vec::new();
    for (position, group) in (1..).zip(groups) {
        let document = Document::default();
        let plan = document.put(&[], &value!({"n": position})).unwrap();
        let stamp = Stamp { millis: position, counter: 0 };
        let author = Author { replica: ReplicaId::from_bytes([replica; 16]), position, previous, stamp };
        let id = DocumentId::new(format!("{replica}-{position}")).unwrap();
        let key = DocumentKey::new(CollectionId::from_bytes([2; 32]), id);
        let written = write(&document, &key, &plan, &author, *group, &Rules::default()).unwrap();
        previous = Some(written.version.cid().clone());
        versions.push(written.version);
    }
    versions
}

const MIXED: [Option<(u64, u64)>; 7] =
    [None, Some((1, 3)), Some((2, 3)), Some((3, 3)), Some((1, 1)), Some((1, 2)), Some((2, 2))];

#[test]
fn whole_groups_are_one_unit_in_whatever_order_they_come() {
    let versions = log(1, &MIXED);
    assert_eq!(units(&versions), [vec![0], vec![1, 2, 3], vec![4], vec![5, 6]]);
    let turned: Vec<_> = versions.iter().rev().cloned().collect();
    assert_eq!(units(&turned), [vec![1, 0], vec![2], vec![5, 4, 3], vec![6]]);
}

#[test]
fn two_replicas_with_the_same_numbers_are_two_groups() {
    let versions = [log(1, &[Some((1, 2)), Some((2, 2))]), log(2, &[Some((1, 2)), Some((2, 2))])].concat();
    let mixed: Vec<_> = [0, 2, 3, 1].map(|at| versions[at].clone()).into();
    assert_eq!(units(&mixed), [vec![1, 2], vec![0, 3]]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_version_is_in_one_unit_and_only_whole_groups_are_joined(
        picks in proptest::collection::vec((0..2_usize, 0..7_usize), 0..20),
    ) {
        let logs = [log(1, &MIXED), log(2, &MIXED)];
        let versions: Vec<_> = picks.iter().map(|(log, at)| logs[*log][*at].clone()).collect();
        let units = units(&versions);
        let mut all: Vec<_> = units.concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..versions.len()).collect::<Vec<_>>());
        for unit in units.iter().filter(|unit| unit.len() > 1) {
            let groups: Vec<_> = unit.iter().map(|at| versions[*at].header().group.unwrap()).collect();
            let size = groups[0].1;
            prop_assert_eq!(groups, (1..=size).map(|number| (number, size)).collect::<Vec<_>>());
        }
        // Whatever is here whole is joined.
        for (number, log) in logs.iter().enumerate() {
            let has = |at: usize| picks.contains(&(number, at));
            let joined = units.iter().any(|unit| {
                unit.len() == 3 && versions[unit[0]].header().replica == log[0].header().replica
            });
            prop_assert_eq!(joined, has(1) && has(2) && has(3));
        }
    }
}
