use std::collections::BTreeMap;

use civic_crdt::document::BodyState;
use civic_crdt::{Admission, Document, Dot, Effect, Version};
use civic_types::id::DeletePolicy;
use civic_types::{Cid, FieldPath, HashAlgorithm, ReplicaId, Value, cbor};
use serde_json::Value as Json;

use crate::common::{Shuffle, array, body, bytes, cid, load, version};

/// Orders of arrival tried for every document, besides the given one.
const SHUFFLES: u64 = 20;

#[test]
fn documents_fold_as_the_vectors_say_in_any_causal_order() {
    let mut checked = 0;
    for_each(|expected, policy, versions| {
        let hash = versions[0].0.cid().hash_algorithm().unwrap();
        let mut document = Document::new(policy, hash);
        for (version, body) in versions {
            assert_eq!(document.insert(version, body.clone()), Admission::Admitted);
        }
        check(&document, expected);
        for seed in 1..=SHUFFLES {
            check(&shuffled(versions, policy, hash, seed), expected);
        }
        checked += 1;
    });
    assert_eq!(checked, 69);
}

#[test]
fn bodies_that_arrive_late_and_in_any_order_change_nothing_in_the_end() {
    for_each(|expected, policy, versions| {
        let hash = versions[0].0.cid().hash_algorithm().unwrap();
        for seed in 1..=5 {
            let mut random = Shuffle(seed);
            let mut document = Document::new(policy, hash);
            let mut late = Vec::new();
            for (version, body) in versions {
                let state = match random.below(3) {
                    0 => body.clone(),
                    1 => BodyState::Missing,
                    _ => BodyState::Unreadable,
                };
                if state != *body {
                    late.push((version.cid().clone(), body.clone()));
                }
                assert_eq!(document.insert(version, state), Admission::Admitted);
            }
            assert_eq!(document.incomplete().is_some(), !late.is_empty());
            while !late.is_empty() {
                let (cid, body) = late.swap_remove(random.below(late.len()));
                assert_eq!(document.body_arrived(&cid, body.clone()), Ok(Effect::Changed));
                assert_eq!(document.body_arrived(&cid, body), Ok(Effect::Unchanged));
            }
            check(&document, expected);
        }
    });
}

#[test]
fn forks_are_told_and_remove_nothing() {
    let mut forked = 0;
    for_each(|_, policy, versions| {
        let hash = versions[0].0.cid().hash_algorithm().unwrap();
        let document = shuffled(versions, policy, hash, 7);
        assert_eq!(document.len(), versions.len());
        for fork in document.forks() {
            assert!(
                fork.first < fork.second && document.contains(&fork.first) && document.contains(&fork.second)
            );
        }
        forked += usize::from(!document.forks().is_empty());
    });
    assert!(forked >= 3, "three documents have forks by design, {forked} found");
}

fn for_each(mut check: impl FnMut(&Json, DeletePolicy, &[(Version, BodyState)])) {
    let all = load(include_str!("versions.json"));
    let all: Vec<_> = all.as_array().unwrap().iter().map(|json| (version(json), body(json))).collect();
    let documents = load(include_str!("documents.json"));
    for document in documents.as_array().unwrap() {
        let document = &with_texts_and_lists(document);
        let policy = match document["delete"].as_str().unwrap() {
            "lww" => DeletePolicy::Lww,
            "add-wins" => DeletePolicy::AddWins,
            other => panic!("unknown policy {other}"),
        };
        let range = &document["versions"];
        let at = |i: usize| usize::try_from(range[i].as_u64().unwrap()).unwrap();
        check(document, policy, &all[at(0)..at(1)]);
    }
}

/// What a document shows since kinds 1 and 2 are known. The vectors were made when they were not: in two
/// documents clears of these kinds stand among operations that kill nothing, and now they kill `x`.
fn with_texts_and_lists(document: &Json) -> Json {
    let mut document = document.clone();
    if document["document"] == "unknown code kills nothing" {
        assert_eq!(document["view_cbor"], "a1617801", "{{\"x\": 1}}");
        let hash = cid(&document["content_cid"]).hash_algorithm().unwrap();
        document["view_cbor"] = Json::from("a0");
        document["content_cid"] = Json::from(Cid::dag_cbor(hash, &[0xa0]).to_string());
        document["live"].as_array_mut().unwrap().retain(|live| live[1] != 2);
    }
    document
}

/// Delivers in a random order; what is parked is delivered again, and a third of all twice.
fn shuffled(
    versions: &[(Version, BodyState)],
    policy: DeletePolicy,
    hash: HashAlgorithm,
    seed: u64,
) -> Document {
    let mut random = Shuffle(seed);
    let mut document = Document::new(policy, hash);
    let mut open: Vec<_> = versions.iter().collect();
    while !open.is_empty() {
        let (version, body) = open.swap_remove(random.below(open.len()));
        match document.insert(version, body.clone()) {
            Admission::Admitted if random.below(3) == 0 => {
                assert_eq!(document.insert(version, body.clone()), Admission::Known);
            }
            Admission::Admitted => {}
            Admission::Parked { missing } => {
                assert!(missing.iter().all(|parent| !document.contains(parent)));
                let at = versions.iter().position(|(other, _)| other.cid() == version.cid()).unwrap();
                open.push(&versions[at]);
            }
            other => panic!("{other:?}"),
        }
    }
    document
}

fn check(document: &Document, expected: &Json) {
    let name = expected["document"].as_str().unwrap();
    let cids = |json: &Json| json.as_array().unwrap().iter().map(cid).collect::<Vec<_>>();
    assert_eq!(document.heads(), cids(&expected["heads"]), "{name}");
    assert_eq!(document.version_id().unwrap(), cid(&expected["version_id"]), "{name}");
    assert_eq!(document.present(), expected["present"].as_bool().unwrap(), "{name}");
    let view = cbor::encode(&document.view().unwrap_or(Value::Null)).unwrap();
    assert_eq!(hex::encode(&view), hex::encode(bytes(&expected["view_cbor"])), "{name}");
    assert_eq!(document.content_cid(), cid(&expected["content_cid"]), "{name}");
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    let path = |json: &Json| FieldPath::new(json.as_array().unwrap().iter().map(text)).unwrap();
    let mut conflicts: Vec<_> = expected["conflicts"].as_array().unwrap().iter().map(path).collect();
    conflicts.sort();
    assert_eq!(document.conflicts(), conflicts, "{name}");
    let live = expected["live"].as_array().unwrap().iter().map(|live| {
        let replica = ReplicaId::from_bytes(array(&live[0]));
        (Dot::new(replica, live[1].as_u64().unwrap()), cid(&live[2]))
    });
    let mut live: Vec<_> = live.collect();
    live.sort();
    assert_eq!(document.live_dots(), live, "{name}");
    let greatest: BTreeMap<_, _> = live.iter().map(|(dot, _)| (dot.replica, dot.number)).collect();
    assert!(greatest.iter().all(|(replica, number)| document.max_dot(replica) >= *number), "{name}");
}
