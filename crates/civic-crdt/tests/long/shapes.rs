//! Histories of known shape.

use civic_crdt::Document;
use civic_crdt::document::{Author, BodyState, write};
use civic_crdt::version::{Admission, Rules, Version};
use civic_types::time::Stamp;
use civic_types::{Cid, FieldOp, ReplicaId, Value, value};

use crate::common::{Device, key, path};

/// Versions with their bodies, in an order in which each can be admitted.
pub(crate) type Versions = Vec<(Version, BodyState)>;

/// One author who sets one field again and again, the first time with seven others.
pub(crate) fn line(count: u64) -> Versions {
    let mut document = Document::default();
    let (mut previous, mut versions): (Option<Cid>, _) = (None, Versions::new());
    for i in 0..count {
        let plan = if i == 0 {
            document.put(&[], &eight_fields()).unwrap()
        } else {
            let set = FieldOp::Set { path: path(["level"]), value: value!(i) };
            document.patch(&document.heads(), &[set]).unwrap()
        };
        let author = Author {
            replica: ReplicaId::from_bytes([1; 16]),
            position: i + 1,
            previous,
            stamp: Stamp { millis: i * 10, counter: 0 },
        };
        let written = write(&document, &key(), &plan, &author, None, &Rules::default()).unwrap();
        assert_eq!(document.insert(&written.version, written.body()), Admission::Admitted);
        previous = Some(written.version.cid().clone());
        versions.push((written.version.clone(), written.body()));
    }
    versions
}

/// Rounds in which `teeth` devices write concurrently on a common past, then one brings all together.
pub(crate) fn comb(rounds: u64, teeth: u8) -> Versions {
    let mut devices: Vec<Device> = (1..=teeth).map(Device::new).collect();
    for round in 0..rounds {
        for (tooth, device) in (0_u64..).zip(&mut devices) {
            device.put(&value!({"round": round, "by": tooth}));
        }
        let (first, others) = devices.split_first_mut().unwrap();
        others.iter().for_each(|other| first.pull(other));
        first.put(&value!({"joined": round}));
        others.iter_mut().for_each(|other| other.pull(first));
    }
    devices.swap_remove(0).versions
}

/// One version and `count` others on it, each of its own author.
pub(crate) fn fan(count: u64) -> Versions {
    let mut versions = line(1);
    let document = insert_all_of(&versions);
    let plan = document
        .patch(&document.heads(), &[FieldOp::Set { path: path(["level"]), value: value!(1) }])
        .unwrap();
    for i in 0..count {
        let mut replica = [9; 16];
        replica[..8].copy_from_slice(&i.to_be_bytes());
        let author = Author {
            replica: ReplicaId::from_bytes(replica),
            position: 1,
            previous: None,
            stamp: Stamp { millis: 100, counter: 0 },
        };
        let written = write(&document, &key(), &plan, &author, None, &Rules::default()).unwrap();
        versions.push((written.version.clone(), written.body()));
    }
    versions
}

/// The document of these versions, inserted one by one.
pub(crate) fn insert_all_of(versions: &[(Version, BodyState)]) -> Document {
    let mut document = Document::default();
    for (version, body) in versions {
        assert_eq!(document.insert(version, body.clone()), Admission::Admitted);
    }
    document
}

/// The document of those versions that are these or their ancestors.
pub(crate) fn ancestors_of(versions: &[(Version, BodyState)], heads: &[Cid]) -> Document {
    let mut wanted: std::collections::BTreeSet<&Cid> = heads.iter().collect();
    for (version, _) in versions.iter().rev().filter(|(version, _)| !version.header().parents.is_empty()) {
        if wanted.contains(version.cid()) {
            wanted.extend(&version.header().parents);
        }
    }
    let held: Versions =
        versions.iter().filter(|(version, _)| wanted.contains(version.cid())).cloned().collect();
    insert_all_of(&held)
}

/// Everything that two documents show is the same.
pub(crate) fn assert_same(a: &Document, b: &Document) {
    assert_eq!(a.heads(), b.heads());
    assert_eq!(a.live_dots(), b.live_dots());
    assert_eq!(a.view(), b.view());
    assert_eq!(a.conflicts(), b.conflicts());
    assert_eq!(a.forks(), b.forks());
    assert_eq!(a.incomplete(), b.incomplete());
    assert_eq!((a.len(), a.key(), a.content_cid()), (b.len(), b.key(), b.content_cid()));
    let replicas = a.versions().filter_map(|version| version.replica());
    assert!(replicas.into_iter().all(|replica| a.max_dot(&replica) == b.max_dot(&replica)));
}

/// The past of `document` at some heads is what a document of the ancestors shows now.
pub(crate) fn assert_past(document: &Document, versions: &[(Version, BodyState)], heads: &[Cid]) {
    let (past, fresh) = (document.at(heads).unwrap(), ancestors_of(versions, heads));
    assert_eq!(past.heads(), fresh.heads());
    assert_eq!(past.view(), fresh.view());
    assert_eq!(past.conflicts(), fresh.conflicts());
    assert_eq!(past.content_cid(), fresh.content_cid());
    assert_same(&document.checkout(heads).unwrap(), &fresh);
}

fn eight_fields() -> Value {
    value!({
        "level": 0, "name": "Pump at the hall", "needs": 2, "note": "check the valve",
        "open": true, "owner": "Anna Berg", "place": "north yard", "status": "dry",
    })
}
