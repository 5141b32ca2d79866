//! Any causal order and duplication of versions gives what the literal model gives.

use civic_crdt::document::BodyState;
use civic_crdt::laws::{Folder, Model};
use civic_crdt::root::Trie;
use civic_crdt::version::Version;
use civic_crdt::{Admission, Document};
use civic_types::id::DeletePolicy;
use civic_types::{DocumentId, HashAlgorithm, value};
use proptest::prelude::*;

use crate::common::{Device, meet};
use crate::history::{deliver, play, play_with, steps};

fn assert_same(document: &Document, versions: &[(Version, BodyState)], policy: DeletePolicy) {
    let mut model: Model = Folder::start(policy, HashAlgorithm::Sha2_256);
    for (version, body) in versions {
        assert_eq!(model.insert(version, body.clone()), Admission::Admitted);
    }
    assert_eq!(document.shown(), model.shown());
}

fn root(document: &Document) -> civic_types::Cid {
    let id = DocumentId::new("pump-3").unwrap();
    Trie::from_rows(HashAlgorithm::Sha2_256, [(&id, document.heads())]).root()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn documents_are_a_function_of_the_set(steps in steps(), seeds in any::<[u64; 3]>()) {
        let (devices, versions) = play(&steps);
        for policy in [DeletePolicy::Lww, DeletePolicy::AddWins] {
            let mut roots = Vec::new();
            for seed in seeds {
                let document = deliver(&versions, Document::new(policy, HashAlgorithm::Sha2_256), seed);
                assert_same(&document, &versions, policy);
                roots.push((root(&document), document.content_cid(), document.forks()));
            }
            prop_assert!(roots.windows(2).all(|pair| pair[0] == pair[1]));
        }
        for device in devices {
            assert_same(&device.document, &device.versions, DeletePolicy::Lww);
        }
    }

    #[test]
    fn more_writers_than_a_clock_holds_are_folded_the_same(steps in steps(), seed in any::<u64>()) {
        let mut devices: Vec<_> = (0..70).map(Device::new).collect();
        for i in 0..devices.len() {
            let before = devices[i.saturating_sub(1)].clone();
            devices[i].pull(&before);
            devices[i].put(&value!({"a": (i as u64), "b": {"c": 1}}));
        }
        // The last five, each of which has seen more than 64 writers or one fewer.
        let devices = devices.split_off(63);
        let (_, versions) = play_with(devices, &steps);
        let document = deliver(&versions, Document::default(), seed);
        assert_same(&document, &versions, DeletePolicy::Lww);
    }

    #[test]
    fn a_put_shows_exactly_the_value_and_a_second_one_is_empty(steps in steps(), value in plain_put()) {
        let (mut devices, _) = play(&steps);
        let device = &mut devices[0];
        let Ok(plan) = device.document.put(&device.document.heads(), &value) else { return Ok(()) };
        let hidden = device.document.live_dots().len();
        device.commit(&plan);
        let view = device.document.view().unwrap();
        // What an absent document hid of grow-only sets comes back with it.
        let shown = value.as_map().unwrap().iter().all(|(name, value)| view[name] == *value);
        let kept = value.as_map().unwrap().iter().any(|(_, v)| v.as_map().is_some()) && hidden > 0;
        prop_assert!(shown || kept, "{view} is not {value}");
        if view == value {
            prop_assert!(device.document.put(&device.document.heads(), &value).unwrap().is_empty());
        }
    }
}

fn plain_put() -> impl Strategy<Value = civic_types::Value> {
    prop_oneof![
        Just(value!({})),
        Just(value!({"a": 1})),
        Just(value!({"a": {"b": 1}, "b": []})),
        Just(value!({"a": {"b": {"c": 2}}, "c": "x"})),
    ]
}

#[test]
fn a_forged_kill_of_what_was_not_seen_kills_nothing() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    here.put(&value!({"a": 1}));
    here.put(&value!({"a": 2}));
    // The same bodies, but of somebody who has not seen the first one's versions.
    let forged = here.versions[1].0.inline_body().unwrap().clone();
    there.put(&value!({}));
    let mut header = there.versions[0].0.header().clone();
    header.body = civic_crdt::version::BodyRef::Inline(forged);
    header.operations = here.versions[1].0.header().operations;
    header.stamp.millis += 1;
    header.replica = civic_types::ReplicaId::from_bytes([3; 16]);
    let hostile = Version::from_header(&header, &civic_crdt::version::Rules::default()).unwrap();
    meet(&mut here, &mut there);
    let before = here.document.live_dots();
    let _ = here.take(&hostile, &BodyState::of(&hostile));
    assert!(before.iter().all(|dot| here.document.live_dots().contains(dot)));
}
