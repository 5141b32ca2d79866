//! Texts and lists: edited alone, joined with others' edits, and under hostile operations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and its numbers are small"
)]

#[path = "../common/mod.rs"]
mod common;
mod editing;
mod hostile;
mod joining;
mod model;

use civic_crdt::Document;
use civic_crdt::document::BodyState;
use civic_crdt::version::{Admission, Version};
use civic_types::{FieldOp, value};

use self::common::{Device, meet, path};

/// A splice of the text `t`.
fn text(index: usize, remove: usize, insert: &str) -> FieldOp {
    FieldOp::SpliceText { path: path(["t"]), index, remove, insert: insert.to_owned() }
}

/// A splice of the list `l`.
fn list(index: usize, remove: usize, insert: &[i64]) -> FieldOp {
    let insert = insert.iter().map(|i| value!(*i)).collect();
    FieldOp::Splice { path: path(["l"]), index, remove, insert }
}

/// What the text `t` shows.
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

/// Delivers versions in the order that `seed` makes; bodies that it picks come afterwards.
fn deliver(versions: &[(Version, BodyState)], seed: u64) -> Document {
    let mut state = seed | 1;
    let mut random = move |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end as u64) as usize
    };
    let mut document = Document::default();
    let mut open: Vec<usize> = (0..versions.len()).collect();
    let mut late = Vec::new();
    while !open.is_empty() {
        let next = open.swap_remove(random(open.len()));
        let (version, body) = &versions[next];
        let is_late = seed % 2 == 1 && random(4) == 0;
        let held = if is_late { BodyState::Missing } else { body.clone() };
        match document.insert(version, held) {
            Admission::Parked { .. } => open.push(next),
            admission => assert_eq!(admission, Admission::Admitted),
        }
        if is_late && document.contains(version.cid()) {
            late.push(next);
        }
    }
    while !late.is_empty() {
        let (version, body) = &versions[late.swap_remove(random(late.len()))];
        assert!(document.body_arrived(version.cid(), body.clone()).unwrap().is_changed());
    }
    document
}
