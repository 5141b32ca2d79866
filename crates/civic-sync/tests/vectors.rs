//! Scope keys, short ids and fingerprints against vectors of an independent implementation.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

use civic_crypto::community::CommunityKey;
use civic_sync::reconcile::{LtHash, short_id};
use civic_types::item::{ItemId, kind};
use civic_types::{Cid, CollectionId};
use serde_json::Value as Json;

fn load(text: &str) -> Json {
    serde_json::from_str::<Json>(text).unwrap()["data"].take()
}

fn bytes<const N: usize>(json: &Json) -> [u8; N] {
    hex::decode(json.as_str().unwrap()).unwrap().try_into().unwrap()
}

#[test]
fn the_first_twenty_versions_have_the_short_ids_and_fingerprint_of_the_vectors() {
    let index = load(include_str!("vectors/index.json"));
    let vector = index.as_array().unwrap().iter().find(|v| v.get("scope_key").is_some()).unwrap();
    let community = CommunityKey::from_bytes(bytes(&vector["community_root_secret"]));
    let key = community.scope_key(&CollectionId::from_bytes(bytes(&vector["collection"])));
    assert_eq!(*key, bytes(&vector["scope_key"]));
    let versions = load(include_str!("vectors/versions.json"));
    let ids: Vec<&str> =
        vector["short_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(ids.len(), 20);
    let mut hash = LtHash::new();
    for (version, want) in versions.as_array().unwrap().iter().zip(ids) {
        let cid: Cid = version["cid"].as_str().unwrap().parse().unwrap();
        let item = ItemId { kind: kind::VERSION, cid };
        assert_eq!(format!("{:012x}", short_id(&key, &item)), want);
        hash.add(&key, &item);
    }
    assert_eq!(hash.fingerprint(&key), bytes(&vector["fingerprint"]));
    assert_eq!(LtHash::from_bytes(&hash.to_bytes()).unwrap(), hash);
    let mut other = LtHash::new();
    other.add(&key, &ItemId { kind: kind::VERSION, cid: Cid::raw(Default::default(), b"x") });
    assert_ne!(other.fingerprint(&key), hash.fingerprint(&key));
}
