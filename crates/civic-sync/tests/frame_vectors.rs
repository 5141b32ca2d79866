//! Sync frames against their golden bytes, so that no change of the format goes unnoticed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use bytes::Bytes;
use civic_sync::Cursor;
use civic_sync::session::{Frame, LogHead, Mode, ScopeFrame, ScopeName, Wanted};
use civic_types::{Cid, CollectionId, HashAlgorithm, ReplicaId};
use serde_json::Value as Json;

/// Hex of each frame, in the order of [`frames`].
fn vectors() -> Vec<(String, Bytes)> {
    let mut file: Json = serde_json::from_str(include_str!("vectors/frames.json")).unwrap();
    let data = file["data"].take();
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    let vector = |json: &Json| (text(&json["name"]), hex::decode(text(&json["frame"])).unwrap().into());
    data.as_array().unwrap().iter().map(vector).collect()
}

const HARBOUR: CollectionId = CollectionId::from_bytes([0x10; 32]);
const ISLANDS: CollectionId = CollectionId::from_bytes([0x20; 32]);
const CURSOR: Cursor = Cursor { seq: 300, chain: [0x31; 16] };

fn frames() -> Vec<(&'static str, Frame)> {
    let (round, scope, collection, offset) = (7, 1, HARBOUR, 131_072);
    let block = Cid::raw(HashAlgorithm::Sha2_256, b"a block");
    let blake3 = Cid::raw(HashAlgorithm::Blake3, b"a block");
    let bytes = Bytes::from_static;
    let state = |name, count, consumed, verified| ScopeFrame {
        name,
        count,
        logs: count / 8,
        fingerprint: [0x40; 16],
        consumed,
        verified,
    };
    let scopes = vec![
        state(ScopeName::Collection(HARBOUR), 24, Some(CURSOR), true),
        state(ScopeName::Collection(ISLANDS), 24, None, false),
        state(ScopeName::Place(5), 0, None, true),
    ];
    let modes = vec![(0, Mode::Symbols), (1, Mode::Suffix), (2, Mode::Heads), (300, Mode::List)];
    let logs = vec![LogHead { replica: ReplicaId::from_bytes([0x60; 16]), position: 9, cid: [0x61; 8] }];
    let definitions = vec![bytes(b"a definition")];
    let ids = bytes(&[0, 0, 0, 0, 48]);
    let symbols = bytes(&[0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let pack = Some(bytes(b"a pack"));
    let done = vec![(1, [0x40; 32], CURSOR)];
    vec![
        ("no proof", Frame::Proof(Vec::new())),
        ("two proofs", Frame::Proof(vec![[1; 32], [2; 32]])),
        ("nudge", Frame::Nudge { token: 3 }),
        ("hello", Frame::Hello { round, token: 3, summary: [0x50; 16] }),
        ("scopes", Frame::Scopes { round, scopes, definitions: definitions.clone(), wanted: vec![ISLANDS] }),
        ("modes", Frame::Modes { round, modes, definitions }),
        ("list", Frame::List { round, scope, ids: ids.clone(), last: true }),
        ("symbols", Frame::Symbols { round, scope, start: 32, symbols }),
        ("more", Frame::More { round, scope, count: 100 }),
        ("want bits", Frame::Want { round, scope, wanted: Wanted::Bits(bytes(&[0xa0])) }),
        ("want ids", Frame::Want { round, scope, wanted: Wanted::Ids(ids.clone()) }),
        ("data", Frame::Data { round, scope, pack, last: false }),
        ("no data", Frame::Data { round, scope, pack: None, last: true }),
        ("ack", Frame::Ack { round, scope }),
        ("done", Frame::Done { round, scopes: done }),
        ("abort", Frame::Abort { round: u64::MAX }),
        ("want block", Frame::WantBlock { collection, block: block.clone(), offset }),
        ("block", Frame::Block { collection, block, offset, total: 131_074, bytes: bytes(&[1, 2]) }),
        ("absent block", Frame::Block { collection, block: blake3, offset: 0, total: 0, bytes: bytes(&[]) }),
        ("heads", Frame::Heads { round, scope, ids }),
        ("logs", Frame::Logs { round, scope, wanted: bytes(&[0xa0]), logs }),
    ]
}

#[test]
fn every_frame_has_its_golden_bytes_and_comes_back() {
    let (vectors, frames) = (vectors(), frames());
    assert_eq!(vectors.len(), frames.len());
    let mut tags = Vec::new();
    for ((name, golden), (ours, frame)) in vectors.iter().zip(&frames) {
        assert_eq!(name, ours);
        assert_eq!(hex::encode(frame.encode()), hex::encode(golden), "{name}");
        assert_eq!(Frame::decode(golden).as_ref(), Ok(frame), "{name}");
        tags.push(golden[1]);
    }
    tags.dedup();
    assert_eq!(tags, (0..17).collect::<Vec<u8>>(), "one of every type");
}

#[test]
fn a_cut_lengthened_or_miscounted_frame_is_refused() {
    for (name, golden) in vectors() {
        for end in 0..golden.len() {
            assert!(Frame::decode(&golden.slice(..end)).is_err(), "{name}, cut at {end}");
        }
        assert!(Frame::decode(&[&golden[..], &[0]].concat().into()).is_err(), "{name}, longer");
        let mut counted = golden.to_vec();
        counted[0] += 1;
        assert!(Frame::decode(&counted.into()).is_err(), "{name}, one element more");
    }
}

#[test]
fn whatever_a_changed_byte_gives_is_canonical() {
    for (name, golden) in vectors() {
        for at in 0..golden.len() {
            for flip in [0x01, 0x20, 0x80] {
                let mut changed = golden.to_vec();
                changed[at] ^= flip;
                if let Ok(frame) = Frame::decode(&changed.clone().into()) {
                    assert_eq!(frame.encode(), changed, "{name}, byte {at}");
                }
            }
        }
    }
}

#[test]
fn other_protocols_and_unknown_types_are_refused() {
    for bytes in [&[0x83, 0x00, 0x02, 0x80][..], &[0x82, 0x11, 0x00], &[0x82, 0x18, 0x01, 0x00], &[0xa0], &[]]
    {
        assert!(Frame::decode(&Bytes::copy_from_slice(bytes)).is_err(), "{bytes:x?}");
    }
}
