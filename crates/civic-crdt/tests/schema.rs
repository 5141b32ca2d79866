//! Schemas: documents that only grow, read leniently, and what they say of values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use civic_crdt::schema::{MAX_SCHEMA_DEPTH, Mismatch, Place, PlaceError, Schema, Type};
use civic_crdt::version::Kind;
use civic_types::{FieldPath, Value, value};

use crate::common::{Device, meet, path};

fn field(name: &str) -> Place {
    Place::field(name).unwrap()
}

fn pumps() -> Schema {
    Schema::new()
        .with(&field("status"), Kind::Register, [Type::Text, Type::Null])
        .with(&field("crew"), Kind::Set, [Type::Text])
        .with(&field("log"), Kind::GSet, [])
        .with(&field("parts").each().unwrap().child("left").unwrap(), Kind::Counter, [])
        .with(&field("parts").child("spare").unwrap(), Kind::Register, [Type::Bool])
}

fn held(device: &Device) -> Schema {
    Schema::from_view(&device.view())
}

#[test]
fn a_schema_is_the_same_when_read_from_its_document() {
    let mut device = Device::new(1);
    device.patch(&pumps().changes()).unwrap();
    assert_eq!(held(&device), pumps());
    // Declaring it again needs no version.
    let again = device.document.patch(&device.document.heads(), &pumps().changes()).unwrap();
    assert!(again.is_empty());
}

#[test]
fn what_is_declared_at_once_adds_up_and_the_lower_kind_stands() {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    let counter = Schema::new().with(&field("x"), Kind::Counter, []);
    let set = Schema::new().with(&field("x"), Kind::Set, [Type::Int]).with(&field("y"), Kind::Map, []);
    a.patch(&counter.changes()).unwrap();
    b.patch(&set.changes()).unwrap();
    meet(&mut a, &mut b);
    for device in [&a, &b] {
        assert_eq!(held(device).kind(&path(["x"])), Some(Kind::Set));
        assert_eq!(held(device).kind(&path(["y"])), Some(Kind::Map));
    }
    // The same as one that was told both.
    let both = counter.with(&field("x"), Kind::Set, [Type::Int]).with(&field("y"), Kind::Map, []);
    assert_eq!(held(&a), both);
}

#[test]
fn nothing_that_was_declared_can_be_taken_back() {
    let mut device = Device::new(1);
    device.patch(&pumps().changes()).unwrap();
    assert!(device.document.put(&device.document.heads(), &value!({})).is_err());
    let unset = civic_types::FieldOp::Unset { path: path(["fields", "crew"]) };
    assert!(device.patch(&[unset]).is_err());
    assert_eq!(held(&device), pumps());
}

#[test]
fn names_go_before_each_and_maps_are_implied_by_what_is_below() {
    let schema = pumps();
    let kind = |segments: &[&str]| schema.kind(&FieldPath::try_from(segments).unwrap());
    assert_eq!(kind(&["parts"]), Some(Kind::Map));
    assert_eq!(kind(&["parts", "valve"]), Some(Kind::Map));
    assert_eq!(kind(&["parts", "valve", "left"]), Some(Kind::Counter));
    assert_eq!(kind(&["parts", "spare"]), Some(Kind::Register));
    assert_eq!(kind(&["parts", "spare", "left"]), None);
    assert_eq!(kind(&["other"]), None);
    assert_eq!(kind(&[]), None);
}

#[test]
fn a_value_is_refused_at_the_first_field_that_is_something_else() {
    let refused = |view: Value| pumps().check(&view).unwrap_err();
    let good = value!({"status": null, "crew": ["Åsa", "Bo"], "log": [1, "x"], "parts": {"a": {"left": 3}}, "other": [1]});
    assert_eq!(pumps().check(&good), Ok(()));
    assert_eq!(refused(value!({"status": 1})), Mismatch { path: path(["status"]), kind: Kind::Register });
    assert_eq!(refused(value!({"crew": ["Åsa", 1]})), Mismatch { path: path(["crew"]), kind: Kind::Set });
    assert_eq!(refused(value!({"crew": {}})).path, path(["crew"]));
    assert_eq!(refused(value!({"parts": [1]})).kind, Kind::Map);
    assert_eq!(refused(value!({"parts": {"a": {"left": 1.5}}})).path, path(["parts", "a", "left"]));
    assert_eq!(refused(value!({"parts": {"spare": 1}})).path, path(["parts", "spare"]));
}

#[test]
fn what_is_no_declaration_is_passed_over() {
    for odd in [
        value!(null),
        value!([1]),
        value!({"fields": 3, "each": "x"}),
        value!({"fields": {"x": {"kind": ["hologram"], "type": [7, "colour"]}}}),
    ] {
        let schema = Schema::from_view(&odd);
        assert_eq!(schema.kind(&path(["x"])), None);
        assert_eq!(schema.check(&value!({"x": [1, {"y": 2}]})), Ok(()));
    }
    let partly = Schema::from_view(&value!({"fields": {"x": {"kind": ["hologram", "set"]}}}));
    assert_eq!(partly.kind(&path(["x"])), Some(Kind::Set));
}

#[test]
fn places_are_bounded_and_named_by_segments() {
    assert_eq!(Place::field("").unwrap_err().to_string(), "a name is no path segment");
    let deepest = (1..MAX_SCHEMA_DEPTH).fold(field("x"), |place, _| place.child("x").unwrap());
    assert_eq!(deepest.clone().each(), Err(PlaceError::TooDeep));
    assert_eq!(deepest.clone().child("x"), Err(PlaceError::TooDeep));
    let schema = Schema::new().with(&deepest, Kind::Counter, []);
    let mut device = Device::new(1);
    device.patch(&schema.changes()).unwrap();
    assert_eq!(held(&device), schema);
    // A view that is deeper than a schema is read as far as one reaches.
    let deep = (0..40).fold(value!({}), |below, _| value!({"each": below}));
    assert_eq!(Schema::from_view(&deep).check(&value!({})), Ok(()));
}
