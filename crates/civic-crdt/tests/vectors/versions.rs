use civic_crdt::version::{BodyRef, Header};
use civic_types::Cid;

use crate::common::{body, bytes, cid, load, rules, version};

#[test]
fn every_header_decodes_to_its_cid_and_encodes_to_its_bytes() {
    let versions = load(include_str!("versions.json"));
    let versions = versions.as_array().unwrap();
    assert_eq!(versions.len(), 367);
    let mut linked = 0;
    for json in versions {
        let version = version(json);
        assert_eq!(version.cid(), &cid(&json["cid"]));
        assert_eq!(version.header().encode(), bytes(&json["header"]));
        assert_eq!(version.header().document.as_str(), json["document"].as_str().unwrap());
        assert_eq!(hex::encode(version.header().replica.as_bytes()), json["replica"].as_str().unwrap());
        match &version.header().body {
            BodyRef::Inline(inline) => assert_eq!(*inline, bytes(&json["body"])),
            BodyRef::Link(link) => {
                assert_eq!(*link, Cid::raw(rules(json).hash, &bytes(&json["body"])));
                linked += 1;
            }
        }
        assert!(matches!(body(json), civic_crdt::document::BodyState::Readable(_)));
    }
    assert!(linked > 0, "some bodies are linked");
}

#[test]
fn a_changed_byte_of_a_header_is_refused_or_another_version() {
    let versions = load(include_str!("versions.json"));
    for json in versions.as_array().unwrap().iter().step_by(40) {
        let good = bytes(&json["header"]);
        for at in 0..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 0x01;
            if let Ok(header) = Header::decode(&bad.clone().into(), &rules(json)) {
                assert_eq!(header.encode(), bad, "what is accepted is canonical");
            }
        }
    }
}
