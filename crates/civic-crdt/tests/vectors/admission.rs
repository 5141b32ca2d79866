use std::collections::BTreeMap;

use civic_crdt::Document;
use civic_crdt::document::BodyState;
use civic_crdt::version::{Admission, Refusal, Verify, Version, authenticate, item_message};
use civic_types::item::{ReplicaRecord, kind};
use civic_types::{Cid, DocumentId, PublicKey, Signature};
use serde_json::Value as Json;

use crate::common::{Strict, array, bytes, cid, load, rules, signature, version};

fn record(json: &Json) -> ReplicaRecord {
    let key = PublicKey::from_bytes(array(&json["public_key"]));
    ReplicaRecord { key, nonce: array(&json["replica_nonce"]) }
}

fn is_authentic(version: &Version, signature: Option<Signature>, record: ReplicaRecord) -> bool {
    let found = authenticate([(version.into(), signature)], &[record], &Strict);
    found.authentic.contains(version.cid())
}

/// A collection in small: documents by id.
type Collection = BTreeMap<DocumentId, Document>;

/// The outcome of everything that can refuse a version: header, ancestors, signature.
fn admit(collection: &mut Collection, json: &Json, record: ReplicaRecord) -> Result<Cid, String> {
    let version = Version::decode(bytes(&json["header"]), &rules(json)).map_err(|error| error.to_string())?;
    if !is_authentic(&version, signature(&json["signature"]), record) {
        return Err("not authentic".into());
    }
    let mut document = collection.get(&version.header().document).cloned().unwrap_or_default();
    match document.insert(&version, BodyState::of(&version)) {
        Admission::Admitted => {
            collection.insert(version.header().document.clone(), document);
            Ok(version.cid().clone())
        }
        Admission::Parked { missing } => {
            let elsewhere =
                missing.into_iter().find(|parent| collection.values().any(|d| d.contains(parent)));
            Err(elsewhere.map_or("parked".into(), |parent| Refusal::ParentElsewhere { parent }.to_string()))
        }
        other => Err(format!("{other:?}")),
    }
}

/// Some vectors are children of the good version or of an accepted one.
fn admit_parents(collection: &mut Collection, json: &Json, data: &Json, record: ReplicaRecord) {
    let Ok(version) = Version::decode(bytes(&json["header"]), &rules(json)) else { return };
    let others = [&data["good"]].into_iter().chain(data["accepted"].as_array().unwrap());
    for parent in others.filter(|other| version.header().parents.contains(&cid(&other["cid"]))) {
        assert!(admit(collection, parent, record).is_ok());
    }
}

#[test]
fn one_signature_vouches_for_the_run() {
    let data = load(include_str!("admission.json"));
    let run: Vec<_> = data["run"].as_array().unwrap().iter().collect();
    assert_eq!(run.len(), 5);
    let record = record(&data["run_replica"]);
    let headers = |skip: usize| {
        let kept = run.iter().enumerate().filter(move |(i, _)| *i != skip);
        kept.map(|(_, json)| ((&version(json)).into(), signature(&json["signature"]))).collect::<Vec<_>>()
    };
    let whole = authenticate(headers(usize::MAX), &[record], &Strict);
    assert_eq!((whole.authentic.len(), whole.signed.len()), (5, 1));
    let gap = authenticate(headers(2), &[record], &Strict);
    assert_eq!(gap.authentic.len(), 2, "behind the gap nothing is proved");
    let unsigned = authenticate(headers(4), &[record], &Strict);
    assert_eq!(unsigned.authentic.len(), 0);
    let foreign = ReplicaRecord { nonce: [0; 16], ..record };
    assert_eq!(authenticate(headers(usize::MAX), &[foreign], &Strict).authentic.len(), 0);
    let mut document = Document::default();
    for json in run {
        assert_eq!(document.insert(&version(json), BodyState::Missing), Admission::Admitted);
    }
}

#[test]
fn an_impostor_beside_the_true_record_changes_nothing() {
    let data = load(include_str!("admission.json"));
    let good = version(&data["good"]);
    let (record, other) = (record(&data["replica"]), record(&data["run_replica"]));
    let headers = [((&good).into(), signature(&data["good"]["signature"]))];
    assert!(authenticate(headers, &[other, record], &Strict).authentic.contains(good.cid()));
}

#[test]
fn good_and_changed_versions_are_admitted() {
    let data = load(include_str!("admission.json"));
    let record = record(&data["replica"]);
    let accepted = data["accepted"].as_array().unwrap();
    assert_eq!(accepted.len(), 9);
    for json in [&data["good"]].into_iter().chain(accepted) {
        let mut collection = Collection::new();
        assert_eq!(admit(&mut collection, &data["first"], record), Ok(cid(&data["first"]["cid"])));
        if json != &data["good"] {
            admit_parents(&mut collection, json, &data, record);
        }
        assert_eq!(admit(&mut collection, json, record), Ok(cid(&json["cid"])), "{}", json["why"]);
    }
}

#[test]
fn wrong_versions_are_refused_each_for_its_reason() {
    let data = load(include_str!("admission.json"));
    let record = record(&data["replica"]);
    let refused = data["refused"].as_array().unwrap();
    assert_eq!(refused.len(), REASONS.len());
    for (json, (why, reason)) in refused.iter().zip(REASONS) {
        assert_eq!(json["why"], *why);
        let mut collection = Collection::new();
        assert!(admit(&mut collection, &data["first"], record).is_ok());
        admit_parents(&mut collection, json, &data, record);
        let state =
            |collection: &Collection| collection.values().map(|d| (d.heads(), d.view())).collect::<Vec<_>>();
        let before = state(&collection);
        let error = admit(&mut collection, json, record).expect_err(why);
        assert!(error.contains(reason), "{why}: {error}");
        assert_eq!(state(&collection), before, "{why}: nothing changed");
    }
}

#[test]
fn the_message_is_the_kind_and_the_cid() {
    let data = load(include_str!("admission.json"));
    let good = &data["good"];
    let message = item_message(kind::VERSION, &cid(&good["cid"]));
    assert_eq!(message.len(), 37);
    assert!(Strict.verify(&record(&data["replica"]).key, &message, &signature(&good["signature"]).unwrap()));
}

/// Each refused vector with a part of our answer, in the file's order.
const REASONS: &[(&str, &str)] = &[
    ("dot number leaves a gap", "FirstDot"),
    ("dot number repeats an ancestor's", "FirstDot"),
    ("time not after the ancestor's", "Stamp"),
    ("time after year 2200", "2199"),
    ("counter too large", "16 bits"),
    ("no operations", "operations"),
    ("too many operations", "operations"),
    ("inline body too long", "inline body"),
    ("unknown version of the format", "unknown version"),
    ("missing key q", "keys"),
    ("extra key z", "keys"),
    ("parent twice", "strictly ascending"),
    ("parent of another document", "another document"),
    ("k is 0", "positions"),
    ("group index above group size", "group"),
    ("replica of 15 bytes", "another type"),
    ("signed by another device", "not authentic"),
    ("one bit of the signature flipped", "not authentic"),
    ("signature under the label of a message", "not authentic"),
    ("trailing byte", "canonical"),
    ("key order by insertion", "keys"),
    ("body as text", "another type"),
    ("empty document id", "document id"),
    ("document id of 129 bytes", "document id"),
    ("control character in document id", "document id"),
    ("document id of 130 bytes in 65 characters", "document id"),
    ("s is 0", "dots"),
    ("negative time", "another type"),
    ("v is true", "another type"),
    ("group of 4097", "group"),
    ("group of three numbers", "group"),
    ("65 parents", "parents"),
    ("q of another hash", "previous link"),
    ("body link of another hash", "body link"),
    ("C1 control character in document id", "document id"),
    ("parents not ascending", "strictly ascending"),
    ("q null though k is not 1", "null if and only if"),
    ("q a link though k is 1", "null if and only if"),
    ("grant named in an open collection", "grant"),
    ("group index 0", "group"),
    ("milliseconds equal, counter not greater", "Stamp"),
    ("body link to a dag-cbor block", "body link"),
    ("parent link of another hash", "parent link"),
];
