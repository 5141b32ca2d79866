use civic_crdt::document::{BodyState, Inserted};
use civic_crdt::version::{Refusal, Rules, Version};
use civic_crdt::{Admission, Document};
use civic_types::Cid;

use crate::shapes::{assert_same, comb, insert_all_of, line};

fn pairs(versions: &[(Version, BodyState)]) -> impl Iterator<Item = (&Version, BodyState)> {
    versions.iter().map(|(version, body)| (version, body.clone()))
}

#[test]
fn any_order_admits_all() {
    let versions = comb(20, 4);
    let whole = insert_all_of(&versions);
    let mut turned = versions.clone();
    for _ in 0..7 {
        turned.reverse();
        turned.rotate_left(versions.len() / 3);
        let mut document = Document::default();
        let inserted = document.insert_all(pairs(&turned));
        assert_eq!(inserted.admitted.len(), versions.len());
        assert!(inserted.parked.is_empty() && inserted.refused.is_empty());
        let order: Vec<Cid> = document.versions().map(|version| version.cid().clone()).collect();
        assert_eq!(inserted.admitted, order);
        assert_same(&document, &whole);
        assert_eq!(document.insert_all(pairs(&turned)), Inserted::default());
    }
}

#[test]
fn a_long_line_from_its_end_is_admitted_whole() {
    let mut versions = line(3000);
    versions.reverse();
    let mut document = Document::default();
    assert_eq!(document.insert_all(pairs(&versions)).admitted.len(), 3000);
}

#[test]
fn what_lacks_parents_waits_and_says_for_which() {
    let versions = line(5);
    let mut document = Document::default();
    let inserted = document.insert_all(pairs(&[&versions[..2], &versions[3..]].concat()));
    assert_eq!(inserted.admitted.len(), 2);
    let cid = |i: usize| versions[i].0.cid().clone();
    assert_eq!(inserted.parked, [3, 4].map(|i| (cid(i), vec![cid(i - 1)])).into());
    assert_eq!(document.len(), 2);
}

#[test]
fn what_breaks_a_rule_is_refused_and_its_children_wait() {
    let versions = line(3);
    let mut header = versions[1].0.header().clone();
    header.first_dot += 1;
    let bad = Version::from_header(&header, &Rules::default()).unwrap();
    header.parents = vec![bad.cid().clone()];
    let child = Version::from_header(&header, &Rules::default()).unwrap();
    let mut document = Document::default();
    let batch = [&child, &bad, &versions[0].0].map(|version| (version, BodyState::Missing));
    let inserted = document.insert_all(batch);
    assert_eq!(inserted.admitted, [versions[0].0.cid().clone()]);
    assert!(matches!(&inserted.refused[..], [(cid, Refusal::FirstDot { .. })] if cid == bad.cid()));
    assert_eq!(inserted.parked[child.cid()], [bad.cid().clone()]);
    assert!(matches!(document.admit(&child), Admission::Parked { .. }));
}
