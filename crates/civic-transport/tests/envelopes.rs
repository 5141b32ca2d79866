//! Agreement with the vectors of an independent implementation of the formats.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use bytes::Bytes;
use civic_crypto::Verifier;
use civic_transport::SignedEnvelope;
use civic_transport::envelope::{CompactEnvelope, EnvelopeError, SenderTime};
use civic_types::label::Label;
use civic_types::{PeerId, PublicKey};
use serde_json::Value;

fn vectors() -> Value {
    let all: Value = serde_json::from_str(include_str!("vectors/envelopes.json")).unwrap();
    all["data"].clone()
}

fn bytes(value: &Value) -> Bytes {
    hex::decode(value.as_str().unwrap()).unwrap().into()
}

fn key(value: &Value) -> PublicKey {
    PublicKey::from_bytes(bytes(value).as_ref().try_into().unwrap())
}

fn check_fields(good: &Value, envelope: &SignedEnvelope) {
    let fields = envelope.fields();
    let numbers = [
        ("type", u64::from(fields.message_type)),
        ("priority", fields.priority.code().into()),
        ("created_s", fields.created_s.into()),
        ("ttl_code", fields.ttl.code().into()),
        ("ttl_s", fields.ttl.duration().as_secs()),
        ("max_hops", fields.max_hops.into()),
        ("n", fields.n.into()),
        ("hops", envelope.hops().into()),
    ];
    for (name, number) in numbers {
        assert_eq!(good[name].as_u64(), Some(number), "{name}");
    }
    assert_eq!(envelope.sender(), &key(&good["sender"]));
    assert_eq!(fields.payload, bytes(&good["payload"]));
    assert_eq!(envelope.signature().as_bytes(), bytes(&good["signature"]).as_ref());
    let recipient = fields.recipient.map(|peer| hex::encode(peer.as_bytes()));
    assert_eq!(recipient.as_deref(), good["recipient"].as_str());
}

#[test]
fn good_envelopes_have_the_stated_bytes_in_both_forms_and_verify() {
    let (all, verifier) = (vectors(), Verifier::new());
    let good = all["good"].as_array().unwrap();
    assert_eq!(good.len(), 24);
    for good in good {
        let net = good["net"].as_str().unwrap();
        let envelope = SignedEnvelope::decode_full(&bytes(&good["full"])).unwrap();
        check_fields(good, &envelope);
        assert_eq!(envelope.verify(&verifier, net), Ok(()));
        assert_eq!(envelope.encode_full(), bytes(&good["full"]));
        let id = envelope.id(net).unwrap();
        assert_eq!(hex::encode(id.as_bytes()), good["id"].as_str().unwrap());
        assert_eq!(id.to_string().replace('-', ""), good["id"].as_str().unwrap());
        assert!(bytes(&good["signed"]).starts_with(Label::MESSAGE.as_bytes()));

        let compact = CompactEnvelope::decode(&bytes(&good["compact"])).unwrap();
        assert_eq!(compact.verify(&verifier, net, envelope.sender()), Ok(()));
        assert_eq!(compact.id(net, envelope.sender()), Ok(id));
        assert_eq!(compact.encode(), bytes(&good["compact"]));
        assert_eq!(CompactEnvelope::new(&envelope, SenderTime::Trusted), compact);
        assert_eq!(compact.resolve(*envelope.sender(), envelope.fields().recipient), Ok(envelope));
    }
}

#[test]
fn refused_envelopes_are_refused_for_their_reason() {
    let (all, verifier) = (vectors(), Verifier::new());
    let refused = all["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 17);
    for refused in refused {
        let (why, net) = (refused["why"].as_str().unwrap(), refused["net"].as_str().unwrap());
        let error = if refused["full"].is_string() {
            SignedEnvelope::decode_full(&bytes(&refused["full"])).and_then(|e| e.verify(&verifier, net))
        } else {
            let compact = CompactEnvelope::decode(&bytes(&refused["compact"]));
            compact.and_then(|e| e.verify(&verifier, net, &key(&refused["sender"])))
        };
        let error = error.expect_err(why);
        let named = match why.trim_start_matches("compact: ") {
            "priority 5" => error == EnvelopeError::Priority { got: 5 },
            "ttl code 21" => error == EnvelopeError::TtlCode { got: 21 },
            "hops above max_hops" => matches!(error, EnvelopeError::Hops { .. }),
            "max_hops 16" => error == EnvelopeError::MaxHops { got: 16 },
            "unknown version" => error == EnvelopeError::Version { got: 2 },
            "unknown flag" => matches!(error, EnvelopeError::Flags { .. }),
            "13 elements" => error == EnvelopeError::Elements { got: 13 },
            "payload as text" | "recipient of 31 bytes" | "trailing byte" => {
                matches!(error, EnvelopeError::Cbor(_))
            }
            "bad signature" | "other network" | "a bit flipped" => error == EnvelopeError::Signature,
            other => panic!("a reason without a rule: {other}"),
        };
        assert!(named, "{why}: {error:?}");
    }
}

#[test]
fn a_short_id_stands_for_its_own_peer_only() {
    let all = vectors();
    let good = all["good"].as_array().unwrap().iter().find(|good| good["recipient"].is_string()).unwrap();
    let compact = CompactEnvelope::decode(&bytes(&good["compact"])).unwrap();
    let sender = key(&good["sender"]);
    let stranger = PublicKey::from_bytes([7; 32]);
    assert_eq!(compact.clone().resolve(stranger, None), Err(EnvelopeError::ShortId));
    assert_eq!(compact.clone().resolve(sender, None), Err(EnvelopeError::ShortId));
    let another = Some(PeerId::from_bytes([7; 32]));
    assert_eq!(compact.resolve(sender, another), Err(EnvelopeError::ShortId));
}
