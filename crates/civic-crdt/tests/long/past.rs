use civic_crdt::document::{BodyState, UnknownVersion};
use civic_crdt::version::Version;
use civic_types::{Cid, value};
use proptest::prelude::*;

use crate::history::{long_steps, play};
use crate::shapes::{assert_past, assert_same, comb, fan, insert_all_of, line};

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_past_is_a_document_of_the_ancestors(steps in long_steps(), picks in any::<[usize; 12]>()) {
        let (_, versions) = play(&steps);
        if versions.is_empty() {
            return Ok(());
        }
        let document = insert_all_of(&versions);
        for picks in picks.chunks(3) {
            let cids = picks.iter().map(|i| versions[i % versions.len()].0.cid().clone());
            let heads: Vec<Cid> = cids.collect();
            assert_past(&document, &versions, &heads[..1]);
            assert_past(&document, &versions, &heads);
        }
    }

    #[test]
    fn a_body_that_comes_late_is_judged_as_if_it_had_always_been_here(
        steps in long_steps(), late in any::<[usize; 8]>(), picks in any::<[usize; 2]>(),
    ) {
        let (_, versions) = play(&steps);
        if versions.is_empty() {
            return Ok(());
        }
        let late: Vec<usize> = late.iter().map(|i| i % versions.len()).collect();
        let mut without = versions.clone();
        late.iter().for_each(|i| without[*i].1 = BodyState::Missing);
        let mut document = insert_all_of(&without);
        for i in late {
            let _effect = document.body_arrived(versions[i].0.cid(), versions[i].1.clone()).unwrap();
        }
        assert_same(&document, &insert_all_of(&versions));
        let pick = |i: &usize| versions[i % versions.len()].0.cid().clone();
        assert_past(&document, &versions, &picks.iter().map(pick).collect::<Vec<_>>());
    }
}

#[test]
fn every_version_of_a_line_can_be_read() {
    let versions = line(5000);
    let document = insert_all_of(&versions);
    for (i, (version, _)) in (0_u64..).zip(&versions) {
        let past = document.at(&[version.cid().clone()]).unwrap();
        assert_eq!(past.view().unwrap()["level"], value!(i));
        assert_eq!(past.heads(), [version.cid().clone()]);
    }
}

#[test]
fn every_tooth_of_a_comb_can_be_read() {
    let versions = comb(60, 5);
    let document = insert_all_of(&versions);
    for window in versions.windows(3).step_by(7) {
        let cids: Vec<Cid> = window.iter().map(|(version, _)| version.cid().clone()).collect();
        assert_past(&document, &versions, &cids[..1]);
        assert_past(&document, &versions, &cids);
    }
}

#[test]
fn thousands_of_heads_are_one_document() {
    let versions = fan(3000);
    let document = insert_all_of(&versions);
    assert_eq!(document.heads().len(), 3000);
    assert!(document.heads().is_sorted());
    let some: Vec<Cid> = versions[1..40].iter().map(|(version, _)| version.cid().clone()).collect();
    assert_past(&document, &versions, &some);
    let base = versions[0].0.cid().clone();
    assert_eq!(document.at(&[base]).unwrap().view().unwrap()["level"], value!(0));
}

#[test]
fn a_body_below_several_checkpoints_changes_what_is_above_it() {
    let versions = line(500);
    for late in [0, 1, 63, 64, 65, 130, 498, 499] {
        let mut without = versions.clone();
        without[late].1 = BodyState::Unreadable;
        let mut document = insert_all_of(&without);
        assert_eq!(document.incomplete().unwrap().unreadable, [versions[late].0.cid().clone()]);
        let arrived = document.body_arrived(versions[late].0.cid(), versions[late].1.clone());
        assert!(arrived.unwrap().is_changed());
        assert_same(&document, &insert_all_of(&versions));
        for at in [late, late + 1, 499] {
            let heads: Vec<Cid> = versions.get(at).map(|(v, _)| v.cid().clone()).into_iter().collect();
            assert_past(&document, &versions, &heads);
        }
    }
}

#[test]
fn a_head_whose_body_comes_late_is_in_every_later_past() {
    // A head that everything else was written beside: nothing has it among its parents.
    let (mut versions, alone) = (line(300), fan(1).swap_remove(1));
    versions.insert(1, alone);
    let mut without = versions.clone();
    without[1].1 = BodyState::Missing;
    let mut document = insert_all_of(&without);
    assert!(document.body_arrived(versions[1].0.cid(), versions[1].1.clone()).unwrap().is_changed());
    assert_same(&document, &insert_all_of(&versions));
    for at in [2, 100, 250] {
        let heads = [1, at].map(|i: usize| versions[i].0.cid().clone());
        assert_past(&document, &versions, &heads);
        assert_past(&document, &versions, &heads[1..]);
    }
}

#[test]
fn a_version_that_is_not_here_is_told() {
    let versions = line(3);
    let document = insert_all_of(&versions[..2]);
    let version: &Version = &versions[2].0;
    let unknown = UnknownVersion { version: version.cid().clone() };
    assert_eq!(document.at(&[version.cid().clone()]).unwrap_err(), unknown.into());
}
