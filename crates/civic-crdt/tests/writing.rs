//! What planned writes do to a document, alone and beside others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and its numbers are small"
)]

mod common;

use civic_crdt::document::{PlanError, WriteError};
use civic_crdt::version::Kind;
use civic_types::{FieldOp, Value, value};

use self::common::{Device, key, meet, path};

#[test]
fn setting_a_document_and_counting_in_a_field_that_was_not_there() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    here.put(&value!({"status": "dry"}));
    here.patch(&[FieldOp::Increment { path: path(["needs"]), by: 2 }]).unwrap();
    meet(&mut here, &mut there);
    there.patch(&[FieldOp::Increment { path: path(["needs"]), by: 1 }]).unwrap();
    here.patch(&[FieldOp::Increment { path: path(["needs"]), by: 4 }]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(here.view(), value!({"status": "dry", "needs": 7}));
    assert!(here.document.conflicts().is_empty());
}

#[test]
fn counting_at_a_plain_value_names_the_schema() {
    let mut here = Device::new(1);
    here.put(&value!({"needs": 1}));
    let error = here.patch(&[FieldOp::Increment { path: path(["needs"]), by: 1 }]).unwrap_err();
    let expected =
        PlanError::KindMismatch { path: path(["needs"]), found: Kind::Register, wanted: Kind::Counter };
    assert_eq!(error, expected);
    assert!(error.to_string().contains("schema"), "{error}");
}

#[test]
fn a_put_writes_only_what_differs_from_its_base() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    here.put(&value!({"a": 1, "b": 1, "m": {"x": 1, "y": 1}}));
    meet(&mut here, &mut there);
    let base = here.document.heads();
    there.put(&value!({"a": 1, "b": 2, "m": {"x": 1, "y": 2}}));
    meet(&mut here, &mut there);
    // The application read before the other's write arrived and changes `a` and `m/x`.
    let plan = here.document.put(&base, &value!({"a": 5, "b": 1, "m": {"x": 5, "y": 1}})).unwrap();
    assert_eq!(plan.operations().len(), 3, "presence and two fields");
    here.commit(&plan);
    assert_eq!(here.view(), value!({"a": 5, "b": 2, "m": {"x": 5, "y": 2}}));
    assert!(here.document.conflicts().is_empty());
}

#[test]
fn an_equal_put_is_empty_and_typed_fields_keep_their_kind() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    let (set, log, count) = (path(["crew"]), path(["log"]), path(["needs"]));
    here.patch(&[
        FieldOp::Add { path: set.clone(), value: value!("Åsa") },
        FieldOp::Add { path: set.clone(), value: value!("Ali") },
        FieldOp::Append { path: log.clone(), value: value!("cut") },
        FieldOp::Increment { path: count.clone(), by: 3 },
        FieldOp::Set { path: path(["open"]), value: value!(true) },
    ])
    .unwrap();
    let same = here.view();
    assert_eq!(same, value!({"crew": ["Ali", "Åsa"], "log": ["cut"], "needs": 3, "open": true}));
    assert!(here.document.put(&here.document.heads(), &same).unwrap().is_empty());
    meet(&mut here, &mut there);
    here.put(&value!({"crew": ["Åsa", "Bo"], "log": ["cut", "dry"], "needs": 5, "open": true}));
    there.patch(&[FieldOp::Add { path: set, value: value!("Ali") }]).unwrap();
    there.patch(&[FieldOp::Increment { path: count, by: 1 }]).unwrap();
    meet(&mut here, &mut there);
    let merged = value!({"crew": ["Bo", "Ali", "Åsa"], "log": ["cut", "dry"], "needs": 6, "open": true});
    assert_eq!(here.view(), merged, "the add that the removal had not seen wins");
    let lost = here.document.put(&here.document.heads(), &value!({"log": ["dry"]})).unwrap_err();
    assert_eq!(lost, PlanError::GrowOnly { path: log });
}

#[test]
fn maps_nest_and_empty_maps_stay() {
    let mut here = Device::new(1);
    here.put(&value!({"a": {"b": {"c": 1}}, "e": {}}));
    assert_eq!(here.view(), value!({"a": {"b": {"c": 1}}, "e": {}}));
    here.put(&value!({"a": {"b": {}}, "e": {}}));
    assert_eq!(here.view(), value!({"a": {"b": {}}, "e": {}}));
    here.put(&value!({"a": 1, "e": {"f": 1}}));
    assert_eq!(here.view(), value!({"a": 1, "e": {"f": 1}}));
    here.put(&value!({"a": {"z": null}}));
    assert_eq!(here.view(), value!({"a": {"z": null}}));
    here.patch(&[FieldOp::Clear { path: path(["a"]) }]).unwrap();
    assert_eq!(here.view(), value!({"a": {}}));
    here.patch(&[FieldOp::Clear { path: path([]) }]).unwrap();
    assert_eq!(here.view(), value!({}));
    assert!(here.document.conflicts().is_empty());
}

#[test]
fn changes_of_one_patch_build_on_each_other() {
    let mut here = Device::new(1);
    here.put(&value!({"x": 1}));
    let x = path(["x"]);
    here.patch(&[
        FieldOp::Set { path: x.clone(), value: value!(2) },
        FieldOp::Unset { path: x.clone() },
        FieldOp::Add { path: x.clone(), value: value!("a") },
        FieldOp::Add { path: x.clone(), value: value!("b") },
        FieldOp::Remove { path: x.clone(), value: value!("a") },
        FieldOp::Set { path: path(["m", "k"]), value: value!(1) },
        FieldOp::Set { path: path(["m"]), value: value!({"l": 2}) },
    ])
    .unwrap();
    assert_eq!(here.view(), value!({"x": ["b"], "m": {"l": 2}}));
    assert!(here.document.conflicts().is_empty());
    let operations = here.versions.last().unwrap().0.header().operations;
    assert!(operations <= 5, "what a patch takes back is not written: {operations}");
}

#[test]
fn a_delete_hides_and_a_write_that_saw_it_revives() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    here.put(&value!({"a": 1, "b": 2}));
    meet(&mut here, &mut there);
    here.delete();
    assert_eq!(here.document.view(), None);
    assert!(here.document.delete(&here.document.heads()).unwrap().is_empty());
    there.millis = 100;
    there.patch(&[FieldOp::Set { path: path(["a"]), value: value!(3) }]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(here.view(), value!({"a": 3, "b": 2}), "the later concurrent write shows the whole document");
    here.millis = 200;
    here.delete();
    assert_eq!(here.document.view(), None);
    here.put(&value!({"c": 1}));
    assert_eq!(here.view(), value!({"c": 1}), "a put on a deleted document starts afresh");
}

#[test]
fn a_register_resolves_what_it_has_seen_in_every_kind() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    here.put(&value!({}));
    meet(&mut here, &mut there);
    here.patch(&[FieldOp::Set { path: path(["x"]), value: value!("plain") }]).unwrap();
    there.patch(&[FieldOp::Increment { path: path(["x"]), by: 2 }]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(here.document.conflicts(), [path(["x"])]);
    assert_eq!(here.view(), value!({"x": 2}), "the counter has the lower rank");
    here.patch(&[FieldOp::Set { path: path(["x"]), value: value!("settled") }]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(there.view(), value!({"x": "settled"}));
    assert!(there.document.conflicts().is_empty());
}

#[test]
fn overwrite_says_every_plain_field_anew() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    here.put(&value!({"a": 1}));
    meet(&mut here, &mut there);
    there.put(&value!({"a": 2}));
    here.millis = 50;
    here.commit(&here.document.overwrite(&value!({"a": 1})).unwrap());
    meet(&mut here, &mut there);
    assert_eq!(here.view(), value!({"a": 1}));
}

#[test]
fn a_document_with_a_hundred_heads_can_still_be_written() {
    let mut here = Device::new(200);
    here.put(&value!({"x": 0}));
    let mut others: Vec<_> = (0..100).map(Device::new).collect();
    for (i, other) in others.iter_mut().enumerate() {
        other.pull(&here.clone());
        other.patch(&[FieldOp::Set { path: path(["x"]), value: Value::from(i as u64) }]).unwrap();
    }
    others.iter().for_each(|other| here.pull(other));
    assert_eq!(here.document.heads().len(), 100);
    let written = here.patch(&[FieldOp::Set { path: path(["x"]), value: value!("one") }]).unwrap().unwrap();
    assert_eq!(written.version.header().parents.len(), 64);
    assert_eq!(here.document.heads().len(), 37);
    here.millis = 1000;
    let small = here.patch(&[FieldOp::Set { path: path(["y"]), value: value!(1) }]).unwrap().unwrap();
    assert!(
        small.version.header().parents.contains(written.version.cid()),
        "its own last version is a parent"
    );
    here.patch(&[FieldOp::Set { path: path(["x"]), value: value!("two") }]).unwrap().unwrap();
    assert_eq!(here.view(), value!({"x": "two", "y": 1}));
    assert!(here.document.conflicts().is_empty());
    assert_eq!(here.document.heads().len(), 1);
}

#[test]
fn a_long_body_becomes_a_block() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    let text = "x".repeat(5000);
    let written = here.put(&value!({"text": text.clone()})).unwrap();
    let block = written.block.unwrap();
    assert!(written.version.block().unwrap().matches(&block));
    let _ = there.take(&written.version, &civic_crdt::document::BodyState::of(&written.version));
    assert_eq!(there.document.incomplete().unwrap().missing, [written.version.cid().clone()]);
    assert_eq!(there.document.view(), None);
    let arrived = civic_crdt::document::BodyState::Readable(block);
    assert!(there.document.body_arrived(written.version.cid(), arrived).unwrap().is_changed());
    assert_eq!(there.document.incomplete(), None);
    assert_eq!(there.view(), value!({"text": text}));
}

#[test]
fn a_used_stamp_is_refused() {
    let mut here = Device::new(1);
    here.put(&value!({"x": 0}));
    let plan = here.document.put(&here.document.heads(), &value!({"x": 1})).unwrap();
    let author = civic_crdt::document::Author {
        replica: here.replica,
        position: 2,
        previous: here.log.last().cloned(),
        stamp: civic_types::time::Stamp { millis: 10, counter: 0 },
    };
    let rules = civic_crdt::version::Rules::default();
    let error =
        civic_crdt::document::write(&here.document, &key(), &plan, &author, None, &rules).unwrap_err();
    assert!(matches!(error, WriteError::Stamp { .. }));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut here = Device::new(1);
    here.patch(&[FieldOp::Append { path: path(["log"]), value: value!("cut") }]).unwrap();
    let mut deep = value!(1);
    for _ in 0..25 {
        deep = Value::List(vec![deep]);
    }
    let before = here.document.version_id();
    for (change, expected) in [
        (FieldOp::Set { path: path([]), value: value!(1) }, PlanError::Root),
        (FieldOp::Unset { path: path([]) }, PlanError::Root),
        (FieldOp::Unset { path: path(["log"]) }, PlanError::GrowOnly { path: path(["log"]) }),
        (FieldOp::Set { path: path(["x"]), value: deep }, PlanError::TooDeep { path: path(["x"]) }),
    ] {
        assert_eq!(here.patch(&[change]).unwrap_err(), expected);
    }
    let many: Vec<_> = (0..4096).map(|i| FieldOp::Add { path: path(["s"]), value: value!(i) }).collect();
    assert_eq!(here.patch(&many).unwrap_err(), PlanError::TooManyOperations);
    assert_eq!(here.document.version_id(), before);
    here.patch(&many[1..]).unwrap();
}
