//! Packs against their golden bytes, so that no change of the format goes unnoticed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[allow(dead_code, reason = "the other vectors use the rest")]
#[path = "vectors/common.rs"]
mod common;

use civic_crdt::version::authenticate;
use civic_crdt::version::pack::{PackError, PackedVersion, Unpacked, pack, unpack};
use civic_types::item::ReplicaRecord;
use serde_json::Value as Json;

use self::common::{Strict, array, bytes, load, rules, signature, version};

/// One vector: the pack's bytes and what they stand for.
struct Vector {
    name: String,
    bytes: Vec<u8>,
    cids: Vec<String>,
    unpacked: Unpacked,
    first: Json,
}

fn vectors() -> Vec<Vector> {
    let versions = load(include_str!("vectors/versions.json"));
    let packs = load(include_str!("vectors/packs.json"));
    let numbers = |json: &Json| -> Vec<u64> {
        json.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
    };
    let make = |json: &Json| {
        let (signed, blocks) = (numbers(&json["signed"]), numbers(&json["blocks"]));
        let one = |at: &u64| {
            let json = &versions[usize::try_from(*at).unwrap()];
            PackedVersion {
                version: version(json),
                signature: signature(&json["signature"]).filter(|_| signed.contains(at)),
                block: blocks.contains(at).then(|| bytes(&json["body"])),
            }
        };
        let from = numbers(&json["versions"]);
        let first = versions[usize::try_from(from[0]).unwrap()].clone();
        let packed: Vec<PackedVersion> = from.iter().map(one).collect();
        let record = |json: &Json| ReplicaRecord::from_bytes(&array(json));
        Vector {
            name: json["name"].as_str().unwrap().into(),
            bytes: bytes(&json["pack"]).to_vec(),
            cids: json["cids"].as_array().unwrap().iter().map(|cid| cid.as_str().unwrap().into()).collect(),
            unpacked: Unpacked {
                collection: packed[0].version.header().collection,
                records: json["records"].as_array().unwrap().iter().map(record).collect(),
                versions: packed,
            },
            first,
        }
    };
    let made: Vec<Vector> = packs.as_array().unwrap().iter().map(make).collect();
    assert_eq!(made.len(), 5, "none is skipped");
    made
}

impl Vector {
    fn open(&self, bytes: &[u8]) -> Result<Unpacked, PackError> {
        unpack(bytes, |collection| (*collection == self.unpacked.collection).then(|| rules(&self.first)))
    }
}

#[test]
fn versions_pack_to_the_golden_bytes() {
    for vector in vectors() {
        let made = pack(&vector.unpacked.records, &vector.unpacked.versions).unwrap();
        assert_eq!(hex::encode(made), hex::encode(&vector.bytes), "{}", vector.name);
    }
}

#[test]
fn golden_packs_open_to_their_versions_and_all_are_authentic() {
    for vector in vectors() {
        let opened = vector.open(&vector.bytes).unwrap();
        assert_eq!(opened, vector.unpacked, "{}", vector.name);
        let cids: Vec<String> = opened.versions.iter().map(|v| v.version.cid().to_string()).collect();
        assert_eq!(cids, vector.cids, "{}", vector.name);
        let headers = opened.versions.iter().map(|packed| ((&packed.version).into(), packed.signature));
        let found = authenticate(headers, &opened.records, &Strict);
        assert_eq!(found.authentic.len(), cids.len(), "{}", vector.name);
    }
}

#[test]
fn a_cut_or_lengthened_golden_pack_is_refused() {
    for vector in vectors() {
        for end in 0..vector.bytes.len() {
            assert!(vector.open(&vector.bytes[..end]).is_err(), "{}, cut at {end}", vector.name);
        }
        let longer = [&vector.bytes[..], &[0]].concat();
        assert_eq!(vector.open(&longer), Err(PackError::Trailing), "{}", vector.name);
    }
}
