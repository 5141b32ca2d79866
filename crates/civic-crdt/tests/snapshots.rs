//! Snapshots: a document without its history goes on as if it still had it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use civic_crdt::Document;
use civic_crdt::document::{BodyState, Reissue, SnapshotError};
use civic_crdt::version::{Admission, Refusal};
use civic_types::{FieldOp, FieldPath, value};
use proptest::prelude::*;

use crate::common::{Device, meet, path};

/// What a device holds after it pruned: the snapshot, and what is not in it.
fn pruned(device: &Device) -> Option<Document> {
    let snapshot = device.document.snapshot().unwrap()?;
    let mut document = Document::from_snapshot(&snapshot.bytes).unwrap();
    let heads = device.document.heads();
    for version in device.document.missing(&[snapshot.version], &heads).unwrap() {
        let (version, body) = device.versions.iter().find(|(held, _)| held.cid() == version.cid()).unwrap();
        assert_eq!(document.insert(version, body.clone()), Admission::Admitted);
    }
    Some(document)
}

fn assert_same(a: &Document, b: &Document) {
    assert_eq!(a.view(), b.view());
    assert_eq!(a.heads(), b.heads());
    assert_eq!(a.version_id(), b.version_id());
    assert_eq!(a.content_cid(), b.content_cid());
    assert_eq!(a.conflicts(), b.conflicts());
    assert_eq!(a.live_dots(), b.live_dots());
}

fn change() -> impl Strategy<Value = FieldOp> {
    let field = prop_oneof![Just("a"), Just("b")];
    let place = proptest::collection::vec(field, 1..3).prop_map(|names| FieldPath::new(names).unwrap());
    let value = || prop_oneof![(0..3_i64).prop_map(|i| value!(i)), Just(value!("x"))];
    (place, value(), 0..8_usize, 0..3_usize, 0..3_usize).prop_map(|(path, value, which, at, remove)| {
        match which {
            0 => FieldOp::Set { path, value },
            1 => FieldOp::Add { path, value },
            2 => FieldOp::Remove { path, value },
            3 => FieldOp::Increment { path, by: 2 },
            4 => FieldOp::Append { path, value },
            5 => FieldOp::Splice { path, index: at, remove, insert: vec![value] },
            6 => FieldOp::SpliceText { path, index: at, remove, insert: "yz".to_owned() },
            _ => FieldOp::Unset { path },
        }
    })
}

/// Takes what another holds; what was pruned comes again from those who still have it, and changes nothing.
fn take_all(device: &mut Device, other: &Device) {
    for (version, body) in &other.versions {
        let admission = device.take(version, body);
        let refused = matches!(admission, Admission::Refused(Refusal::Pruned) | Admission::Parked { .. });
        assert!(refused || matches!(admission, Admission::Admitted | Admission::Known), "{admission:?}");
    }
}

type Step = (usize, Vec<FieldOp>, bool);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec((0..3_usize, proptest::collection::vec(change(), 1..3), any::<bool>()), 0..14)
}

fn play(devices: &mut [Device], steps: &[Step]) {
    for (at, changes, pull) in steps {
        let _ = devices[*at].patch(changes);
        if *pull {
            let other = devices[(at + 1) % devices.len()].clone();
            take_all(&mut devices[*at], &other);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_pruned_goes_on_as_who_did_not(before in steps(), after in steps()) {
        let mut devices = [Device::new(1), Device::new(2), Device::new(3)];
        play(&mut devices, &before);
        let mut whole = Device::new(9);
        devices.iter().for_each(|device| whole.pull(device));
        for device in &mut devices {
            device.pull(&whole);
            device.patch(&[FieldOp::Set { path: path(["met"]), value: value!(true) }]).unwrap();
        }
        // The first sees all of the others, writes once more, and everybody has that.
        let [a, b, c] = &mut devices;
        meet(a, b);
        meet(a, c);
        a.patch(&[FieldOp::Increment { path: path(["n"]), by: 1 }]).unwrap();
        b.pull(a);
        c.pull(a);
        let document = pruned(a).expect("all have seen the last version");
        prop_assert!(document.len() <= a.document.len());
        assert_same(&document, &a.document);
        let first = a.document.snapshot().unwrap();
        prop_assert_eq!(&first, &b.document.snapshot().unwrap());
        // From here on the first has only what is left, and the others have everything.
        a.document = document;
        a.versions.clear();
        play(&mut devices, &after);
        let others: Vec<_> = devices.to_vec();
        for device in &mut devices {
            for other in &others {
                take_all(device, other);
            }
        }
        assert_same(&devices[0].document, &devices[1].document);
        assert_same(&devices[2].document, &devices[1].document);
    }
}

#[test]
fn a_long_history_of_one_field_becomes_a_few_headers() {
    let mut device = Device::new(1);
    for number in 0..500 {
        device.put(&value!({"a": number, "b": 1}));
    }
    let document = pruned(&device).unwrap();
    assert!(document.len() <= 3, "{} versions are kept", document.len());
    assert_same(&document, &device.document);
    assert!(device.document.snapshot().unwrap().unwrap().bytes.len() < 600);
}

#[test]
fn what_was_removed_before_pruning_does_not_come_back() {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    a.patch(&[FieldOp::Add { path: path(["crew"]), value: value!("Bo") }]).unwrap();
    b.pull(&a);
    a.patch(&[FieldOp::Remove { path: path(["crew"]), value: value!("Bo") }]).unwrap();
    b.pull(&a);
    b.put(&value!({"x": 1}));
    a.pull(&b);
    let old = a.versions.clone();
    a.document = pruned(&a).unwrap();
    for (version, body) in &old {
        let admission = a.document.insert(version, body.clone());
        assert!(!matches!(admission, Admission::Admitted), "{admission:?}");
    }
    assert_eq!(a.view(), value!({"x": 1}));
    assert_eq!(a.view(), b.view());
}

#[test]
fn branches_that_nobody_joined_yet_stay_above_the_snapshot() {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    for number in 0..20 {
        a.put(&value!({"a": number}));
    }
    let last = a.document.heads();
    b.pull(&a);
    a.put(&value!({"a": 100}));
    b.put(&value!({"a": 200}));
    meet(&mut a, &mut b);
    assert_eq!(a.document.snapshot().unwrap().unwrap().version, last[0]);
    let document = pruned(&a).unwrap();
    assert_same(&document, &b.document);
    assert!(document.len() < 5);
}

#[test]
fn documents_that_began_apart_and_such_that_were_not_read_have_no_snapshot() {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    a.put(&value!({"a": 1}));
    b.put(&value!({"b": 1}));
    meet(&mut a, &mut b);
    assert_eq!(a.document.snapshot(), Ok(None));
    assert_eq!(Document::default().snapshot(), Ok(None));
    let mut c = Device::new(3);
    let (version, _) = &b.versions[0];
    let _ = c.take(version, &BodyState::Missing);
    assert!(matches!(c.document.snapshot(), Err(SnapshotError::Incomplete(_))));
}

#[test]
fn what_was_written_while_the_others_pruned_is_written_anew() {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    a.patch(&[
        FieldOp::Increment { path: path(["needs"]), by: 2 },
        FieldOp::SpliceText { path: path(["minutes"]), index: 0, remove: 0, insert: "We met.".to_owned() },
        FieldOp::Set { path: path(["status"]), value: value!("dry") },
    ])
    .unwrap();
    // B was there, was removed as silent, and wrote on.
    b.pull(&a);
    b.patch(&[
        FieldOp::Increment { path: path(["needs"]), by: 10 },
        FieldOp::SpliceText { path: path(["minutes"]), index: 6, remove: 0, insert: " today".to_owned() },
    ])
    .unwrap();
    // Its second version names what its first one wrote.
    b.patch(&[
        FieldOp::Set { path: path(["needs"]), value: value!(0) },
        FieldOp::SpliceText { path: path(["minutes"]), index: 12, remove: 0, insert: " again".to_owned() },
    ])
    .unwrap();
    b.patch(&[
        FieldOp::Unset { path: path(["needs"]) },
        FieldOp::Increment { path: path(["needs"]), by: 15 },
    ])
    .unwrap();
    a.patch(&[FieldOp::Set { path: path(["status"]), value: value!("wet") }]).unwrap();
    let snapshot = a.document.snapshot().unwrap().unwrap();
    let mut back = Document::from_snapshot(&snapshot.bytes).unwrap();
    let (void, body) = b.versions.last().unwrap();
    assert!(!matches!(back.insert(void, body.clone()), Admission::Admitted));
    // B begins anew, as another replica on the snapshot, and says again what it had said.
    let (old, mut b) = (b, Device { document: back, ..Device::new(3) });
    let mut reissue = Reissue::default();
    for (void, body) in old.versions.iter().filter(|(void, _)| void.header().replica == old.replica) {
        let BodyState::Readable(body) = body else { continue };
        let plan = reissue.plan(&b.document, b.replica, void, body).unwrap();
        let written = b.commit(&plan).unwrap();
        reissue.written(void, &written.version);
    }
    assert_eq!(b.view(), value!({"needs": 15, "minutes": "We met today again.", "status": "wet"}));
    // Who still has all of the history takes it too.
    for (version, body) in &b.versions {
        assert_eq!(a.take(version, body), Admission::Admitted);
    }
    assert_same(&a.document, &b.document);
}

#[test]
fn a_saved_document_is_no_snapshot_and_damaged_bytes_are_none() {
    let mut a = Device::new(1);
    a.put(&value!({"a": 1, "b": "x"}));
    a.put(&value!({"a": 2, "b": "x"}));
    assert!(Document::from_snapshot(&a.document.save()).is_err());
    let snapshot = a.document.snapshot().unwrap().unwrap();
    assert!(Document::open(&snapshot.bytes).is_err());
    for at in 0..snapshot.bytes.len() {
        assert!(Document::from_snapshot(&snapshot.bytes[..at]).is_err());
        // Its CID, not its form, says that it is the one agreed on; but nothing may panic.
        let mut changed = snapshot.bytes.clone();
        changed[at] ^= 1;
        let _ = Document::from_snapshot(&changed).map(|document| (document.view(), document.save()));
        assert!(!snapshot.cid(civic_types::HashAlgorithm::Sha2_256).matches(&changed));
    }
}
