use proptest::prelude::*;

use super::*;
use crate::value::{Float, Int, Map};
use crate::{Cid, HashAlgorithm};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (any::<bool>(), any::<u64>()).prop_map(|(sign, n)| Value::Int(Int::from_sign_and_magnitude(sign, n))),
        any::<f64>().prop_filter_map("finite", |f| Float::new(f).map(Value::Float)),
        ".{0,12}".prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        any::<u8>().prop_map(|n| Value::Link(Cid::raw(HashAlgorithm::Sha2_256, &[n]))),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::List),
            prop::collection::vec((".{0,6}", inner), 0..8)
                .prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn values_round_trip_and_skipping_walks_the_same_bytes(value in value()) {
        let bytes = encode(&value).unwrap();
        prop_assert_eq!(&decode(&bytes).unwrap(), &value);
        let mut input = Decoder::new(&bytes);
        prop_assert_eq!(input.raw().unwrap(), &bytes[..]);
        prop_assert!(input.finish().is_ok());
    }

    #[test]
    fn whatever_is_accepted_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let decoded = decode(&bytes);
        let mut input = Decoder::new(&bytes);
        let skipped = input.raw().and_then(|_| input.finish());
        prop_assert_eq!(decoded.as_ref().map(|_| ()).map_err(|e| *e), skipped);
        if let Ok(value) = decoded {
            prop_assert_eq!(encode(&value).unwrap(), bytes);
        }
    }

    #[test]
    fn the_public_codec_agrees_on_what_we_write(value in value()) {
        let ours = encode(&value).unwrap();
        let theirs: ipld_core::ipld::Ipld = serde_ipld_dagcbor::from_slice(&ours).unwrap();
        prop_assert_eq!(serde_ipld_dagcbor::to_vec(&theirs).unwrap(), ours);
    }
}

#[test]
fn each_offence_has_its_kind_and_offset() {
    use ErrorKind::*;
    let cases: &[(&str, ErrorKind, usize)] = &[
        ("", UnexpectedEnd, 0),
        ("1800", NonMinimal, 0),
        ("1817", NonMinimal, 0),
        ("1900ff", NonMinimal, 0),
        ("1a0000ffff", NonMinimal, 0),
        ("1b00000000ffffffff", NonMinimal, 0),
        ("5800", NonMinimal, 0),
        ("1c", Reserved, 0),
        ("1f", Reserved, 0),
        ("5fff", Indefinite, 0),
        ("9fff", Indefinite, 0),
        ("bfff", Indefinite, 0),
        ("ff", Indefinite, 0),
        ("0000", Trailing, 1),
        ("4401", UnexpectedEnd, 1),
        ("61ff", Utf8, 0),
        ("9bffffffffffffffff", UnexpectedEnd, 9),
        ("a201000200", KeyType, 1),
        ("a2616100616100", KeyOrder, 4),
        ("a262616100616200", KeyOrder, 5),
        ("a2616200616100", KeyOrder, 4),
        ("c100", Tag, 0),
        ("d82b4100", Tag, 0),
        ("d82a00", Cid, 2),
        ("d82a40", Cid, 2),
        ("d82a4101", Cid, 2),
        ("f7", Simple, 0),
        ("f800", Simple, 0),
        ("f90000", Float, 0),
        ("fa00000000", Float, 0),
        ("fb7ff0000000000000", Float, 0),
        ("fb7ff8000000000000", Float, 0),
    ];
    for (text, kind, offset) in cases {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        assert_eq!(decode(&bytes), Err(Error { kind: *kind, offset: *offset }), "{text}");
    }
}

#[test]
fn nesting_is_bounded_for_reading_and_writing() {
    let at_limit = [vec![0x81; MAX_DEPTH - 1], vec![0x80]].concat();
    assert!(decode(&at_limit).is_ok());
    let beyond = [vec![0x81; MAX_DEPTH], vec![0x80]].concat();
    assert_eq!(decode(&beyond), Err(Error { kind: ErrorKind::Depth, offset: MAX_DEPTH }));
    let mut value = decode(&at_limit).unwrap();
    assert!(encode(&value).is_ok());
    value = Value::Map(Map::from_iter([("a", value)]));
    assert_eq!(encode(&value).unwrap_err().kind, ErrorKind::Depth);
}

const MAX_DEPTH: usize = crate::limits::MAX_CBOR_DEPTH;
