use bytes::Bytes;
use civic_crdt::document::BodyState;
use civic_crdt::version::{Rules, Verify, Version};
use civic_types::id::Writers;
use civic_types::label::Label;
use civic_types::{Cid, PublicKey, Signature};
use ed25519_dalek::VerifyingKey;
use serde_json::Value as Json;

pub(crate) fn load(text: &str) -> Json {
    let mut file: Json = serde_json::from_str(text).unwrap();
    file["data"].take()
}

pub(crate) fn bytes(json: &Json) -> Bytes {
    hex::decode(json.as_str().unwrap()).unwrap().into()
}

pub(crate) fn array<const N: usize>(json: &Json) -> [u8; N] {
    bytes(json)[..].try_into().unwrap()
}

pub(crate) fn cid(json: &Json) -> Cid {
    json.as_str().unwrap().parse().unwrap()
}

/// The collection's hash, which its CIDs tell.
pub(crate) fn rules(json: &Json) -> Rules {
    Rules { hash: cid(&json["cid"]).hash_algorithm().unwrap(), writers: Writers::Open }
}

pub(crate) fn version(json: &Json) -> Version {
    Version::decode(bytes(&json["header"]), &rules(json)).unwrap()
}

/// The body as the vectors give it: the block, where it is linked.
pub(crate) fn body(json: &Json) -> BodyState {
    BodyState::Readable(bytes(&json["body"]))
}

pub(crate) fn signature(json: &Json) -> Option<Signature> {
    json.is_string().then(|| Signature::from_bytes(array(json)))
}

/// The one rule of verification, for tests.
#[derive(Debug)]
pub(crate) struct Strict;

impl Verify for Strict {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        let signed = [Label::ITEM.as_bytes(), message].concat();
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        VerifyingKey::from_bytes(key.as_bytes())
            .is_ok_and(|key| key.verify_strict(&signed, &signature).is_ok())
    }
}

/// A reproducible shuffle without a dependency: xorshift.
#[derive(Debug)]
pub(crate) struct Shuffle(pub(crate) u64);

impl Shuffle {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}
