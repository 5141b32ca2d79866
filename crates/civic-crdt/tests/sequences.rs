//! Texts and lists: what splices and puts do to them, alone and beside others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and its numbers are small"
)]

mod common;

use civic_crdt::document::PlanError;
use civic_crdt::version::Kind;
use civic_types::{FieldOp, Value, value};
use proptest::prelude::*;

use self::common::{Device, meet, path};

fn text(index: usize, remove: usize, insert: &str) -> FieldOp {
    FieldOp::SpliceText { path: path(["t"]), index, remove, insert: insert.to_owned() }
}

fn list(index: usize, remove: usize, insert: &[i64]) -> FieldOp {
    let insert = insert.iter().map(|i| value!(*i)).collect();
    FieldOp::Splice { path: path(["l"]), index, remove, insert }
}

fn shown(device: &Device) -> String {
    device.view()["t"].as_str().unwrap().to_owned()
}

/// Two devices that hold the same text.
fn pair(start: &str) -> (Device, Device) {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    here.patch(&[text(0, 0, start)]).unwrap();
    meet(&mut here, &mut there);
    (here, there)
}

#[test]
fn a_text_and_a_list_are_edited_where_they_stand() {
    let mut here = Device::new(1);
    here.patch(&[text(0, 0, "Wasser holn")]).unwrap();
    here.patch(&[text(10, 0, "e"), text(0, 6, "Öl")]).unwrap();
    here.patch(&[list(0, 0, &[1, 2, 4])]).unwrap();
    here.patch(&[list(2, 0, &[3]), list(0, 1, &[])]).unwrap();
    assert_eq!(here.view(), value!({"t": "Öl holen", "l": [2, 3, 4]}));
    assert!(here.document.conflicts().is_empty());
}

#[test]
fn an_emptied_text_stays_a_text() {
    let mut here = Device::new(1);
    here.patch(&[text(0, 0, "x")]).unwrap();
    here.patch(&[text(0, 1, "")]).unwrap();
    here.patch(&[list(0, 0, &[])]).unwrap();
    assert_eq!(here.view(), value!({"t": "", "l": []}));
}
