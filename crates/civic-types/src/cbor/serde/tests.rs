use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};

use super::*;
use crate::cbor::{self, Error, ErrorKind};
use crate::{Cid, HashAlgorithm, PeerId, Value, from_value, to_value, value};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pump {
    status: Status,
    needs: i64,
    crew: Vec<String>,
    note: Option<String>,
    photo: Cid,
    extra: BTreeMap<String, Value>,
    at: (f64, f64),
    by: PeerId,
    tags: BTreeMap<Name, char>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Name(String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Status {
    Dry,
    Leaking { litres: u32, since: u8 },
    Moved(String),
    Split(u8, i128),
}

fn pump(status: Status) -> Pump {
    let photo = Cid::raw(HashAlgorithm::Blake3, b"photo");
    let extra = BTreeMap::from([
        ("link".to_owned(), Value::Link(photo.clone())),
        ("n".to_owned(), value!([1, null, {"deep": [true, -7]}])),
        ("great".to_owned(), Value::Int(crate::value::Int::MIN)),
    ]);
    Pump {
        status,
        needs: -3,
        crew: vec!["Åsa".into()],
        note: None,
        photo,
        extra,
        at: (57.7, 11.97),
        by: PeerId::from_bytes([9; 32]),
        tags: BTreeMap::from([(Name("long".into()), 'å'), (Name("x".into()), 'y')]),
    }
}

fn every_status() -> [Status; 4] {
    [
        Status::Dry,
        Status::Leaking { litres: 4, since: 9 },
        Status::Moved("kajen".into()),
        Status::Split(1, -(1 << 64)),
    ]
}

#[test]
fn structs_have_the_bytes_of_their_value_and_come_back() {
    for status in every_status() {
        let pump = pump(status);
        let bytes = to_vec(&pump).unwrap();
        assert_eq!(bytes, cbor::encode(&to_value(&pump).unwrap()).unwrap());
        assert_eq!(from_slice::<Pump>(&bytes).unwrap(), pump);
        assert_eq!(from_slice::<Value>(&bytes).unwrap(), cbor::decode(&bytes).unwrap());
        assert_eq!(from_value::<Pump>(cbor::decode(&bytes).unwrap()).unwrap(), pump);
    }
}

#[test]
fn text_and_bytes_are_borrowed_from_the_input() {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        text: &'a str,
        bytes: &'a [u8],
    }
    let bytes = cbor::encode(&value!({"text": "kajen", "bytes": (Value::Bytes(vec![1, 2]))})).unwrap();
    let read: Borrowed<'_> = from_slice(&bytes).unwrap();
    let range = bytes.as_ptr_range();
    assert_eq!((read.text, read.bytes), ("kajen", &[1_u8, 2][..]));
    assert!(range.contains(&read.text.as_ptr()) && range.contains(&read.bytes.as_ptr()));
}

#[test]
fn links_stay_links_through_flattened_and_untagged_types() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        photo: Cid,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Link(Cid),
        Number(i64),
    }
    let photo = Cid::raw(HashAlgorithm::Sha2_256, b"photo");
    let rest = BTreeMap::from([("a".to_owned(), Value::Link(photo.clone())), ("zz".to_owned(), value!(1))]);
    let flat = Flat { photo: photo.clone(), rest };
    let bytes = to_vec(&flat).unwrap();
    assert_eq!(bytes, cbor::encode(&to_value(&flat).unwrap()).unwrap());
    assert_eq!(from_slice::<Flat>(&bytes).unwrap(), flat);
    let either = vec![Either::Link(photo), Either::Number(3)];
    assert_eq!(from_slice::<Vec<Either>>(&to_vec(&either).unwrap()).unwrap(), either);
    assert_eq!(from_value::<Vec<Either>>(to_value(&either).unwrap()).unwrap(), either);
    let json = serde_json::to_string(&either).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Either>>(&json).unwrap(), either);
}

#[test]
fn what_canonical_bytes_cannot_hold_is_refused_with_its_place() {
    struct Twice;
    impl Serialize for Twice {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("b", &1)?;
            map.serialize_entry("a", &2)?;
            map.serialize_entry("b", &3)?;
            map.end()
        }
    }
    let refused = |result: Result<Vec<u8>, SerdeError>| match result {
        Err(SerdeError::Codec(Error { kind, offset })) => (kind, offset),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(to_vec(&[1.0, f64::NAN])), (ErrorKind::Float, 10));
    assert_eq!(refused(to_vec(&f32::INFINITY)), (ErrorKind::Float, 0));
    assert_eq!(refused(to_vec(&u128::MAX)), (ErrorKind::Range, 0));
    assert_eq!(refused(to_vec(&-(1_i128 << 65))), (ErrorKind::Range, 0));
    assert_eq!(refused(to_vec(&BTreeMap::from([(1, 2)]))), (ErrorKind::KeyType, 1));
    assert_eq!(refused(to_vec(&Twice)), (ErrorKind::KeyOrder, 7));
    let photo = BTreeMap::from([(Cid::raw(HashAlgorithm::Sha2_256, b""), 2)]);
    assert_eq!(refused(to_vec(&photo)), (ErrorKind::KeyType, 1));
}

#[test]
fn a_container_of_unknown_or_wrong_length_is_written_as_it_is() {
    struct Says(Option<usize>);
    impl Serialize for Says {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(self.0)?;
            (0..30).try_for_each(|n| list.serialize_element(&n))?;
            list.end()
        }
    }
    let plain = to_vec(&(0..30).collect::<Vec<u8>>()).unwrap();
    for said in [None, Some(0), Some(29), Some(30), Some(usize::MAX)] {
        assert_eq!(to_vec(&Says(said)).unwrap(), plain, "{said:?}");
        let nested = to_vec(&BTreeMap::from([("b", Says(said)), ("a", Says(None))])).unwrap();
        assert!(cbor::decode(&nested).is_ok(), "{said:?}");
    }
}

/// A type that swallows the error of an element leaves canonical bytes, and reads on behind one.
#[test]
fn a_swallowed_error_leaves_nothing_half_done() {
    struct Lenient;
    impl Serialize for Lenient {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(None)?;
            assert!(list.serialize_element(&("lost", [[f64::NAN]])).is_err());
            list.serialize_element("kept")?;
            list.end()
        }
    }
    assert_eq!(to_vec(&Lenient).unwrap(), cbor::encode(&value!(["kept"])).unwrap());

    #[derive(Debug, PartialEq)]
    struct Numbers(Vec<u8>);
    impl<'de> Deserialize<'de> for Numbers {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Numbers;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a list")
                }
                fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Numbers, A::Error> {
                    let mut numbers = Vec::new();
                    loop {
                        match list.next_element() {
                            Ok(Some(number)) => numbers.push(number),
                            Ok(None) => return Ok(Numbers(numbers)),
                            Err(_) => {}
                        }
                    }
                }
            }
            deserializer.deserialize_seq(Visitor)
        }
    }
    let mixed = cbor::encode(&value!([1, "x", [2, {"a": 3}], 4, 256, 5])).unwrap();
    assert_eq!(from_slice::<Numbers>(&mixed).unwrap(), Numbers(vec![1, 4, 5]));
}

#[test]
fn a_shape_that_does_not_fit_says_where() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        n: u8,
    }
    let at = |value: Value| match from_slice::<BTreeMap<String, Vec<Inner>>>(&cbor::encode(&value).unwrap()) {
        Err(SerdeError::Shape { offset, message }) => (offset, message),
        other => panic!("{other:?}"),
    };
    // a1 61 61 82 a1 61 6e 01 a1 61 6e ...: the second n stands at byte 11.
    assert_eq!(at(value!({"a": [{"n": 1}, {"n": "x"}]})).0, 11);
    assert_eq!(at(value!({"a": [{"n": 1}, {"n": 256}]})).0, 11);
    let (offset, message) = at(value!({"a": [{"n": 1}, {"m": 1}]}));
    assert!(offset == 8 && message.contains("missing field `n`"), "{offset} {message}");
    assert_eq!(at(value!([])).0, 0);
    // More elements than a tuple takes, a link that is none, a variant without its content.
    assert!(from_slice::<(u8, u8)>(b"\x83\x01\x02\x03").is_err());
    assert!(from_slice::<(u8, u8)>(b"\x82\x01\x02").is_ok());
    assert_eq!(from_slice::<Cid>(b"\x44\x01\x55\x00\x00").unwrap_err().offset(), 0);
    assert_eq!(from_slice::<(u8, Status)>(b"\x82\x01\x65Moved").unwrap_err().offset(), 2);
    assert!(from_slice::<Status>(b"\xa2\x63Dry\xf6\x65Moved\x61x").is_err());
    assert!(from_slice::<Status>(b"\xa1\x63Dry\x01").is_err());
    assert_eq!(from_slice::<Status>(b"\xa1\x63Dry\xf6").unwrap(), Status::Dry);
}

#[test]
fn limits_bind_structs_as_they_bind_values() {
    let limits = [
        Limits::default().with_depth(3),
        Limits::default().with_bytes(300),
        Limits::default().with_items(50),
    ];
    let bytes = to_vec(&pump(Status::Dry)).unwrap();
    let value = cbor::decode(&bytes).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for depth in 0..8 {
        for limits in [
            limits[0].with_depth(depth),
            limits[1].with_bytes(220 + 20 * depth),
            limits[2].with_items(30 + depth * 3),
        ] {
            let by_value = cbor::encode_with(&value, &limits).is_ok();
            assert_eq!(to_vec_with(&pump(Status::Dry), &limits).is_ok(), by_value, "{limits:?}");
            assert_eq!(cbor::decode_with(&bytes, &limits).is_ok(), by_value, "{limits:?}");
            assert_eq!(from_slice_with::<Pump>(&bytes, &limits).is_ok(), by_value, "{limits:?}");
            if by_value { taken += 1 } else { refused += 1 }
        }
    }
    assert!(taken >= 6 && refused >= 6, "{taken} {refused}");
}

#[test]
fn a_type_without_end_is_written_to_the_limit_and_no_further() {
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_newtype_variant("", 0, "more", &Self)
        }
    }
    let error = to_vec(&Endless).unwrap_err();
    assert!(matches!(error, SerdeError::Codec(Error { kind: ErrorKind::Depth, .. })), "{error}");
}

proptest! {
    #[test]
    fn values_have_the_same_bytes_by_serde(value in cbor::tests::value()) {
        let bytes = to_vec(&value).unwrap();
        prop_assert_eq!(&bytes, &cbor::encode(&value).unwrap());
        prop_assert_eq!(from_slice::<Value>(&bytes).unwrap(), value);
        prop_assert!(from_slice::<serde::de::IgnoredAny>(&bytes).is_ok());
    }

    /// The bytes are judged before and apart from the type.
    #[test]
    fn any_type_gives_the_error_of_the_bytes(
        value in cbor::tests::value(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = cbor::encode(&value).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let want = cbor::decode(&bytes).err();
        let codec = |error: SerdeError| match error {
            SerdeError::Codec(error) => Some(error),
            SerdeError::Shape { .. } => None,
        };
        prop_assert_eq!(from_slice::<Pump>(&bytes).err().and_then(codec), want);
        prop_assert_eq!(from_slice::<u8>(&bytes).err().and_then(codec), want);
        prop_assert_eq!(from_slice::<Value>(&bytes).err().and_then(codec), want);
        prop_assert_eq!(from_slice::<serde::de::IgnoredAny>(&bytes).err().and_then(codec), want);
    }
}
