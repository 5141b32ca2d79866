//! Versions that came in a pack add up to the same documents in whatever order, and however often, they come.
#![no_main]

use std::collections::BTreeMap;

use civic_crdt::Document;
use civic_crdt::document::BodyState;
use civic_crdt::version::pack::{PackedVersion, unpack};
use civic_crdt::version::{Admission, Rules};
use civic_types::DocumentKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(unpacked) = unpack(data, |_| Some(Rules::default())) else { return };
    let forth = documents(unpacked.versions.iter());
    let back = documents(unpacked.versions.iter().rev());
    let twice = documents(unpacked.versions.iter().chain(&unpacked.versions).rev());
    for other in [&back, &twice] {
        assert!(forth.keys().eq(other.keys()));
        for (one, two) in forth.values().zip(other.values()) {
            assert_eq!(one.heads(), two.heads());
            assert_eq!(one.len(), two.len());
            assert_eq!(one.view(), two.view());
            assert_eq!(one.conflicts(), two.conflicts());
            assert_eq!(one.content_cid(), two.content_cid());
            assert_eq!(one.live_dots(), two.live_dots());
        }
    }
});

/// All that can be admitted, tried again while anything new is.
fn documents<'a>(versions: impl Iterator<Item = &'a PackedVersion>) -> BTreeMap<DocumentKey, Document> {
    let mut documents: BTreeMap<DocumentKey, Document> = BTreeMap::new();
    let mut waiting: Vec<&PackedVersion> = versions.collect();
    loop {
        let before = waiting.len();
        waiting.retain(|packed| {
            let document = documents.entry(packed.version.key()).or_default();
            let body = match &packed.block {
                Some(block) => BodyState::Readable(block.clone()),
                None => BodyState::of(&packed.version),
            };
            matches!(document.insert(&packed.version, body), Admission::Parked { .. })
        });
        if waiting.len() == before {
            return documents;
        }
    }
}
