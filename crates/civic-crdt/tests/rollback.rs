//! Going back: the old view in the old kinds, on top of a history that keeps everything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use civic_crdt::document::PlanError;
use civic_types::{Cid, FieldOp, FieldPath, Value, value};
use proptest::prelude::*;

use crate::common::{Device, meet, path};

fn back(device: &mut Device, to: &[Cid]) -> Result<(), PlanError> {
    let plan = device.document.rollback(to)?;
    device.commit(&plan);
    Ok(())
}

fn every_kind(device: &mut Device) -> Vec<Cid> {
    let text = |field: &str, insert: &str| FieldOp::SpliceText {
        path: path([field]),
        index: 0,
        remove: 0,
        insert: insert.to_owned(),
    };
    device
        .patch(&[
            FieldOp::Set { path: path(["title"]), value: value!("Plan") },
            FieldOp::Add { path: path(["crew"]), value: value!("Åsa") },
            FieldOp::Add { path: path(["crew"]), value: value!("Bo") },
            FieldOp::Increment { path: path(["needs"]), by: 3 },
            text("minutes", "We met."),
            FieldOp::Splice {
                path: path(["steps"]),
                index: 0,
                remove: 0,
                insert: vec![value!(1), value!(2)],
            },
            FieldOp::Set { path: path(["parts"]), value: value!({"valve": {"left": 1}, "none": {}}) },
        ])
        .unwrap();
    device.document.heads()
}

#[test]
fn every_field_shows_what_it_showed_in_the_kind_it_had() {
    let mut device = Device::new(1);
    let heads = every_kind(&mut device);
    let before = device.view();
    device
        .patch(&[
            FieldOp::Set { path: path(["crew"]), value: value!("nobody") },
            FieldOp::Set { path: path(["minutes"]), value: value!(7) },
            FieldOp::Unset { path: path(["needs"]) },
            FieldOp::Unset { path: path(["parts"]) },
            FieldOp::Set { path: path(["title"]), value: value!({"sv": "Plan", "en": "Plan"}) },
            FieldOp::Splice { path: path(["steps"]), index: 1, remove: 1, insert: vec![value!(9)] },
            FieldOp::Set { path: path(["new"]), value: value!(true) },
        ])
        .unwrap();
    assert_ne!(device.view(), before);
    back(&mut device, &heads).unwrap();
    assert_eq!(device.view(), before);
    assert_eq!(device.document.conflicts(), Vec::<FieldPath>::new());
    assert_eq!(device.document.len(), 3);
    // The kinds are back too: typed changes go on where they were.
    device
        .patch(&[
            FieldOp::Remove { path: path(["crew"]), value: value!("Bo") },
            FieldOp::Increment { path: path(["needs"]), by: 1 },
            FieldOp::SpliceText { path: path(["minutes"]), index: 6, remove: 0, insert: " again".to_owned() },
        ])
        .unwrap();
    assert_eq!(device.view()["crew"], value!(["Åsa"]));
    assert_eq!(device.view()["needs"], value!(4));
    assert_eq!(device.view()["minutes"], value!("We met again."));
    // Going back twice needs nothing.
    back(&mut device, &heads).unwrap();
    assert!(device.document.rollback(&heads).unwrap().is_empty());
}

#[test]
fn what_others_write_meanwhile_stays_beside_it() {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    let heads = every_kind(&mut a);
    a.patch(&[FieldOp::Increment { path: path(["needs"]), by: 10 }]).unwrap();
    b.pull(&a);
    b.patch(&[
        FieldOp::Increment { path: path(["needs"]), by: 100 },
        FieldOp::Add { path: path(["crew"]), value: value!("Cleo") },
    ])
    .unwrap();
    back(&mut a, &heads).unwrap();
    meet(&mut a, &mut b);
    assert_eq!(a.view()["needs"], value!(103));
    assert_eq!(a.view()["crew"].as_list().unwrap().len(), 3);
}

#[test]
fn a_document_that_was_deleted_comes_back_and_one_that_was_not_there_goes() {
    let mut device = Device::new(1);
    let heads = every_kind(&mut device);
    let before = device.view();
    device.delete();
    let gone = device.document.heads();
    back(&mut device, &heads).unwrap();
    assert_eq!(device.view(), before);
    back(&mut device, &gone).unwrap();
    assert!(!device.document.present());
    back(&mut device, &[]).unwrap();
    assert!(!device.document.present());
}

#[test]
fn grow_only_sets_keep_what_was_added_since() {
    let mut device = Device::new(1);
    let append = |value: Value| FieldOp::Append { path: path(["log", "entries"]), value };
    device.patch(&[append(value!("one")), FieldOp::Set { path: path(["a"]), value: value!(1) }]).unwrap();
    let heads = device.document.heads();
    device.patch(&[append(value!("two")), FieldOp::Set { path: path(["a"]), value: value!(2) }]).unwrap();
    back(&mut device, &heads).unwrap();
    assert_eq!(device.view(), value!({"a": 1, "log": {"entries": ["one", "two"]}}));
    // One that began where something else stood cannot go.
    let mut device = Device::new(1);
    device.put(&value!({"log": 1}));
    let heads = device.document.heads();
    device.patch(&[FieldOp::Unset { path: path(["log"]) }, append(value!("one"))]).unwrap();
    let refused = device.document.rollback(&heads);
    assert_eq!(refused, Err(PlanError::GrowOnly { path: path(["log", "entries"]) }));
}

fn change() -> impl Strategy<Value = FieldOp> {
    let field = prop_oneof![Just("a"), Just("b"), Just("c")];
    let place = proptest::collection::vec(field, 1..3).prop_map(|names| FieldPath::new(names).unwrap());
    let value =
        || prop_oneof![(0..3_i64).prop_map(|i| value!(i)), Just(value!("x")), Just(value!({"a": {}}))];
    (place, value(), 0..6_usize).prop_map(|(path, value, which)| match which {
        0 => FieldOp::Set { path, value },
        1 => FieldOp::Add { path, value },
        2 => FieldOp::Increment { path, by: 2 },
        3 => FieldOp::Splice { path, index: 0, remove: 0, insert: vec![value] },
        4 => FieldOp::SpliceText { path, index: 0, remove: 0, insert: "yz".to_owned() },
        _ => FieldOp::Unset { path },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_earlier_state_can_be_gone_back_to(
        steps in proptest::collection::vec((0..2_usize, proptest::collection::vec(change(), 1..4), any::<bool>()), 1..12),
        pick in any::<usize>(),
    ) {
        let mut devices = [Device::new(1), Device::new(2)];
        for (device, changes, pull) in steps {
            let _ = devices[device].patch(&changes);
            if pull {
                let other = devices[1 - device].clone();
                devices[device].pull(&other);
            }
        }
        let device = &mut devices[0];
        prop_assume!(!device.versions.is_empty());
        let to = [device.versions[pick % device.versions.len()].0.cid().clone()];
        let want = device.document.at(&to).unwrap().view();
        back(device, &to).unwrap();
        prop_assert_eq!(device.document.view(), want);
        prop_assert!(device.document.rollback(&to).unwrap().is_empty());
    }
}
