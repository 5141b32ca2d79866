//! Keys, signatures, device lists and communities against vectors of an independent implementation.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

use std::collections::HashMap;

use civic_crypto::community::Genesis;
use civic_crypto::devices::DeviceList;
use civic_crypto::signed::sign_item;
use civic_crypto::{DeviceKey, Error, Verifier, VerifyingKey};
use civic_types::item::kind;
use civic_types::label::Label;
use civic_types::{Cid, HashAlgorithm, PublicKey, Signature};
use serde_json::Value as Json;

fn load(text: &str) -> Json {
    serde_json::from_str::<Json>(text).unwrap()["data"].take()
}

fn ids() -> Json {
    load(include_str!("vectors/ids.json"))
}

fn bytes(json: &Json) -> Vec<u8> {
    hex::decode(json.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(json: &Json) -> [u8; N] {
    bytes(json).try_into().unwrap()
}

fn devices() -> HashMap<String, DeviceKey> {
    let ids = ids();
    let made = ids["devices"].as_array().unwrap().iter().map(|device| {
        let key = DeviceKey::from_seed(&array(&device["secret_seed"]));
        assert_eq!(key.public_key().as_bytes(), &array(&device["public_key"]));
        assert_eq!(key.peer_id().as_bytes(), &array(&device["peer_id"]));
        (device["replica_id"].as_str().unwrap().to_owned(), key)
    });
    made.collect()
}

#[test]
fn every_signed_version_verifies_and_signing_gives_the_same_bytes() {
    let (devices, verifier) = (devices(), Verifier::new());
    let versions = load(include_str!("vectors/versions.json"));
    let (mut checked, mut unsigned) = (0, 0);
    for version in versions.as_array().unwrap() {
        let header = bytes(&version["header"]);
        let cid: Cid = version["cid"].as_str().unwrap().parse().unwrap();
        assert_eq!(Cid::dag_cbor(cid.hash_algorithm().unwrap(), &header), cid);
        let Some(key) = devices.get(version["replica"].as_str().unwrap()) else { panic!("unknown replica") };
        if version["signature"].is_null() {
            unsigned += 1;
            continue;
        }
        let signature = Signature::from_bytes(array(&version["signature"]));
        assert!(verifier.item(&key.public_key(), kind::VERSION, &cid, &signature));
        assert_eq!(sign_item(key, kind::VERSION, &cid), signature);
        assert!(!verifier.item(&key.public_key(), kind::GRANT, &cid, &signature), "another kind");
        let other = Cid::dag_cbor(HashAlgorithm::Sha2_256, b"other");
        assert!(!verifier.item(&key.public_key(), kind::VERSION, &other, &signature), "another item");
        checked += 1;
    }
    assert_eq!((checked, unsigned, versions.as_array().unwrap().len()), (367, 0, 367));
}

#[test]
fn forged_signatures_of_the_admission_vectors_are_refused() {
    let verifier = Verifier::new();
    let vectors = load(include_str!("vectors/admission.json"));
    let key = PublicKey::from_bytes(array(&vectors["replica"]["public_key"]));
    let holds = |version: &Json| {
        let cid: Cid = version["cid"].as_str().unwrap().parse().unwrap();
        verifier.item(&key, kind::VERSION, &cid, &Signature::from_bytes(array(&version["signature"])))
    };
    assert!(holds(&vectors["good"]) && holds(&vectors["first"]));
    let forged = [
        "signed by another device",
        "one bit of the signature flipped",
        "signature under the label of a message",
    ];
    let mut refused = 0;
    for version in vectors["refused"].as_array().unwrap() {
        if forged.contains(&version["why"].as_str().unwrap()) {
            assert!(!holds(version), "{}", version["why"]);
            refused += 1;
        }
    }
    assert_eq!(refused, forged.len());
}

#[test]
fn the_first_device_list_and_the_genesis_name_their_agent_and_community() {
    let ids = ids();
    let encoded = bytes(&ids["device_list"]["cbor"]);
    let list = DeviceList::decode(&encoded).unwrap();
    assert_eq!(list.encode(), encoded);
    assert_eq!(list.agent_id().as_bytes(), &array(&ids["device_list"]["agent_id"]));
    let message = bytes(&ids["device_list"]["pop_message"]);
    let message = message.strip_prefix(Label::DEVICE_LINK.as_bytes()).unwrap();
    let device = VerifyingKey::admit(&list.devices[0].key).unwrap();
    device.verify(Label::DEVICE_LINK, message, &list.devices[0].proof).unwrap();
    for at in 0..encoded.len() {
        let mut changed = encoded.clone();
        changed[at] ^= 1;
        if let Ok(other) = DeviceList::decode(&changed) {
            assert_ne!(other.agent_id(), list.agent_id(), "byte {at}");
        }
        assert!(DeviceList::decode(&encoded[..at]).is_err());
    }
    let genesis = bytes(&ids["community"]["genesis_cbor"]);
    let community = Genesis::decode(&genesis).unwrap();
    assert_eq!(community.encode(), genesis);
    assert_eq!(community.id().as_bytes(), &array(&ids["community"]["community_id"]));
}

#[test]
fn weak_torsioned_and_non_canonical_keys_are_never_admitted() {
    use curve25519_dalek::constants::EIGHT_TORSION;
    let base = curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
    for (i, torsion) in EIGHT_TORSION.iter().enumerate() {
        let weak = PublicKey::from_bytes(torsion.compress().0);
        assert!(matches!(VerifyingKey::admit(&weak), Err(Error::PublicKey)), "small order {i}");
        let mixed = PublicKey::from_bytes((base + torsion).compress().0);
        assert_eq!(VerifyingKey::admit(&mixed).is_ok(), i == 0, "mixed order {i}");
    }
    // y = p and y = p + 1 encode 0 and 1 a second time.
    for low in [0xed, 0xee] {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (low, 0x7f);
        assert!(VerifyingKey::admit(&PublicKey::from_bytes(bytes)).is_err());
    }
}

#[test]
fn tls_signatures_cover_certificate_verify_alone() {
    let key = DeviceKey::from_seed(&[1; 32]);
    let message = [&[b' '; 64][..], b"TLS 1.3, client CertificateVerify\0", &[9; 32]].concat();
    let signature = key.sign_tls13(&message).unwrap();
    key.verifying_key().unwrap().verify_tls13(&message, &signature).unwrap();
    assert!(key.sign_tls13(b"civicbase/item/1\0anything").is_err());
    assert!(key.sign_tls13(&message[1..]).is_err());
}
