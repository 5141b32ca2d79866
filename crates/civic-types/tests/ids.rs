//! Identifiers against vectors made by an independent implementation.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

use civic_types::{AgentId, CollectionSpec, CommunityId, PeerId, PublicKey, cbor, item::ReplicaRecord};
use data_encoding::HEXLOWER;
use serde_json::Value as Json;

fn vectors() -> Json {
    let text = include_str!("vectors/ids.json");
    serde_json::from_str::<Json>(text).unwrap()["data"].take()
}

fn hex(json: &Json) -> Vec<u8> {
    HEXLOWER.decode(json.as_str().unwrap().as_bytes()).unwrap()
}

#[test]
fn devices_have_the_peer_and_replica_ids_of_the_vectors() {
    let vectors = vectors();
    let devices = vectors["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 4);
    for device in devices {
        let key = PublicKey::from_bytes(hex(&device["public_key"]).try_into().unwrap());
        let record = ReplicaRecord { key, nonce: hex(&device["replica_nonce"]).try_into().unwrap() };
        assert_eq!(record.peer_id().as_bytes()[..], hex(&device["peer_id"]));
        assert_eq!(record.peer_id().to_string(), device["peer_id_text"].as_str().unwrap());
        assert_eq!(device["peer_id_text"].as_str().unwrap().parse::<PeerId>().unwrap(), record.peer_id());
        assert_eq!(record.id().as_bytes()[..], hex(&device["replica_id"]));
        assert_eq!(ReplicaRecord::from_bytes(&record.to_bytes()), record);
    }
}

#[test]
fn collections_encode_and_hash_as_in_the_vectors() {
    let vectors = vectors();
    let collections = vectors["collections"].as_array().unwrap();
    assert_eq!(collections.len(), 4);
    for collection in collections {
        let bytes = hex(&collection["cbor"]);
        let spec = CollectionSpec::decode(&bytes).unwrap();
        assert_eq!(spec.encode(), bytes);
        assert_eq!(spec.id().as_bytes()[..], hex(&collection["id"]));
        assert_eq!(spec.name, collection["definition"]["name"].as_str().unwrap());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            if let Ok(other) = CollectionSpec::decode(&changed) {
                assert_eq!(other.encode(), changed, "byte {at}");
                assert_ne!(other.id(), spec.id(), "byte {at}");
            }
        }
    }
}

#[test]
fn agents_and_communities_are_named_by_their_first_bytes() {
    let vectors = vectors();
    let list = hex(&vectors["device_list"]["cbor"]);
    cbor::decode(&list).unwrap();
    assert_eq!(AgentId::derive(&list).as_bytes()[..], hex(&vectors["device_list"]["agent_id"]));
    let genesis = hex(&vectors["community"]["genesis_cbor"]);
    cbor::decode(&genesis).unwrap();
    assert_eq!(CommunityId::derive(&genesis).as_bytes()[..], hex(&vectors["community"]["community_id"]));
}

#[test]
fn peer_text_has_one_form() {
    let id = PeerId::from_bytes([0; 32]);
    assert_eq!(id.to_string(), "1".repeat(32));
    assert!("1".repeat(31).parse::<PeerId>().is_err());
    assert!("1".repeat(33).parse::<PeerId>().is_err());
    assert!("0OIl".parse::<PeerId>().is_err());
    assert!("z".repeat(100_000).parse::<PeerId>().is_err());
}
