#![allow(clippy::unwrap_used, reason = "a test may panic")]

use civic_types::time::Stamp;
use civic_types::{CollectionId, DocumentId, DocumentKey, FieldOp, ReplicaId, value};

use super::read::read;
use super::{CHECKSUM_BYTES, OpenError};
use crate::Document;
use crate::document::{Author, BodyState, write};
use crate::version::Rules;

/// Two authors who write concurrently, then together; one body is missing.
fn saved() -> Vec<u8> {
    let key = DocumentKey::new(CollectionId::from_bytes([9; 32]), DocumentId::new("pump-3").unwrap());
    let mut document = Document::default();
    let mut logs = [(1, None), (2, None)];
    for round in 0..4_u64 {
        let before = document.clone();
        for (number, previous) in &mut logs {
            let add = FieldOp::Add { path: "tags".try_into().unwrap(), value: value!(round) };
            let set = FieldOp::Set { path: "level".try_into().unwrap(), value: value!(round) };
            let plan = before.patch(&before.heads(), &[add, set]).unwrap();
            let author = Author {
                replica: ReplicaId::from_bytes([*number; 16]),
                position: round + 1,
                previous: previous.take(),
                stamp: Stamp { millis: round * 1000, counter: 1 },
            };
            let written = write(&before, &key, &plan, &author, None, &Rules::default()).unwrap();
            *previous = Some(written.version.cid().clone());
            let body = if round == 2 { BodyState::Missing } else { written.body() };
            let _ = document.insert(&written.version, body);
        }
    }
    let mut bytes = document.save();
    bytes.truncate(bytes.len() - CHECKSUM_BYTES);
    bytes
}

#[test]
fn damage_that_the_checksum_misses_is_an_error_or_a_document() {
    let good = saved();
    let (mut errors, mut documents) = (0, 0);
    for at in 0..good.len() {
        for flip in [1, 2, 3, 4, 8, 0x20, 0x40, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            let Ok(mut document) = read(&bad) else {
                errors += 1;
                continue;
            };
            documents += 1;
            let _ = (document.view(), document.conflicts(), document.live_dots(), document.forks());
            let _ = document.overwrite(&value!({"level": 7}));
            let cids: Vec<_> = document.versions().map(|version| version.cid().clone()).collect();
            for cid in cids {
                let _ = document.at(std::slice::from_ref(&cid));
                let _ = document.body_arrived(&cid, BodyState::Unreadable);
            }
            Document::open(&document.save()).unwrap();
        }
    }
    assert!(errors > 1000 && documents > 1000, "{errors} {documents}");
}

#[test]
fn what_is_cut_or_has_a_tail_is_refused() {
    let good = saved();
    assert!(read(&good).is_ok());
    for end in 0..good.len() {
        assert!(read(&good[..end]).is_err(), "{end}");
    }
    assert!(matches!(read(&[&good[..], &[0]].concat()), Err(OpenError::Cbor(_))));
}

#[test]
fn another_format_is_told() {
    let mut other = saved();
    other[1] = 2;
    assert_eq!(read(&other).unwrap_err(), OpenError::Format { got: 2 });
}

#[test]
fn counts_are_no_allocation() {
    // 2^32 replicas, then as many bytes of CIDs, in bytes that end at once.
    let head = [0x89, 1, 0, 0x12, 0xf6, 0];
    let replicas = [&head[..], &[0x9a, 0xff, 0xff, 0xff, 0xff]].concat();
    assert!(matches!(read(&replicas), Err(OpenError::Cbor(_))));
    let cids = [&head[..], &[0x80, 0x5a, 0xff, 0xff, 0xff, 0xff]].concat();
    assert!(matches!(read(&cids), Err(OpenError::Cbor(_))));
}
