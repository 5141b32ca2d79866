use bytes::Bytes;
use civic_crypto::{DeviceKey, Verifier};

use super::*;

fn fields() -> EnvelopeFields {
    EnvelopeFields {
        message_type: 9,
        priority: Priority::High,
        recipient: None,
        created_s: 1_780_000_000,
        ttl: Ttl::MAX,
        max_hops: 2,
        n: 7,
        payload: Bytes::from_static(b"payload"),
    }
}

fn key() -> DeviceKey {
    DeviceKey::from_seed(&[1; 32])
}

#[test]
fn every_flipped_bit_of_the_full_form_is_refused_but_hops() {
    let envelope = SignedEnvelope::sign(&key(), "test", fields()).unwrap();
    let bytes = envelope.encode_full();
    let verifier = Verifier::new();
    let accepted = |bytes: Vec<u8>| {
        let decoded = SignedEnvelope::decode_full(&bytes.into());
        decoded.is_ok_and(|envelope| envelope.verify(&verifier, "test").is_ok())
    };
    assert!(accepted(bytes.clone()));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut copy = bytes.clone();
            copy[at] ^= 1 << bit;
            // Hops stand in the last byte and may be 0, 1 or 2.
            assert_eq!(accepted(copy), at == bytes.len() - 1 && bit < 2, "bit {bit} of byte {at}");
        }
        assert!(!accepted(bytes[..at].to_vec()), "cut at {at}");
    }
}

#[test]
fn what_cannot_be_encoded_cannot_be_signed() {
    let hops = SignedEnvelope::sign(&key(), "test", EnvelopeFields { max_hops: 16, ..fields() });
    assert_eq!(hops, Err(EnvelopeError::MaxHops { got: 16 }));
    let payload = vec![0; 1024 * 1024 + 1].into();
    let large = SignedEnvelope::sign(&key(), "test", EnvelopeFields { payload, ..fields() });
    assert!(matches!(large, Err(EnvelopeError::TooLarge { .. })));
    let net = SignedEnvelope::sign(&key(), &"n".repeat(256), fields());
    assert!(matches!(net, Err(EnvelopeError::Network { .. })));
}

#[test]
fn hops_grow_up_to_their_cap_and_the_id_stays() {
    let envelope = SignedEnvelope::sign(&key(), "test", fields()).unwrap();
    let twice = envelope.hop().and_then(|e| e.hop()).unwrap();
    assert_eq!((twice.hops(), twice.id("test")), (2, envelope.id("test")));
    assert_eq!(twice.hop(), Err(EnvelopeError::Hops { hops: 2, max_hops: 2 }));
}

#[test]
fn the_largest_envelopes_fit_the_stated_bounds_and_larger_ones_are_refused() {
    let largest = |payload: Bytes| EnvelopeFields {
        message_type: u8::MAX,
        recipient: Some(key().peer_id()),
        created_s: u32::MAX,
        max_hops: MAX_HOPS,
        n: u16::MAX,
        payload,
        ..fields()
    };
    let payload = Bytes::from(vec![0; civic_types::limits::MAX_PAYLOAD_BYTES]);
    let envelope = Envelope::from(SignedEnvelope::sign(&key(), "test", largest(payload.clone())).unwrap());
    let wire = envelope.encode_wire();
    assert!(wire.len() <= MAX_WIRE_BYTES);
    assert_eq!(Envelope::decode_wire(&wire), Ok(envelope));
    let local = LocalEnvelope { message_type: 0, priority: Priority::Bulk, payload };
    let longer = [local.encode(), vec![0]].concat().into();
    assert!(matches!(LocalEnvelope::decode(&longer), Err(EnvelopeError::TooLarge { .. })));
}

#[test]
fn local_envelopes_and_foreign_kinds_are_read_strictly() {
    let envelope = Envelope::local(3, "hi");
    assert_eq!(envelope.encode_wire(), [KIND_LOCAL, 3, 2, b'h', b'i'].as_slice());
    assert_eq!(Envelope::decode_wire(&envelope.encode_wire()), Ok(envelope));
    let refused = |bytes: &'static [u8]| Envelope::decode_wire(&Bytes::from_static(bytes)).unwrap_err();
    assert_eq!(refused(&[]), EnvelopeError::Truncated { got: 0 });
    assert_eq!(refused(&[KIND_LOCAL, 3]), EnvelopeError::Truncated { got: 1 });
    assert_eq!(refused(&[KIND_LOCAL, 3, 5]), EnvelopeError::Priority { got: 5 });
    assert_eq!(refused(&[9, 3, 2]), EnvelopeError::Kind { got: 9 });
}
