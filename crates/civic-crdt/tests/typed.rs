//! Writing under a schema: fields begin in their kind, and what does not fit is refused here only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use civic_crdt::document::PlanError;
use civic_crdt::schema::{Place, Schema, Type};
use civic_crdt::version::Kind;
use civic_types::{FieldOp, FieldPath, Value, value};

use crate::common::{Device, meet, path};

fn field(name: &str) -> Place {
    Place::field(name).unwrap()
}

fn schema() -> Schema {
    Schema::new()
        .with(&field("crew"), Kind::Set, [Type::Text])
        .with(&field("log"), Kind::GSet, [])
        .with(&field("minutes"), Kind::Text, [])
        .with(&field("needs"), Kind::Counter, [])
        .with(&field("status"), Kind::Register, [Type::Text])
        .with(&field("steps"), Kind::List, [Type::Int])
        .with(&field("parts").each().unwrap().child("left").unwrap(), Kind::Counter, [])
}

fn put(device: &mut Device, value: &Value) -> Result<(), PlanError> {
    let plan = device.document.typed(&schema()).put(&device.document.heads(), value)?;
    device.commit(&plan);
    Ok(())
}

fn patch(device: &mut Device, change: FieldOp) -> Result<(), PlanError> {
    let plan = device.document.typed(&schema()).patch(&device.document.heads(), &[change])?;
    device.commit(&plan);
    Ok(())
}

fn whole() -> Value {
    value!({
        "crew": ["Bo", "Åsa"], "log": ["x"], "minutes": "We met.", "needs": 2, "status": "dry",
        "steps": [3, 1], "parts": {"valve": {"left": 4, "note": "old"}}, "other": [1]
    })
}

#[test]
fn plain_values_begin_in_the_kind_that_is_declared_and_merge_as_such() {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    put(&mut a, &whole()).unwrap();
    assert_eq!(a.view(), whole());
    b.pull(&a);
    let mut here = whole();
    let mut there = whole();
    let set = |value: &mut Value, name: &str, to: Value| match value {
        Value::Map(map) => drop(map.insert(name, to)),
        _ => unreachable!("a map"),
    };
    set(&mut here, "needs", value!(5));
    set(&mut there, "needs", value!(3));
    set(&mut here, "crew", value!(["Bo", "Cleo", "Åsa"]));
    set(&mut there, "crew", value!(["Åsa"]));
    set(&mut here, "minutes", value!("We met today."));
    set(&mut there, "minutes", value!("Today: We met."));
    put(&mut a, &here).unwrap();
    put(&mut b, &there).unwrap();
    meet(&mut a, &mut b);
    assert_eq!(a.view()["needs"], value!(6));
    assert_eq!(a.view()["crew"], value!(["Cleo", "Åsa"]));
    assert_eq!(a.view()["minutes"], value!("Today: We met today."));
    assert_eq!(a.document.conflicts(), Vec::<FieldPath>::new());
}

#[test]
fn a_field_that_is_something_else_becomes_what_is_declared_with_the_next_write() {
    let mut device = Device::new(1);
    device.put(&value!({"needs": 7, "crew": ["Åsa"], "minutes": "x"}));
    put(&mut device, &value!({"needs": 7, "crew": ["Åsa"], "minutes": "x"})).unwrap();
    assert_eq!(device.view(), value!({"needs": 7, "crew": ["Åsa"], "minutes": "x"}));
    device.patch(&[FieldOp::Increment { path: path(["needs"]), by: 1 }]).unwrap();
    device.patch(&[FieldOp::Add { path: path(["crew"]), value: value!("Bo") }]).unwrap();
    assert_eq!(device.view()["needs"], value!(8));
}

#[test]
fn what_does_not_fit_is_refused_and_writes_nothing() {
    let mut device = Device::new(1);
    put(&mut device, &whole()).unwrap();
    let before = device.document.heads();
    for (value, at) in [
        (value!({"crew": "Åsa"}), path(["crew"])),
        (value!({"crew": [1]}), path(["crew"])),
        (value!({"steps": ["one"]}), path(["steps"])),
        (value!({"minutes": 1}), path(["minutes"])),
        (value!({"parts": {"a": {"left": "some"}}}), path(["parts", "a", "left"])),
    ] {
        match put(&mut device, &value) {
            Err(PlanError::Schema(mismatch)) => assert_eq!(mismatch.path, at),
            other => panic!("{other:?}"),
        }
    }
    for (change, at) in [
        (FieldOp::Add { path: path(["needs"]), value: value!(1) }, path(["needs"])),
        (FieldOp::Add { path: path(["crew"]), value: value!(1) }, path(["crew"])),
        (FieldOp::Set { path: path(["status"]), value: value!(1) }, path(["status"])),
        (FieldOp::Set { path: path(["needs", "deep"]), value: value!(1) }, path(["needs"])),
        (FieldOp::Increment { path: path(["status"]), by: 1 }, path(["status"])),
        (
            FieldOp::Splice { path: path(["steps"]), index: 0, remove: 0, insert: vec![value!("x")] },
            path(["steps"]),
        ),
    ] {
        match patch(&mut device, change) {
            Err(PlanError::Schema(mismatch)) => assert_eq!(mismatch.path, at),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(device.document.heads(), before);
}

#[test]
fn setting_a_declared_field_keeps_its_kind() {
    let mut device = Device::new(1);
    put(&mut device, &whole()).unwrap();
    patch(&mut device, FieldOp::Set { path: path(["crew"]), value: value!(["Åsa", "Cleo"]) }).unwrap();
    patch(&mut device, FieldOp::Set { path: path(["needs"]), value: value!(9) }).unwrap();
    patch(&mut device, FieldOp::Set { path: path(["parts"]), value: value!({"hose": {"left": 1}}) }).unwrap();
    device.patch(&[FieldOp::Increment { path: path(["parts", "hose", "left"]), by: 1 }]).unwrap();
    device.patch(&[FieldOp::Increment { path: path(["needs"]), by: 1 }]).unwrap();
    device.patch(&[FieldOp::Remove { path: path(["crew"]), value: value!("Cleo") }]).unwrap();
    assert_eq!(device.view()["needs"], value!(10));
    assert_eq!(device.view()["crew"], value!(["Åsa"]));
    assert_eq!(device.view()["parts"], value!({"hose": {"left": 2}}));
}

#[test]
fn what_others_wrote_without_the_schema_is_admitted_and_shown() {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    put(&mut a, &whole()).unwrap();
    b.put(&value!({"needs": "plenty", "crew": 5}));
    meet(&mut a, &mut b);
    // Counters and sets stand before plain values; the others are told.
    assert_eq!(a.view()["needs"], value!(2));
    assert!(a.document.conflicts().contains(&path(["crew"])));
    assert!(schema().check(&b.view()).is_ok());
}
