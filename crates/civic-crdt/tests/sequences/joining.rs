//! Several devices: nothing is lost, nothing is interleaved, and all show the same.

use civic_types::{FieldOp, value};
use proptest::prelude::*;

use crate::common::{Device, meet, path};
use crate::{deliver, list, pair, shown, text};

#[test]
fn words_typed_forwards_at_one_place_stay_whole() {
    let (mut here, mut there) = pair("Shopping: ");
    for (i, (a, b)) in "eggs".chars().zip("milk".chars()).enumerate() {
        here.patch(&[text(10 + i, 0, &a.to_string())]).unwrap();
        there.patch(&[text(10 + i, 0, &b.to_string())]).unwrap();
    }
    meet(&mut here, &mut there);
    assert_eq!(shown(&here), "Shopping: eggsmilk");
}

#[test]
fn words_typed_backwards_at_one_place_stay_whole() {
    let (mut here, mut there) = pair("[]");
    for (a, b) in "eggs".chars().rev().zip("milk".chars().rev()) {
        here.patch(&[text(1, 0, &a.to_string())]).unwrap();
        there.patch(&[text(1, 0, &b.to_string())]).unwrap();
    }
    meet(&mut here, &mut there);
    assert_eq!(shown(&here), "[eggsmilk]");
}

#[test]
fn what_is_inserted_into_a_deleted_region_stays() {
    let (mut here, mut there) = pair("one two three");
    here.patch(&[text(3, 4, "")]).unwrap();
    there.patch(&[text(5, 0, "W")]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(shown(&here), "oneW three");
}

#[test]
fn a_whole_insert_ends_and_what_was_put_in_it_stays() {
    let (mut here, mut there) = pair("");
    here.patch(&[text(0, 0, "gone")]).unwrap();
    meet(&mut here, &mut there);
    here.patch(&[text(0, 4, "")]).unwrap();
    there.patch(&[text(2, 0, "late")]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(shown(&here), "late");
    here.patch(&[text(4, 0, "r"), text(0, 0, "no ")]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(shown(&there), "no later");
}

#[test]
fn replacing_and_inserting_at_one_place_keep_both() {
    let (mut here, mut there) = pair("the red pump");
    here.patch(&[text(4, 3, "old")]).unwrap();
    there.patch(&[text(7, 0, "dish")]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(shown(&here), "the olddish pump");
}

#[test]
fn two_deletes_of_one_part_are_one() {
    let (mut here, mut there) = pair("abcdef");
    here.patch(&[text(1, 3, "")]).unwrap();
    there.patch(&[text(2, 3, "")]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(shown(&here), "af");
}

#[test]
fn edits_of_a_text_that_was_unset_bring_back_only_themselves() {
    let (mut here, mut there) = pair("old text");
    here.patch(&[FieldOp::Unset { path: path(["t"]) }]).unwrap();
    assert_eq!(here.view(), value!({}));
    there.patch(&[text(3, 0, "er")]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(shown(&here), "er");
    assert!(here.document.conflicts().is_empty());
}

#[test]
fn a_text_is_shown_before_a_plain_value_and_the_next_splice_settles_it() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    here.put(&value!({}));
    meet(&mut here, &mut there);
    here.patch(&[text(0, 0, "shared")]).unwrap();
    there.put(&value!({"t": "plain"}));
    meet(&mut here, &mut there);
    assert_eq!(here.view(), value!({"t": "shared"}));
    assert_eq!(here.document.conflicts(), [path(["t"])]);
    here.patch(&[text(6, 0, "!")]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(there.view(), value!({"t": "shared!"}));
    assert!(there.document.conflicts().is_empty());
}

#[test]
fn two_that_make_one_text_make_one_text() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    here.patch(&[text(0, 0, "ab"), list(0, 0, &[1])]).unwrap();
    there.patch(&[text(0, 0, "cd"), list(0, 0, &[2])]).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(here.view(), value!({"t": "abcd", "l": [1, 2]}));
    assert!(here.document.conflicts().is_empty());
}

#[test]
fn a_put_on_an_older_base_keeps_what_came_meanwhile() {
    let (mut here, mut there) = pair("water and bread");
    let base = here.document.heads();
    there.patch(&[text(0, 5, "Tea")]).unwrap();
    meet(&mut here, &mut there);
    let plan = here.document.put(&base, &value!({"t": "water and rice"})).unwrap();
    here.commit(&plan);
    assert_eq!(shown(&here), "Tea and rice");
}

#[test]
fn more_heads_than_parents_are_grown_on_or_refused() {
    let mut here = Device::new(200);
    here.patch(&[text(0, 0, "")]).unwrap();
    let mut others: Vec<_> = (0..100).map(Device::new).collect();
    for other in &mut others {
        other.pull(&here.clone());
        other.patch(&[text(0, 0, "x")]).unwrap();
    }
    others.iter().for_each(|other| here.pull(other));
    assert_eq!(here.document.heads().len(), 100);
    here.patch(&[text(50, 0, "!")]).unwrap();
    assert!(here.document.heads().len() > 8);
    assert_eq!(shown(&here), format!("{}!{}", "x".repeat(50), "x".repeat(50)));
    let everywhere: Vec<_> = (0..=101).rev().map(|i| text(i, 0, "-")).collect();
    let mut here = others[0].clone();
    others[1..].iter().for_each(|other| here.pull(other));
    let plan = here.document.patch(&here.document.heads(), &everywhere[2..]).unwrap();
    let author = civic_crdt::document::Author {
        replica: here.replica,
        position: here.log.len() as u64 + 1,
        previous: here.log.last().cloned(),
        stamp: civic_types::time::Stamp { millis: 1000, counter: 0 },
    };
    let rules = civic_crdt::version::Rules::default();
    let key = crate::common::key();
    let error = civic_crdt::document::write(&here.document, &key, &plan, &author, None, &rules).unwrap_err();
    assert_eq!(error, civic_crdt::document::WriteError::Parents);
}

/// One step of some devices; numbers are taken modulo what there is.
type Step = (usize, usize, Vec<(usize, usize, String)>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let edits = proptest::collection::vec((any::<usize>(), 0..4_usize, "[a-zäß]{0,4}"), 0..3);
    proptest::collection::vec((0..4_usize, 0..4_usize, edits), 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_order_of_arrival_shows_the_same(steps in steps(), seeds in any::<[u64; 4]>()) {
        let mut devices: Vec<_> = (0..4).map(Device::new).collect();
        for (device, from, edits) in steps {
            if edits.is_empty() {
                let from = devices[from].clone();
                devices[device].pull(&from);
                continue;
            }
            let device = &mut devices[device];
            let held = device.document.view().unwrap_or_else(|| value!({}));
            let mut expected: Vec<char> =
                held.get(&["t"]).map_or("", |t| t.as_str().unwrap()).chars().collect();
            let mut changes = Vec::new();
            for (at, remove, insert) in edits {
                let at = at % (expected.len() + 1);
                let remove = remove.min(expected.len() - at);
                changes.push(text(at, remove, &insert));
                expected.splice(at..at + remove, insert.chars());
            }
            device.patch(&changes).unwrap();
            // Whatever others wrote before: an edit shows exactly where it was made.
            prop_assert_eq!(shown(device), expected.into_iter().collect::<String>());
        }
        let mut whole = Device::new(9);
        devices.iter().for_each(|device| whole.pull(device));
        for seed in seeds {
            let document = deliver(&whole.versions, seed);
            prop_assert_eq!(document.view(), whole.document.view());
            prop_assert_eq!(document.live_dots(), whole.document.live_dots());
        }
    }
}
