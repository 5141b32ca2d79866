use std::time::Duration;

use civic_crypto::DeviceKey;

use super::*;
use crate::envelope::{DEFAULT_MAX_HOPS, EnvelopeFields, Priority, Ttl};

/// 2026-06-01.
const NOW: Timestamp = Timestamp::from_millis(1_780_272_000_000);
const DAY_S: u32 = 24 * 3600;

fn key(seed: u8) -> DeviceKey {
    DeviceKey::from_seed(&[seed; 32])
}

fn receiver() -> Receiver {
    Receiver::new(key(2).peer_id(), "test", ReceiveConfig::default(), [3; 32])
}

fn fields(created_s: u32) -> EnvelopeFields {
    EnvelopeFields {
        message_type: 1,
        priority: Priority::Normal,
        recipient: Some(key(2).peer_id()),
        created_s,
        ttl: Ttl::MAX,
        max_hops: DEFAULT_MAX_HOPS,
        n: 0,
        payload: "hello".into(),
    }
}

fn now_s() -> u32 {
    u32::try_from(NOW.as_secs()).unwrap()
}

fn signed(fields: EnvelopeFields) -> SignedEnvelope {
    SignedEnvelope::sign(&key(1), "test", fields).unwrap()
}

#[test]
fn a_replay_is_dropped_and_another_recipient_is_told_apart() {
    let mut receiver = receiver();
    let envelope = signed(fields(now_s()));
    let wire = Envelope::from(envelope.clone()).encode_wire();
    let arrival = receiver.receive(NOW, TimeTrust::Trusted, &wire).unwrap();
    assert_eq!(arrival.signed.unwrap().addressed, Addressed::Me);
    let id = envelope.id("test").unwrap();
    assert_eq!(receiver.receive(NOW, TimeTrust::Trusted, &wire), Err(Refusal::Duplicate { id }));
    let hopped = Envelope::from(envelope.hop().unwrap()).encode_wire();
    assert_eq!(receiver.receive(NOW, TimeTrust::Trusted, &hopped), Err(Refusal::Duplicate { id }));
    let other = signed(EnvelopeFields { recipient: Some(key(3).peer_id()), ..fields(now_s()) });
    assert_eq!(receiver.check(NOW, TimeTrust::Trusted, &other).unwrap().1, Addressed::Another);
    let all = signed(EnvelopeFields { recipient: None, ..fields(now_s()) });
    assert_eq!(receiver.check(NOW, TimeTrust::Trusted, &all).unwrap().1, Addressed::Everybody);
}

#[test]
fn a_copy_with_a_bad_signature_never_poisons_the_genuine_one() {
    let envelope = signed(fields(now_s()));
    let wire = Envelope::from(envelope.clone()).encode_wire();
    // The recipient's id stands behind 41 bytes, and its first eight are signed.
    let unsigned = 41 + 8..41 + PeerId::LEN;
    // The first byte says that it is signed, which only a link with integrity of its own carries.
    for at in 1..wire.len() {
        let mut receiver = receiver();
        let mut copy = wire.to_vec();
        copy[at] ^= 1;
        match receiver.receive(NOW, TimeTrust::Trusted, &copy.into()) {
            // The last byte counts hops.
            Ok(arrival) => {
                assert!(unsigned.contains(&at) || at == wire.len() - 1, "byte {at}");
                assert_eq!(arrival.signed.unwrap().addressed, Addressed::Me, "byte {at}");
            }
            Err(_) => assert!(receiver.receive(NOW, TimeTrust::Trusted, &wire).is_ok(), "byte {at}"),
        }
    }
    let mut receiver = receiver();
    let mut copy = envelope.encode_full();
    let signature = copy.len() - 2;
    copy[signature] ^= 1;
    let copy = SignedEnvelope::decode_full(&copy.into()).unwrap();
    let refused = receiver.check(NOW, TimeTrust::Trusted, &copy).unwrap_err();
    assert_eq!(refused, Refusal::Envelope(EnvelopeError::Signature));
    assert!(refused.is_misbehaviour());
    assert!(receiver.check(NOW, TimeTrust::Trusted, &envelope).is_ok());
}

#[test]
fn the_window_is_five_minutes_ahead_and_seven_days_back_unless_time_is_untrusted() {
    let mut receiver = receiver();
    let cases =
        [(300, true), (301, false), (-7 * i64::from(DAY_S), true), (-7 * i64::from(DAY_S) - 1, false)];
    for (n, (offset, taken)) in (0..).zip(cases) {
        let created_s = u32::try_from(i64::from(now_s()) + offset).unwrap();
        let envelope = signed(EnvelopeFields { n, ..fields(created_s) });
        assert_eq!(receiver.check(NOW, TimeTrust::Trusted, &envelope).is_ok(), taken, "{offset}");
        if !taken {
            // It was not remembered either.
            assert!(receiver.check(NOW, TimeTrust::Untrusted, &envelope).is_ok(), "{offset}");
        }
    }
    assert_eq!(TimeTrust::of(Timestamp::from_millis(0)), TimeTrust::Untrusted);
    assert_eq!(TimeTrust::of(NOW), TimeTrust::Trusted);
}

#[test]
fn an_envelope_expires_by_creation_or_by_receipt_whichever_is_earlier() {
    let hour = Duration::from_secs(3600);
    let ttl = Ttl::at_least(hour);
    let envelope = signed(EnvelopeFields { ttl, ..fields(now_s() - 60) });
    let minute_ago = Timestamp::from_millis(NOW.as_millis() - 60_000);
    assert_eq!(envelope.expires_at(NOW, TimeTrust::Trusted), minute_ago.saturating_add(hour));
    assert_eq!(envelope.expires_at(NOW, TimeTrust::Untrusted), NOW.saturating_add(hour));
    let ahead = signed(EnvelopeFields { ttl, ..fields(now_s() + 60) });
    assert_eq!(ahead.expires_at(NOW, TimeTrust::Trusted), NOW.saturating_add(hour));
}

#[test]
fn the_table_remembers_the_last_ids_in_fixed_memory() {
    let id = |i: u64| EnvelopeId::from_bytes(u128::from(i).to_be_bytes());
    let mut dedup = Dedup::new(100, [0; 32]);
    for i in 0..1000 {
        assert!(!dedup.contains(&id(i)));
        dedup.insert(&id(i));
        assert!((i.saturating_sub(99)..=i).all(|j| dedup.contains(&id(j))), "{i}");
    }
    assert!(!dedup.contains(&id(799)));
}
