use bytes::Bytes;
use civic_crdt::document::BodyState;
use civic_crdt::version::{Body, BodyRef, Header, Operation, Rules, Version};
use civic_crdt::{Admission, Document, Dot};
use civic_types::time::Stamp;
use civic_types::{Cid, CollectionId, DocumentId, FieldPath, ReplicaId, Value, cbor};
use serde_json::Value as Json;

use crate::common::{Shuffle, load};

#[test]
fn texts_and_lists_show_what_the_vectors_say_in_any_order() {
    let cases = load(include_str!("sequences.json"));
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 60);
    for case in cases {
        let versions = versions(&case["versions"]);
        let expected = value(&case["view"]);
        for seed in 1..=5 {
            assert_eq!(delivered(&versions, seed).view().as_ref(), Some(&expected), "seed {}", case["seed"]);
        }
    }
}

#[test]
#[cfg(feature = "laws")]
fn the_literal_model_says_the_same() {
    use civic_crdt::laws::{Folder, Model};
    for case in load(include_str!("sequences.json")).as_array().unwrap() {
        let mut model: Model = Folder::start(Default::default(), Default::default());
        for version in &versions(&case["versions"]) {
            assert_eq!(model.insert(version, BodyState::of(version)), Admission::Admitted);
        }
        assert_eq!(model.shown().view, Some(value(&case["view"])), "seed {}", case["seed"]);
    }
}

fn delivered(versions: &[Version], seed: u64) -> Document {
    let (mut random, mut document) = (Shuffle(seed), Document::default());
    let mut open: Vec<&Version> = versions.iter().collect();
    while !open.is_empty() {
        let version = open.swap_remove(random.below(open.len()));
        if let Admission::Parked { .. } = document.insert(version, BodyState::of(version)) {
            open.push(version);
        }
    }
    document
}

fn versions(json: &Json) -> Vec<Version> {
    let mut versions: Vec<Version> = Vec::new();
    for json in json.as_array().unwrap() {
        let number = |key: &str| json[key].as_u64().unwrap();
        let parent = |at: &Json| versions[at.as_u64().unwrap() as usize].cid().clone();
        let mut parents: Vec<Cid> = json["parents"].as_array().unwrap().iter().map(parent).collect();
        parents.sort();
        let operations: Vec<_> = json["operations"].as_array().unwrap().iter().map(operation).collect();
        let own: Vec<_> =
            versions.iter().filter(|version| version.header().replica == replica(&json["replica"])).collect();
        let header = Header {
            auth: None,
            operations: operations.len() as u64,
            body: BodyRef::Inline(Bytes::from(Body::new(operations).encode())),
            collection: CollectionId::from_bytes([9; 32]),
            document: DocumentId::new("minutes").unwrap(),
            group: None,
            position: own.len() as u64 + 1,
            parents,
            previous: own.last().map(|version| version.cid().clone()),
            replica: replica(&json["replica"]),
            first_dot: number("first"),
            stamp: Stamp { millis: number("stamp"), counter: 0 },
        };
        versions.push(Version::from_header(&header, &Rules::default()).unwrap());
    }
    versions
}

fn operation(json: &Json) -> Operation {
    let names = json["path"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    let kill = |kill: &Json| Dot::new(replica(&kill[0]), kill[1].as_u64().unwrap());
    Operation {
        path: FieldPath::new(names).unwrap(),
        kind: json["kind"].as_u64().unwrap(),
        code: json["code"].as_u64().unwrap(),
        argument: Bytes::from(cbor::encode(&value(&json["argument"])).unwrap()),
        kills: json["kills"].as_array().unwrap().iter().map(kill).collect(),
    }
}

/// A value; an object with a replica alone is the bytes of its id.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::from(*bool),
        Json::Number(number) => Value::from(number.as_u64().unwrap()),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(values) => Value::List(values.iter().map(value).collect()),
        Json::Object(map) => match map.get("replica") {
            Some(number) => Value::Bytes(replica(number).as_bytes().to_vec()),
            None => Value::Map(map.iter().map(|(name, json)| (name.clone(), value(json))).collect()),
        },
    }
}

fn replica(number: &Json) -> ReplicaId {
    ReplicaId::from_bytes([number.as_u64().unwrap() as u8; 16])
}
