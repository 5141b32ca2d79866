//! Proofs of forks: what they show, and that nobody can be accused of what he did not sign.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use bytes::Bytes;
use civic_crdt::version::{Branch, ForkProof, ForkProofError, Rules, Verify, Version, item_message};
use civic_types::item::{ReplicaRecord, kind};
use civic_types::label::Label;
use civic_types::{PublicKey, Signature, value};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use self::common::Device;

fn strict(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    let signed = [Label::ITEM.as_bytes(), message].concat();
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    VerifyingKey::from_bytes(key.as_bytes()).is_ok_and(|key| key.verify_strict(&signed, &signature).is_ok())
}

const VERIFY: &dyn Verify = &strict;

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn record(number: u8) -> ReplicaRecord {
    ReplicaRecord { key: PublicKey::from_bytes(key(number).verifying_key().to_bytes()), nonce: [number; 16] }
}

fn sign(number: u8, version: &Version) -> Signature {
    let signed = [Label::ITEM.as_bytes(), &item_message(kind::VERSION, version.cid())].concat();
    Signature::from_bytes(key(number).sign(&signed).to_bytes())
}

/// A device and its copy, which wrote different versions after the same first one: two each.
fn forked() -> (Vec<Version>, Vec<Version>) {
    let mut device = Device { replica: record(1).id(), ..Device::new(1) };
    device.put(&value!({"a": 0}));
    let mut copy = Device { millis: device.millis + 5, ..device.clone() };
    for number in 1..3 {
        device.put(&value!({"a": number}));
        copy.put(&value!({"b": number}));
    }
    let log = |device: &Device| device.versions.iter().map(|(version, _)| version.clone()).collect();
    (log(&device), log(&copy))
}

/// The branch from one version of a log to another that is signed.
fn branch(log: &[Version], signer: u8) -> Branch {
    let headers = log.iter().map(|version| version.bytes().clone()).collect();
    Branch { headers, signature: sign(signer, log.last().unwrap()) }
}

fn proof(a: Branch, b: Branch) -> ForkProof {
    let cid = |branch: &Branch| Version::decode(branch.headers[0].clone(), &Rules::default()).unwrap();
    let (first, second) = if cid(&a).cid() < cid(&b).cid() { (a, b) } else { (b, a) };
    ForkProof { record: record(1), first, second }
}

fn check(proof: &ForkProof) -> Result<(Version, Version), ForkProofError> {
    proof.check(&Rules::default(), VERIFY)
}

#[test]
fn two_versions_for_one_place_are_shown_by_one_signature_each() {
    let (log, copy) = forked();
    for (until_a, until_b) in [(2, 2), (3, 2), (3, 3)] {
        let proof = proof(branch(&log[1..until_a], 1), branch(&copy[1..until_b], 1));
        let (first, second) = check(&proof).unwrap();
        assert_eq!([&first, &second].map(|v| v.header().position), [2, 2]);
        assert_eq!(ForkProof::decode(&Bytes::from(proof.encode())).unwrap(), proof);
    }
}

#[test]
fn what_is_no_fork_or_not_signed_proves_nothing() {
    let (log, copy) = forked();
    let (a, b) = (branch(&log[1..2], 1), branch(&copy[1..2], 1));
    // One version twice; two places of one log; the two in the wrong order.
    let twice = ForkProof { record: record(1), first: a.clone(), second: a.clone() };
    assert_eq!(check(&twice), Err(ForkProofError::NoFork));
    assert_eq!(check(&proof(a.clone(), branch(&log[2..3], 1))), Err(ForkProofError::NoFork));
    let ForkProof { record: by, first, second } = proof(a.clone(), b.clone());
    let turned = ForkProof { record: by, first: second, second: first };
    assert_eq!(check(&turned), Err(ForkProofError::NoFork));
    // Somebody else's signature, and somebody else accused.
    assert_eq!(check(&proof(branch(&log[1..2], 2), b.clone())), Err(ForkProofError::Unsigned));
    let accused = ForkProof { record: record(2), ..proof(a.clone(), b.clone()) };
    assert_eq!(check(&accused), Err(ForkProofError::Unsigned));
    // A chain with a gap vouches for nothing before it.
    let gapped = [log[1].clone(), copy[2].clone()];
    assert_eq!(check(&proof(branch(&gapped, 1), b)), Err(ForkProofError::Unsigned));
}

#[test]
fn changed_and_cut_bytes_prove_nothing() {
    let (log, copy) = forked();
    let bytes = proof(branch(&log[1..3], 1), branch(&copy[1..2], 1)).encode();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let outcome = ForkProof::decode(&Bytes::from(changed)).and_then(|proof| check(&proof));
        // Who is accused is part of what is checked, so no change at all may pass.
        assert!(outcome.is_err(), "byte {at}");
        assert!(ForkProof::decode(&Bytes::copy_from_slice(&bytes[..at])).is_err());
    }
    assert!(ForkProof::decode(&Bytes::from([&bytes[..], &[0]].concat())).is_err());
}
