//! What a document tells of its own history: what somebody lacks, and what changed between two states.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use civic_crdt::Document;
use civic_crdt::document::Change;
use civic_crdt::version::Admission;
use civic_types::{Cid, FieldOp, FieldPath, HashAlgorithm, Value, value};

use crate::common::{Device, meet, path};

/// Two devices that share a beginning and went on apart.
fn apart() -> (Device, Device) {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    a.put(&value!({"status": "dry", "depth": 3}));
    b.pull(&a);
    a.put(&value!({"status": "wet", "depth": 3}));
    a.put(&value!({"status": "wet", "depth": 4}));
    b.put(&value!({"status": "dry", "depth": 3, "note": "leaks"}));
    (a, b)
}

fn cids(versions: &[civic_crdt::document::Admitted<'_>]) -> Vec<Cid> {
    versions.iter().map(|version| version.cid().clone()).collect()
}

#[test]
fn what_is_missing_is_what_the_other_lacks_and_no_more() {
    let (mut a, mut b) = apart();
    let (heads_a, heads_b) = (a.document.heads(), b.document.heads());
    assert_eq!(a.document.missing(&heads_a, &heads_a).unwrap().len(), 0);
    meet(&mut a, &mut b);
    let of_b = cids(&a.document.missing(&heads_a, &a.document.heads()).unwrap());
    assert_eq!(of_b, [b.log[0].clone()]);
    let of_a = cids(&a.document.missing(&heads_b, &heads_a).unwrap());
    assert_eq!(of_a, a.log[1..]);
    assert_eq!(cids(&a.document.missing(&[], &a.document.heads()).unwrap()).len(), 4);
}

#[test]
fn what_is_missing_can_be_admitted_in_the_order_given() {
    let (mut a, mut b) = apart();
    let have = b.document.heads();
    meet(&mut a, &mut b);
    let mut other = Device::new(3);
    for version in cids(&a.document.missing(&[], &have).unwrap()) {
        let (version, body) = a.versions.iter().find(|(held, _)| *held.cid() == version).unwrap();
        assert_eq!(other.take(version, body), Admission::Admitted);
    }
    assert_eq!(other.document.heads(), have);
    for version in cids(&a.document.missing(&have, &a.document.heads()).unwrap()) {
        let (version, body) = a.versions.iter().find(|(held, _)| *held.cid() == version).unwrap();
        assert_eq!(other.take(version, body), Admission::Admitted);
    }
    assert_eq!(other.document.version_id(), a.document.version_id());
}

#[test]
fn an_unknown_want_is_an_error_and_an_unknown_have_tells_nothing() {
    let (a, _) = apart();
    let stranger = Cid::dag_cbor(HashAlgorithm::Sha2_256, b"stranger");
    let heads = a.document.heads();
    assert_eq!(a.document.missing(std::slice::from_ref(&stranger), &heads).unwrap().len(), 3);
    assert_eq!(a.document.missing(&heads, std::slice::from_ref(&stranger)).unwrap_err().version, stranger);
}

fn change(path: FieldPath, before: Option<Value>, after: Option<Value>) -> Change {
    Change { path, before, after }
}

#[test]
fn changes_tell_each_field_that_differs_with_both_values() {
    let (mut a, mut b) = apart();
    let (first, heads) = (a.log[..1].to_vec(), a.document.heads());
    meet(&mut a, &mut b);
    let first = a.document.at(&first).unwrap();
    let own = first.changes(&a.document.at(&heads).unwrap());
    let status = change(path(["status"]), Some(value!("dry")), Some(value!("wet")));
    let depth = change(path(["depth"]), Some(value!(3)), Some(value!(4)));
    assert_eq!(own, [depth.clone(), status.clone()]);
    let note = change(path(["note"]), None, Some(value!("leaks")));
    assert_eq!(first.changes(&a.document.now()), [depth, note, status]);
    assert_eq!(first.changes(&first), []);
}

#[test]
fn changes_of_nested_maps_name_the_innermost_path_and_deletion_the_whole() {
    let mut a = Device::new(1);
    let empty = Document::default();
    a.put(&value!({"pump": {"b": 1, "aa": 2}, "list": [1, 2]}));
    let before = a.document.heads();
    a.put(&value!({"pump": {"b": 1, "aa": 3}, "list": [1]}));
    let (before, after) = (a.document.at(&before).unwrap(), a.document.now());
    assert_eq!(
        before.changes(&after),
        [
            change(path(["list"]), Some(value!([1, 2])), Some(value!([1]))),
            change(path(["pump", "aa"]), Some(value!(2)), Some(value!(3))),
        ]
    );
    let born = empty.now().changes(&before);
    assert_eq!(born, [change(FieldPath::root(), None, before.view())]);
    let mut gone = a.clone();
    gone.delete();
    assert_eq!(after.changes(&gone.document.now()), [change(FieldPath::root(), after.view(), None)]);
}

#[test]
fn maps_that_paths_cannot_name_are_told_whole() {
    let mut a = Device::new(1);
    // A set's elements are plain values, which may hold anything; so may a map with a key that is too long.
    let long = "k".repeat(300);
    let deep = Value::Map([(long.clone(), value!(1))].into_iter().collect());
    a.patch(&[FieldOp::Add { path: path(["set"]), value: deep.clone() }]).unwrap();
    let before = a.document.heads();
    let other = Value::Map([(long, value!(2))].into_iter().collect());
    a.patch(&[
        FieldOp::Remove { path: path(["set"]), value: deep.clone() },
        FieldOp::Add { path: path(["set"]), value: other.clone() },
    ])
    .unwrap();
    let changes = a.document.at(&before).unwrap().changes(&a.document.now());
    let list = |value: Value| Some(Value::List(vec![value]));
    assert_eq!(changes, [change(path(["set"]), list(deep), list(other))]);
}
