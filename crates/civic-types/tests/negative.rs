//! Bytes that are not canonical: the kind and the offset of the first offence, class by class.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

use civic_types::cbor::{self, Decoder, Limits};
use data_encoding::HEXLOWER;
use serde_json::Value as Json;

struct Class {
    name: String,
    limits: Option<Limits>,
    /// The nearest bytes that are canonical.
    valid: Vec<Vec<u8>>,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    bytes: Vec<u8>,
    kind: String,
    offset: usize,
}

fn hex(json: &Json) -> Vec<u8> {
    HEXLOWER.decode(json.as_str().unwrap().as_bytes()).unwrap()
}

fn number(json: &Json) -> Option<usize> {
    json.as_u64().map(|n| usize::try_from(n).unwrap())
}

fn limits(json: &Json) -> Limits {
    let mut limits = Limits::default();
    limits.depth = number(&json["depth"]).unwrap_or(limits.depth);
    limits.bytes = number(&json["size"]).unwrap_or(limits.bytes);
    limits.items = number(&json["items"]).unwrap_or(limits.items);
    limits
}

fn case(json: &Json) -> Case {
    let [name, kind] = ["name", "kind"].map(|field| json[field].as_str().unwrap().to_owned());
    Case { name, bytes: hex(&json["hex"]), kind, offset: number(&json["offset"]).unwrap() }
}

fn classes() -> Vec<Class> {
    let json: Json = serde_json::from_str(include_str!("vectors/negative.json")).unwrap();
    let class = |class: &Json| Class {
        name: class["class"].as_str().unwrap().to_owned(),
        limits: class.get("limits").map(limits),
        valid: class["valid"].as_array().unwrap().iter().map(hex).collect(),
        cases: class["cases"].as_array().unwrap().iter().map(case).collect(),
    };
    json.as_array().unwrap().iter().map(class).collect()
}

#[test]
fn each_offence_has_its_kind_and_offset_and_its_neighbours_are_taken() {
    let classes = classes();
    for class in &classes {
        let limits = class.limits.unwrap_or_default();
        for case in &class.cases {
            let told = |e: cbor::Error| (e.kind.name().to_owned(), e.offset);
            let want = Err((case.kind.clone(), case.offset));
            let built = cbor::decode_with(&case.bytes, &limits).map(drop).map_err(told);
            assert_eq!(built, want, "{}: {}", class.name, case.name);
            let walked = Decoder::with_limits(&case.bytes, &limits)
                .and_then(|mut input| input.raw().and_then(|_| input.finish()))
                .map_err(told);
            assert_eq!(walked, want, "{}: {}, walked", class.name, case.name);
        }
        assert!(!class.valid.is_empty(), "{}", class.name);
        for bytes in &class.valid {
            let value = cbor::decode_with(bytes, &limits).unwrap();
            assert_eq!(&cbor::encode_with(&value, &limits).unwrap(), bytes, "{}", class.name);
        }
    }
    let cases = classes.iter().map(|class| class.cases.len()).sum::<usize>();
    let valid = classes.iter().map(|class| class.valid.len()).sum::<usize>();
    assert_eq!((classes.len(), cases, valid), (22, 391, 86));
}

/// What is refused under a limit is canonical without it, and the writer refuses it under the same one.
#[test]
fn the_writer_refuses_what_the_reader_would() {
    let mut refused = 0;
    for class in classes().iter().filter(|class| class.limits.is_some()) {
        let limits = class.limits.unwrap();
        for case in &class.cases {
            let Ok(value) = cbor::decode(&case.bytes) else { continue };
            assert!(cbor::encode(&value).is_ok());
            let error = cbor::encode_with(&value, &limits).unwrap_err();
            assert_eq!((error.kind.name(), error.offset), (&case.kind[..], case.offset), "{}", case.name);
            refused += 1;
        }
    }
    assert_eq!(refused, 12);
}

/// A field that the type skips holds the offence.
#[cfg(feature = "serde")]
#[test]
fn what_a_type_skips_is_judged_like_what_it_takes() {
    use cbor::SerdeError;

    #[derive(Debug, serde::Deserialize)]
    struct Taken {
        a: u8,
    }

    let field = |bytes: &[u8]| [b"\xa2\x61a\x01\x64skip", bytes].concat();
    let (mut judged, mut elsewhere) = (0, 0);
    for class in classes().iter().filter(|class| class.limits.is_none() && class.name != "nested too deep") {
        for case in &class.cases {
            match cbor::from_slice::<Taken>(&field(&case.bytes)) {
                Err(SerdeError::Codec(error)) => {
                    let want = (&case.kind[..], case.offset + 9);
                    assert_eq!((error.kind.name(), error.offset), want, "{}: {}", class.name, case.name);
                }
                other => panic!("{}: {}: {other:?}", class.name, case.name),
            }
            judged += 1;
            elsewhere += usize::from(serde_ipld_dagcbor::from_slice::<Taken>(&field(&case.bytes)).is_ok());
        }
        for bytes in &class.valid {
            assert_eq!(cbor::from_slice::<Taken>(&field(bytes)).unwrap().a, 1, "{}", class.name);
        }
    }
    assert!(judged >= 350, "{judged}");
    // The control: a codec that passes over what the type skips takes many of them.
    assert!(elsewhere >= 100, "{elsewhere}");
}
