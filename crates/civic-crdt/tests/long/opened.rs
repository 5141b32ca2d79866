use civic_crdt::document::{BodiesNeeded, BodyState, OpenError, PastError};
use civic_crdt::version::Version;
use civic_crdt::{Admission, Document};
use civic_types::id::DeletePolicy;
use civic_types::{Cid, FieldOp, HashAlgorithm, value};
use proptest::prelude::*;

use crate::common::path;
use crate::history::{long_steps, play};
use crate::shapes::{assert_past, assert_same, comb, insert_all_of, line};

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_opened_document_goes_on_as_if_it_had_never_been_closed(
        steps in long_steps(), cut in any::<usize>(), picks in any::<[usize; 2]>(),
    ) {
        let (_, versions) = play(&steps);
        let cut = cut % (versions.len() + 1);
        let mut document = Document::open(&insert_all_of(&versions[..cut]).save()).unwrap();
        assert_same(&document, &insert_all_of(&versions[..cut]));
        for (version, body) in &versions[cut..] {
            assert_eq!(document.insert(version, body.clone()), Admission::Admitted);
        }
        let whole = insert_all_of(&versions);
        assert_same(&document, &whole);
        let changes = [FieldOp::Set { path: path(["a"]), value: value!(7) }];
        prop_assert_eq!(document.patch(&document.heads(), &changes), whole.patch(&whole.heads(), &changes));
        if versions.is_empty() {
            return Ok(());
        }
        let base: Vec<Cid> = picks.iter().map(|i| versions[i % versions.len()].0.cid().clone()).collect();
        bring(&mut document, &versions, &base);
        assert_past(&document, &versions, &base);
    }
}

/// Brings the bodies that reading this past needs.
fn bring(document: &mut Document, versions: &[(Version, BodyState)], base: &[Cid]) {
    let Err(PastError::Bodies(BodiesNeeded { versions: needed })) = document.at(base) else { return };
    for (version, body) in versions.iter().filter(|(version, _)| needed.contains(version.cid())) {
        assert!(!document.body_arrived(version.cid(), body.clone()).unwrap().is_changed());
    }
}

#[test]
fn opening_needs_no_body() {
    // The bodies are unreadable to everybody, so nothing could be folded again.
    let versions = line(2000);
    let mut document = insert_all_of(&versions);
    document.forget_bodies();
    let opened = Document::open(&document.save()).unwrap();
    assert!(opened.versions().all(|version| *version.body() == BodyState::Stored));
    assert_same(&opened, &insert_all_of(&versions));
}

#[test]
fn what_was_missing_is_missing_after_opening() {
    let mut versions = comb(3, 3);
    versions[2].1 = BodyState::Missing;
    versions[4].1 = BodyState::Unreadable;
    let document = insert_all_of(&versions);
    let opened = Document::open(&document.save()).unwrap();
    let incomplete = opened.incomplete().unwrap();
    assert_eq!(incomplete.missing, [versions[2].0.cid().clone()]);
    assert_eq!(incomplete.unreadable, [versions[4].0.cid().clone()]);
    assert_same(&opened, &document);
}

#[test]
fn the_past_asks_for_exactly_the_bodies_that_it_folds() {
    let versions = line(200);
    let mut document = Document::open(&insert_all_of(&versions).save()).unwrap();
    let base = [versions[2].0.cid().clone()];
    let needed: Vec<Cid> = versions[..3].iter().map(|(version, _)| version.cid().clone()).collect();
    assert_eq!(document.at(&base).unwrap_err(), BodiesNeeded { versions: needed.clone() }.into());
    assert_eq!(document.checkout(&base).unwrap_err(), BodiesNeeded { versions: needed }.into());
    bring(&mut document, &versions, &base);
    assert_past(&document, &versions, &base);
    document.forget_bodies();
    assert!(document.at(&base).is_err());
}

#[test]
fn what_was_shown_when_it_was_opened_stays_readable() {
    let versions = line(20);
    let mut document = Document::open(&insert_all_of(&versions[..10]).save()).unwrap();
    let base = document.heads();
    for (version, body) in &versions[10..] {
        assert_eq!(document.insert(version, body.clone()), Admission::Admitted);
    }
    for (i, (version, _)) in (0_u64..).zip(&versions).skip(9) {
        let past = document.at(&[version.cid().clone()]).unwrap();
        assert_eq!(past.view().unwrap()["level"], value!(i));
    }
    let set = [FieldOp::Set { path: path(["level"]), value: value!(99) }];
    assert_eq!(document.patch(&base, &set), insert_all_of(&versions).patch(&base, &set));
}

#[test]
fn a_late_body_of_an_opened_document_asks_for_those_above_it_and_changes_nothing() {
    let mut versions = line(10);
    let late = std::mem::replace(&mut versions[4].1, BodyState::Missing);
    let mut document = Document::open(&insert_all_of(&versions).save()).unwrap();
    let before = document.clone();
    let cid = versions[4].0.cid().clone();
    let needed = document.body_arrived(&cid, late.clone()).unwrap_err();
    assert_eq!(needed.versions.len(), 9);
    assert_same(&document, &before);
    for (version, body) in versions.iter().filter(|(version, _)| needed.versions.contains(version.cid())) {
        let _effect = document.body_arrived(version.cid(), body.clone()).unwrap();
    }
    assert!(document.body_arrived(&cid, late.clone()).unwrap().is_changed());
    versions[4].1 = late;
    assert_same(&document, &insert_all_of(&versions));
}

#[test]
fn policy_hash_and_emptiness_are_kept() {
    for policy in [DeletePolicy::AddWins, DeletePolicy::Lww] {
        for hash in [HashAlgorithm::Blake3, HashAlgorithm::Sha2_256] {
            let document = Document::new(policy, hash);
            let opened = Document::open(&document.save()).unwrap();
            assert_eq!(opened.save(), document.save());
            assert_same(&opened, &document);
        }
    }
}

#[test]
fn a_version_under_another_hash_is_of_another_document() {
    let versions = line(1);
    let mut document = Document::new(DeletePolicy::Lww, HashAlgorithm::Blake3);
    assert!(matches!(document.insert(&versions[0].0, versions[0].1.clone()), Admission::Refused(_)));
}

#[test]
fn damage_is_noticed_at_every_byte() {
    let saved = insert_all_of(&comb(4, 3)).save();
    for at in 0..saved.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bad = saved.clone();
            bad[at] ^= flip;
            assert_eq!(Document::open(&bad).unwrap_err(), OpenError::Checksum);
        }
        assert_eq!(Document::open(&saved[..at]).unwrap_err(), OpenError::Checksum);
    }
    assert_eq!(Document::open(&[&saved[..], &[0]].concat()).unwrap_err(), OpenError::Checksum);
}

#[test]
fn a_version_costs_little_in_a_saved_document() {
    let document = insert_all_of(&line(2000));
    let size = document.save().len();
    assert!(size <= 45 * 2000, "{size}");
}
