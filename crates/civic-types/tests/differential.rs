//! Our codec beside `serde_ipld_dagcbor`: what one takes, the other takes, with the same value and bytes.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

use std::collections::BTreeMap;

use civic_types::cbor::ErrorKind;
use civic_types::value::Float;
use civic_types::{Cid, HashAlgorithm, Value, cbor};
use ipld_core::ipld::Ipld;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::{Deserialize, Serialize};

/// Judges bytes by both; gives whether ours takes them.
///
/// The two known differences: the other codec refuses digests above 64 bytes, which the CID specification has,
/// and nests deeper than 64.
fn agree(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let ours = cbor::decode(bytes);
    let theirs = serde_ipld_dagcbor::from_slice::<Ipld>(bytes);
    match (&ours, &theirs) {
        (Ok(value), Ok(other)) => {
            prop_assert_eq!(&same(other), value);
            prop_assert_eq!(cbor::encode(value).unwrap(), bytes);
            prop_assert_eq!(serde_ipld_dagcbor::to_vec(other).unwrap(), bytes);
            // The serializers too, save for links, which each marks for itself alone.
            if !any_link(value, &|_| true) {
                prop_assert_eq!(cbor::to_vec(other).unwrap(), bytes);
                prop_assert_eq!(serde_ipld_dagcbor::to_vec(value).unwrap(), bytes);
                prop_assert_eq!(&serde_ipld_dagcbor::from_slice::<Value>(bytes).unwrap(), value);
                prop_assert_eq!(&cbor::from_slice::<Ipld>(bytes).unwrap(), other);
            }
        }
        (Ok(value), Err(e)) => prop_assert!(any_link(value, &is_long), "only ours takes {value:?}: {e}"),
        (Err(e), Ok(_)) if e.kind == ErrorKind::Depth => {}
        (Err(e), Ok(other)) => {
            // Theirs may read what it would not write, never what it would.
            let again = serde_ipld_dagcbor::to_vec(other).unwrap();
            prop_assert_ne!(again, bytes, "only theirs takes {:?}: {}", other, e);
        }
        (Err(_), Err(_)) => {}
    }
    Ok(ours.is_ok())
}

fn same(other: &Ipld) -> Value {
    match other {
        Ipld::Null => Value::Null,
        Ipld::Bool(value) => (*value).into(),
        Ipld::Integer(value) => Value::Int((*value).try_into().unwrap()),
        Ipld::Float(value) => Value::Float(Float::new(*value).unwrap()),
        Ipld::String(value) => value.as_str().into(),
        Ipld::Bytes(value) => Value::Bytes(value.clone()),
        Ipld::List(values) => Value::List(values.iter().map(same).collect()),
        Ipld::Map(map) => Value::Map(map.iter().map(|(key, value)| (key.as_str(), same(value))).collect()),
        Ipld::Link(cid) => Value::Link(Cid::from_bytes(&cid.to_bytes()).unwrap()),
    }
}

fn any_link(value: &Value, is: &dyn Fn(&Cid) -> bool) -> bool {
    match value {
        Value::Link(cid) => is(cid),
        Value::List(values) => values.iter().any(|value| any_link(value, is)),
        Value::Map(map) => map.iter().any(|(_, value)| any_link(value, is)),
        _ => false,
    }
}

/// Whether the digest may be longer than the other codec holds.
fn is_long(cid: &Cid) -> bool {
    cid.as_bytes().len() > 64
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-30_i64..300).prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |f| Float::new(f).map(Value::Float)),
        ".{0,12}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        any::<u8>().prop_map(|n| Value::Link(Cid::raw(HashAlgorithm::Blake3, &[n]))),
    ];
    leaf.prop_recursive(4, 48, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::List),
            prop::collection::vec((".{0,6}", inner), 0..8)
                .prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
        ]
    })
}

/// Heads, often of what is just not canonical.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => any::<u8>().prop_map(|byte| vec![byte]),
        2 => (0_u8..8, 24_u8..28, any::<u64>(), 0_u32..64).prop_map(|(major, info, argument, shift)| {
            let width = 1 << (info - 24);
            [&[major << 5 | info], &(argument >> shift).to_be_bytes()[8 - width..]].concat()
        }),
        1 => Just(b"\x61a".to_vec()),
        1 => Just(b"\x61b".to_vec()),
        1 => Just(b"\xd8\x2a\x45\0\x01\x55\0\0".to_vec()),
        1 => (0_u8..5).prop_map(|n| vec![0x80 | n]),
        1 => (0_u8..4).prop_map(|n| vec![0xa0 | n]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn both_take_what_values_encode_to(value in value()) {
        prop_assert!(agree(&cbor::encode(&value).unwrap())?);
    }

    #[test]
    fn both_judge_a_changed_byte_alike(
        value in value(), changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = cbor::encode(&value).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        agree(&bytes)?;
    }

    #[test]
    fn both_judge_random_heads_alike(pieces in prop::collection::vec(piece(), 0..12)) {
        agree(&pieces.concat())?;
    }
}

/// Random input proves nothing if nothing of it is taken: every one of two bytes, and how many are.
#[test]
fn both_judge_every_two_bytes_alike() {
    let taken = |n: &u16| agree(&n.to_be_bytes()).unwrap();
    assert_eq!((0..=u16::MAX).filter(taken).count(), 903);
}

#[test]
fn long_digests_and_deep_nesting_are_the_differences() {
    let link = |digest: usize| {
        let cid = [&[1, 0x55, 0, u8::try_from(digest).unwrap()], &vec![7; digest][..]].concat();
        cbor::encode(&Value::Link(Cid::from_bytes(&cid).unwrap())).unwrap()
    };
    assert!(cbor::decode(&link(64)).is_ok() && serde_ipld_dagcbor::from_slice::<Ipld>(&link(64)).is_ok());
    assert!(cbor::decode(&link(65)).is_ok() && serde_ipld_dagcbor::from_slice::<Ipld>(&link(65)).is_err());

    let nested = |depth: usize| [vec![0x81; depth - 1], vec![0x80]].concat();
    assert!(cbor::decode(&nested(64)).is_ok() && serde_ipld_dagcbor::from_slice::<Ipld>(&nested(64)).is_ok());
    assert!(
        cbor::decode(&nested(65)).is_err() && serde_ipld_dagcbor::from_slice::<Ipld>(&nested(65)).is_ok()
    );
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Report {
    what: Kind,
    zone: String,
    at: (i64, u64),
    x: f64,
    note: Option<String>,
    by: BTreeMap<String, Vec<Kind>>,
    ok: bool,
    none: (),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Dry,
    Moved(String),
    Leaking { litres: u32, a: i8 },
    Split(u8, i16),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Dry),
        ".{0,8}".prop_map(Kind::Moved),
        (any::<u32>(), any::<i8>()).prop_map(|(litres, a)| Kind::Leaking { litres, a }),
        (any::<u8>(), any::<i16>()).prop_map(|(a, b)| Kind::Split(a, b)),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let by = prop::collection::btree_map(".{0,5}", prop::collection::vec(kind(), 0..4), 0..5);
    let x = any::<f64>().prop_filter("finite", |x| x.is_finite());
    (kind(), ".{0,30}", any::<(i64, u64)>(), x, any::<Option<String>>(), by, any::<bool>())
        .prop_map(|(what, zone, at, x, note, by, ok)| Report { what, zone, at, x, note, by, ok, none: () })
}

proptest! {
    #[test]
    fn both_write_and_read_structs_alike(report in report(), at in any::<Index>(), byte in any::<u8>()) {
        let mut bytes = cbor::to_vec(&report).unwrap();
        prop_assert_eq!(&bytes, &serde_ipld_dagcbor::to_vec(&report).unwrap());
        prop_assert_eq!(&cbor::from_slice::<Report>(&bytes).unwrap(), &report);
        prop_assert_eq!(&serde_ipld_dagcbor::from_slice::<Report>(&bytes).unwrap(), &report);
        // Of changed bytes ours takes no more than theirs, and means the same by it.
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = cbor::from_slice::<Report>(&bytes) {
            prop_assert_eq!(serde_ipld_dagcbor::from_slice::<Report>(&bytes).ok(), Some(read));
        }
    }
}
