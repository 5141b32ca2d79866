//! Versions that wait for parents: who waits for whom, and whose fault it is when there is no room.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use civic_crdt::orphans::{OrphanLimits, Orphans, Parked};
use civic_types::{Cid, HashAlgorithm, PeerId};
use proptest::prelude::*;

fn cid(number: u16) -> Cid {
    Cid::dag_cbor(HashAlgorithm::Sha2_256, &number.to_be_bytes())
}

const fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

#[test]
fn a_version_is_ready_when_the_last_of_its_parents_has_come() {
    let mut orphans = Orphans::new(OrphanLimits::default());
    assert_eq!(orphans.park(peer(1), cid(3), vec![cid(1), cid(2)], 10, 3), Parked::Kept);
    assert_eq!(orphans.park(peer(2), cid(3), vec![cid(1), cid(2)], 10, 3), Parked::Known);
    assert_eq!(orphans.park(peer(1), cid(4), vec![cid(3)], 10, 4), Parked::Kept);
    assert_eq!(orphans.park(peer(1), cid(5), vec![], 10, 5), Parked::Needless);
    let mut wanted = [cid(1), cid(2)];
    wanted.sort();
    assert_eq!(orphans.wanted().cloned().collect::<Vec<_>>(), wanted);
    assert_eq!(orphans.arrived(&cid(1)), []);
    assert_eq!(orphans.arrived(&cid(1)), []);
    assert_eq!(orphans.arrived(&cid(2)), [(cid(3), 3)]);
    assert_eq!(orphans.arrived(&cid(3)), [(cid(4), 4)]);
    assert!(orphans.is_empty() && orphans.bytes() == 0);
}

#[test]
fn a_sender_at_its_quota_is_refused_and_nobody_else_suffers() {
    let limits = OrphanLimits { per_peer: 3, per_peer_bytes: 100, total: 100, total_bytes: 1000 };
    let mut orphans = Orphans::new(limits);
    assert_eq!(orphans.park(peer(2), cid(100), vec![cid(0)], 50, ()), Parked::Kept);
    for number in 1..=3 {
        assert_eq!(orphans.park(peer(1), cid(number), vec![cid(0)], 10, ()), Parked::Kept);
    }
    assert_eq!(orphans.park(peer(1), cid(4), vec![cid(0)], 10, ()), Parked::OverQuota);
    assert_eq!(orphans.park(peer(2), cid(101), vec![cid(0)], 51, ()), Parked::OverQuota);
    assert_eq!(orphans.park(peer(2), cid(101), vec![cid(0)], 50, ()), Parked::Kept);
    assert_eq!(orphans.len(), 5);
    orphans.forget(&peer(1));
    assert_eq!((orphans.len(), orphans.bytes()), (2, 100));
    assert_eq!(orphans.park(peer(1), cid(4), vec![cid(0)], 10, ()), Parked::Kept);
}

#[test]
fn when_all_is_full_the_oldest_of_whoever_holds_most_goes() {
    let limits = OrphanLimits { per_peer: 8, per_peer_bytes: 1000, total: 10, total_bytes: 1000 };
    let mut orphans = Orphans::new(limits);
    for number in 0..8 {
        assert_eq!(orphans.park(peer(1), cid(number), vec![cid(99)], 100, ()), Parked::Kept);
    }
    assert_eq!(orphans.park(peer(2), cid(20), vec![cid(99)], 100, ()), Parked::Kept);
    assert_eq!(orphans.park(peer(3), cid(30), vec![cid(99)], 100, ()), Parked::Kept);
    // Full now: the greatest holder pays for the others, and not for itself.
    assert_eq!(orphans.park(peer(2), cid(21), vec![cid(99)], 100, ()), Parked::Kept);
    assert_eq!(orphans.park(peer(1), cid(9), vec![cid(99)], 100, ()), Parked::OverQuota);
    let ready: Vec<_> = orphans.arrived(&cid(99)).into_iter().map(|(cid, ())| cid).collect();
    assert_eq!(ready.len(), 10);
    assert!(!ready.contains(&cid(0)) && ready.contains(&cid(20)) && ready.contains(&cid(21)));
}

#[test]
fn what_waits_for_a_refused_version_goes_with_it() {
    let mut orphans = Orphans::new(OrphanLimits::default());
    for number in 1..5 {
        assert_eq!(orphans.park(peer(1), cid(number), vec![cid(number - 1)], 1, ()), Parked::Kept);
    }
    assert_eq!(orphans.park(peer(1), cid(9), vec![cid(8)], 1, ()), Parked::Kept);
    assert_eq!(orphans.refused(&cid(1)), [cid(2), cid(3), cid(4)]);
    assert_eq!(orphans.len(), 2);
    assert_eq!(orphans.wanted().count(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bounds_hold_and_books_balance_whatever_comes(
        steps in proptest::collection::vec((0..4_u8, 0..20_u16, proptest::collection::vec(0..20_u16, 0..4), 0..200_usize), 0..200),
    ) {
        let limits = OrphanLimits { per_peer: 5, per_peer_bytes: 400, total: 8, total_bytes: 700 };
        let mut orphans = Orphans::new(limits);
        for (from, version, missing, bytes) in steps {
            if from == 3 {
                orphans.arrived(&cid(version));
            } else {
                let missing = missing.into_iter().map(cid).collect();
                let _ = orphans.park(peer(from), cid(version), missing, bytes, ());
            }
            prop_assert!(orphans.len() <= limits.total && orphans.bytes() <= limits.total_bytes);
        }
        for number in 0..3 {
            orphans.forget(&peer(number));
        }
        prop_assert_eq!((orphans.len(), orphans.bytes(), orphans.wanted().count()), (0, 0, 0));
    }
}
