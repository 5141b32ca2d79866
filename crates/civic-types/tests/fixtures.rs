//! Public fixtures of DAG-CBOR, DAG-JSON, CBOR and multihash.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use civic_types::value::Int;
use civic_types::{Cid, HashAlgorithm, Value, cbor};
use data_encoding::HEXLOWER;
use serde_json::Value as Json;

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/dagcbor")
}

fn json(name: &str) -> Vec<Json> {
    serde_json::from_slice(&fs::read(vectors().join(name)).unwrap()).unwrap()
}

fn hex(json: &Json) -> Vec<u8> {
    HEXLOWER.decode(json.as_str().unwrap().as_bytes()).unwrap()
}

/// Each folder has one block in two codecs; the name of each file is the CID of its bytes.
#[test]
fn the_codec_fixtures_decode_encode_hash_and_export() {
    let mut fixtures = 0;
    for folder in fs::read_dir(vectors().join("fixtures")).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(files) = fs::read_dir(&folder) else { continue };
        let (mut block, mut text) = (None, None);
        for file in files.map(|file| file.unwrap().path()) {
            let bytes = fs::read(&file).unwrap();
            let cid: Cid = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            assert!(cid.matches(&bytes), "{}", file.display());
            match file.extension().unwrap().to_str().unwrap() {
                "dag-cbor" => {
                    assert_eq!(Cid::dag_cbor(HashAlgorithm::Sha2_256, &bytes), cid);
                    block = Some(bytes);
                }
                "dag-json" => text = Some(String::from_utf8(bytes).unwrap()),
                other => panic!("{other}"),
            }
        }
        let (block, text) = (block.unwrap(), text.unwrap());
        let value = cbor::decode(&block).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        assert_eq!(cbor::encode(&value).unwrap(), block, "{}", folder.display());
        assert_eq!(value.to_dag_json().unwrap(), text, "{}", folder.display());
        #[cfg(feature = "serde")]
        {
            assert_eq!(cbor::to_vec(&value).unwrap(), block, "{}", folder.display());
            assert_eq!(cbor::from_slice::<Value>(&block).unwrap(), value, "{}", folder.display());
        }
        fixtures += 1;
    }
    assert_eq!(fixtures, 128);
}

#[test]
fn the_negative_fixtures_are_refused() {
    let negative = json("negative/duplicate-keys.json");
    assert_eq!(negative.len(), 1);
    for case in negative {
        assert_eq!(cbor::decode(&hex(&case["hex"])).unwrap_err().kind, cbor::ErrorKind::KeyOrder);
    }
}

/// RFC 8949, appendix A: what is DAG-CBOR too has its value, what is not is refused.
#[test]
fn the_examples_of_the_rfc_are_read_or_refused_as_dag_cbor_wants() {
    let (mut read, mut refused) = (0, 0);
    for case in json("rfc8949/appendix_a.json") {
        let (text, bytes) = (case["hex"].as_str().unwrap(), hex(&case["hex"]));
        // Tags, floats of 16 and 32 bits, other simple values, indefinite lengths, keys that are integers,
        // infinities and NaN.
        let foreign = ["c", "d", "f9", "fa", "f7", "f0", "f8", "5f", "7f", "9f", "bf", "83018202039f"]
            .iter()
            .any(|start| text.starts_with(start))
            || ["a201020304", "fb7ff", "fbfff", "83019f", "826161bf"]
                .iter()
                .any(|start| text.starts_with(start));
        match cbor::decode(&bytes) {
            Ok(value) => {
                assert!(!foreign, "{text}");
                assert_eq!(cbor::encode(&value).unwrap(), bytes);
                let want = match (text, case.get("decoded"), case.get("diagnostic")) {
                    ("3bffffffffffffffff", ..) => Value::Int(Int::MIN),
                    (_, Some(json), _) => plain(json),
                    (_, _, Some(Json::String(notation))) => {
                        Value::Bytes(hex(&Json::from(&notation[2..notation.len() - 1])))
                    }
                    _ => panic!("{text}"),
                };
                assert_eq!(value, want, "{text}");
                read += 1;
            }
            Err(_) => {
                assert!(foreign, "{text}");
                refused += 1;
            }
        }
    }
    assert_eq!((read, refused), (39, 43));
}

fn plain(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => (*value).into(),
        Json::Number(n) => match (n.as_u64(), n.as_i64(), n.as_f64()) {
            (Some(n), ..) => n.into(),
            (_, Some(n), _) => n.into(),
            (_, _, Some(n)) => Value::Float(civic_types::value::Float::new(n).unwrap()),
            _ => panic!("{n}"),
        },
        Json::String(value) => value.as_str().into(),
        Json::Array(values) => Value::List(values.iter().map(plain).collect()),
        Json::Object(map) => {
            Value::Map(map.iter().map(|(key, value)| (key.as_str(), plain(value))).collect())
        }
    }
}

/// Our two hashes are checked; the others are read, kept and known to be somebody else's.
#[test]
fn multihashes_are_ours_or_opaque() {
    let table = fs::read_to_string(vectors().join("multihash/test_cases.csv")).unwrap();
    let (mut ours, mut opaque) = (0, 0);
    for line in table.lines().skip(1) {
        let [name, bits, input, multihash] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
        // The input is the text in the table, not what it might say in hexadecimal.
        let (input, multihash) = (input.as_bytes(), HEXLOWER.decode(multihash.as_bytes()).unwrap());
        let cid = Cid::from_bytes(&[&[1, 0x55], &multihash[..]].concat()).unwrap();
        assert_eq!(cid.to_string().parse(), Ok(cid.clone()));
        match HashAlgorithm::from_name(name).filter(|_| bits == "256") {
            Some(hash) => {
                assert_eq!(Cid::raw(hash, input), cid, "{line}");
                assert!(cid.matches(input) && !cid.matches(b""), "{line}");
                ours += 1;
            }
            None => {
                assert!(!cid.matches(input) && cid.hash_algorithm().is_none(), "{line}");
                opaque += 1;
            }
        }
    }
    assert_eq!(ours + opaque, 260);
    assert_eq!(ours, 20);
}
