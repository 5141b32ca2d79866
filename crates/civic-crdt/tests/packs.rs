//! Packs: exact, small, bounded, and no byte of them can change unnoticed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and its numbers are small"
)]

mod common;

use civic_crdt::version::pack::{PackError, PackedVersion, Unpacked, pack, unpack};
use civic_crdt::version::{Rules, Verify, authenticate, item_message};
use civic_types::item::{ReplicaRecord, kind};
use civic_types::label::Label;
use civic_types::{PublicKey, Signature, value};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use self::common::{Device, key};

struct Strict;

impl Verify for Strict {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        let signed = [Label::ITEM.as_bytes(), message].concat();
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        VerifyingKey::from_bytes(key.as_bytes())
            .is_ok_and(|key| key.verify_strict(&signed, &signature).is_ok())
    }
}

/// A device with a real key and what it would send of its run.
fn author(number: u8) -> (Device, ReplicaRecord, SigningKey) {
    let signing = SigningKey::from_bytes(&[number; 32]);
    let record =
        ReplicaRecord { key: PublicKey::from_bytes(signing.verifying_key().to_bytes()), nonce: [number; 16] };
    let device = Device { replica: record.id(), ..Device::new(number) };
    (device, record, signing)
}

fn sign(signing: &SigningKey, packed: &mut PackedVersion) {
    let message = [Label::ITEM.as_bytes(), &item_message(kind::VERSION, packed.version.cid())].concat();
    packed.signature = Some(Signature::from_bytes(signing.sign(&message).to_bytes()));
}

fn open(bytes: &[u8]) -> Result<Unpacked, PackError> {
    unpack(bytes, |_| Some(Rules::default()))
}

fn run(count: u64) -> (Vec<ReplicaRecord>, Vec<PackedVersion>) {
    let (mut device, record, signing) = author(1);
    let mut versions = Vec::new();
    for i in 0..count {
        let text = if i == 3 { "long ".repeat(1000) } else { "dry".into() };
        let written = device.put(&value!({"status": text, "level": i})).unwrap();
        versions.push(PackedVersion { version: written.version, signature: None, block: written.block });
    }
    sign(&signing, versions.last_mut().unwrap());
    (vec![record], versions)
}

/// Two authors who fork and join, with blocks and every flag that open collections have.
fn mixed() -> (Vec<ReplicaRecord>, Vec<PackedVersion>) {
    let ((mut a, record_a, key_a), (mut b, record_b, key_b)) = (author(1), author(2));
    let mut versions = Vec::new();
    let mut keep = |written: civic_crdt::document::WrittenVersion, signing: &SigningKey| {
        let mut packed = PackedVersion { version: written.version, signature: None, block: written.block };
        sign(signing, &mut packed);
        versions.push(packed);
    };
    for i in 0..3_u64 {
        keep(a.put(&value!({"a": i})).unwrap(), &key_a);
        keep(b.put(&value!({"b": i, "text": "y".repeat(4100)})).unwrap(), &key_b);
        common::meet(&mut a, &mut b);
        a.millis = a.millis.max(b.millis);
        b.millis = a.millis;
    }
    (vec![record_b, record_a], versions)
}

#[test]
fn packs_open_to_what_was_packed() {
    for (mut records, versions) in [run(30), mixed()] {
        for versions in [versions.clone(), versions.into_iter().rev().collect::<Vec<_>>()] {
            let bytes = pack(&records, &versions).unwrap();
            let opened = open(&bytes).unwrap();
            records.sort();
            assert_eq!(opened.records, records);
            assert_eq!(opened.versions, versions);
            assert_eq!(opened.collection, key().collection);
        }
    }
}

#[test]
fn a_run_of_plain_edits_costs_less_than_its_bodies() {
    let (records, versions) = run(101);
    let blocks: usize = versions.iter().filter_map(|packed| packed.block.as_ref()).map(|b| b.len()).sum();
    let bodies: usize =
        versions.iter().filter_map(|packed| packed.version.inline_body()).map(|b| b.len()).sum();
    let size = pack(&records, &versions).unwrap().len() - blocks;
    println!("{} B per version", size as f64 / 101.0);
    assert!(size <= 45 * versions.len() && size < bodies, "{size} {bodies}");
}

#[test]
fn documents_of_one_version_each_stay_under_their_budget() {
    let (device, record, signing) = author(1);
    let mut previous = None;
    let mut versions = Vec::new();
    for i in 0..500_u64 {
        let document = civic_crdt::Document::default();
        let plan = document.put(&[], &value!({"status": "dry", "needs": i})).unwrap();
        let stamp = civic_types::time::Stamp { millis: 1_700_000_000_000 + i * 977, counter: 0 };
        let author =
            civic_crdt::document::Author { replica: device.replica, position: i + 1, previous, stamp };
        let document_id = civic_types::DocumentId::new(format!("lcnl6rjk-{i:013}-GD6fHa")).unwrap();
        let key = civic_types::DocumentKey::new(key().collection, document_id);
        let written =
            civic_crdt::document::write(&document, &key, &plan, &author, None, &Rules::default()).unwrap();
        previous = Some(written.version.cid().clone());
        let mut packed = PackedVersion { version: written.version, signature: None, block: None };
        sign(&signing, &mut packed);
        versions.push(packed);
    }
    let signed_each = pack(&[record], &versions).unwrap().len();
    println!("{} B per document, each signed, bodies included", signed_each as f64 / 500.0);
    assert!(signed_each <= 180 * 500);
}

#[test]
fn no_byte_changes_unnoticed() {
    let (mut noticed, mut refused) = (0, 0);
    for (records, versions) in [run(6), mixed()] {
        let bytes = pack(&records, &versions).unwrap();
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] ^= flip;
                // A block that no longer fits its link gives another header, so nothing else is compared.
                let Ok(opened) = open(&bad) else {
                    refused += 1;
                    continue;
                };
                let headers =
                    opened.versions.iter().map(|packed| ((&packed.version).into(), packed.signature));
                let found = authenticate(headers, &opened.records, &Strict);
                let all_authentic = opened.versions.iter().all(|p| found.authentic.contains(p.version.cid()));
                // Only a signature that a later one makes needless may differ: it is not kept.
                let same = opened.versions.iter().zip(&versions).all(|(bad, good)| {
                    let kept = !found.signed.contains(bad.version.cid()) || bad.signature == good.signature;
                    bad.version == good.version && bad.block == good.block && kept
                });
                let same =
                    same && opened.versions.len() == versions.len() && opened.records.len() == records.len();
                assert!(!all_authentic || same, "byte {at} ^ {flip:#x} gives other versions that verify");
                noticed += 1;
            }
        }
    }
    assert!(noticed > 100 && refused > 100, "{noticed} {refused}");
}

#[test]
fn cut_packs_and_packs_with_a_tail_are_refused() {
    let (records, versions) = mixed();
    let bytes = pack(&records, &versions).unwrap();
    for end in 0..bytes.len() {
        assert!(open(&bytes[..end]).is_err(), "{end}");
    }
    assert_eq!(open(&[&bytes[..], &[0]].concat()), Err(PackError::Trailing));
    let unknown = unpack(&bytes, |_| None);
    assert_eq!(unknown, Err(PackError::UnknownCollection { collection: key().collection }));
    assert_eq!(open(&[2]), Err(PackError::Format { got: 2 }));
}

#[test]
fn counts_are_no_allocation_and_bounds_hold() {
    let mut bomb = vec![1; 33];
    bomb.extend([0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(matches!(open(&bomb), Err(PackError::Limit { what: "replicas", .. })));
    let (records, versions) = run(2);
    assert_eq!(pack(&records, &[]), Err(PackError::Empty));
    assert!(matches!(pack(&[], &versions), Err(PackError::Record { .. })));
    let mut wrong = versions.clone();
    wrong[0].block = Some(vec![0].into());
    assert_eq!(pack(&records, &wrong), Err(PackError::Block { entry: 0 }));
    let twice: Vec<_> = std::iter::repeat_n(versions[0].clone(), 16_385).collect();
    assert!(matches!(pack(&records, &twice), Err(PackError::Limit { what: "versions", .. })));
}

#[test]
fn numbers_at_the_end_of_their_range_neither_panic_nor_change() {
    for text in [POSITION_AT_MAX, DOT_AT_MAX] {
        let bytes = hex::decode(text).unwrap();
        let unpacked = unpack(&bytes, |_| Some(Rules::default())).unwrap();
        let again = pack(&unpacked.records, &unpacked.versions).unwrap();
        assert_eq!(unpack(&again, |_| Some(Rules::default())).unwrap(), unpacked);
    }
}

/// Two versions of one replica, the first at position 2^64 - 1.
const POSITION_AT_MAX: &str = "0107070707070707070707070707070707070707070707070707070707070707070101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101016101050505050505050505050505050505050505050505050505050505050505050502080000ffffffffffffffffff010102010982808185800500f5800f02010982808185800500f580";

/// Two versions of one replica, the first with dot 2^64 - 1.
const DOT_AT_MAX: &str = "01070707070707070707070707070707070707070707070707070707070707070701010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010161000200000001ffffffffffffffffff0102010982808185800500f5800f02010982808185800500f580";

#[cfg(feature = "deflate")]
mod deflated {
    use civic_crdt::version::pack::{InflateError, MAX_PACK_BYTES, deflate, inflate, pack};

    #[test]
    fn what_is_deflated_inflates_to_the_same_pack() {
        let (records, versions) = super::mixed();
        let bytes = pack(&records, &versions).unwrap();
        assert_eq!(inflate(&deflate(&bytes)).unwrap(), bytes);
        assert_eq!(inflate(&deflate(&[])).unwrap(), []);
    }

    #[test]
    fn a_run_of_plain_edits_of_one_document_deflates_to_a_few_bytes_each() {
        let (records, versions) = super::run(1000);
        let small = deflate(&pack(&records, &versions).unwrap());
        assert!(small.len() <= 9 * 1000, "{} bytes", small.len());
    }

    #[test]
    fn bytes_that_unfold_to_more_than_a_pack_are_refused() {
        let largest = vec![0; MAX_PACK_BYTES];
        assert_eq!(inflate(&deflate(&largest)).unwrap(), largest);
        let bomb = deflate(&vec![0; MAX_PACK_BYTES + 1]);
        assert!(bomb.len() < 10_000);
        assert_eq!(inflate(&bomb), Err(InflateError::TooLarge));
    }

    #[test]
    fn cut_streams_streams_with_a_tail_and_no_streams_are_refused() {
        let (records, versions) = super::run(20);
        let bytes = deflate(&pack(&records, &versions).unwrap());
        for end in 0..bytes.len() {
            assert_eq!(inflate(&bytes[..end]), Err(InflateError::Malformed), "{end} bytes");
        }
        assert_eq!(inflate(&[&bytes[..], &[0]].concat()), Err(InflateError::Trailing));
        // 0b111 is the last block of the type that does not exist.
        assert_eq!(inflate(&[0xff; 9]), Err(InflateError::Malformed));
    }
}
