//! Writes the committed seeds, from the vectors of the formats: `cargo run --example seeds` in this folder.

use std::error::Error;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use civic_crdt::Version;
use civic_crdt::version::Rules;
use civic_crdt::version::pack::{PackedVersion, pack};
use civic_sync::Cursor;
use civic_sync::reconcile::Prefixes;
use civic_sync::session::{Frame, LogHead, Mode, ScopeFrame, ScopeName, Wanted};
use civic_transport::envelope::{CompactEnvelope, SenderTime, SignedEnvelope};
use civic_transport::{Envelope, Priority};
use civic_types::item::ReplicaRecord;
use civic_types::{Cid, CollectionId, HashAlgorithm, PublicKey, ReplicaId, Signature, cbor, value};
use data_encoding::HEXLOWER_PERMISSIVE as HEX;
use serde_json::Value as Json;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let ids = load("civic-types/tests/vectors/ids.json")?;
    let versions = load("civic-crdt/tests/vectors/versions.json")?;
    let versions = versions.as_array().ok_or("versions")?;
    let envelopes = load("civic-transport/tests/vectors/envelopes.json")?;
    cbor_seeds()?;
    cid_seeds(versions)?;
    version_seeds(versions)?;
    pack_seeds(&ids, versions)?;
    envelope_seeds(&envelopes)?;
    frame_seeds(versions)?;
    fold_seeds()?;
    for (name, ids) in [
        ("none", vec![]),
        ("one", vec![1 << 47]),
        ("ends", vec![0, (1 << 48) - 1]),
        ("dense", (0..40).collect()),
        ("spread", (1..40).map(|n| n * 7_036_874_417_766).collect()),
    ] {
        seed("list", name, &Prefixes::of(&ids, 48).encode())?;
        seed("list", &format!("{name}-20"), &Prefixes::of(&ids, 20).encode())?;
    }
    share_seeds()?;
    for collection in ids["collections"].as_array().into_iter().flatten() {
        seed(
            "definitions",
            &format!("collection-{}", text(&collection["definition"]["name"])?),
            &bytes(&collection["cbor"])?,
        )?;
    }
    seed("definitions", "community", &bytes(&ids["community"]["genesis_cbor"])?)?;
    seed("definitions", "devices", &bytes(&ids["device_list"]["cbor"])?)
}

/// Histories of the law kit: any word is a step.
fn fold_seeds() -> Outcome {
    let mut state = 1_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    [2, 4, 8, 16, 24, 32].into_iter().try_for_each(|words: usize| {
        let bytes: Vec<u8> = (0..words).flat_map(|_| random()).collect();
        seed("fold", &format!("words-{words}"), &bytes)
    })
}

/// The length of a share, then shares of it.
fn share_seeds() -> Outcome {
    seed("share", "three", b"\x05\x01\xb8\xbe\xfb\x57\x02\xe7\x6b\x34\x8a\x03\x17\xb0\xa3\xb1")?;
    seed("share", "twice", b"\x02\x01\x07\x01\x07")?;
    seed("share", "mixed", b"\x03\x01\x07\x09\x02\x07")?;
    seed("share", "zero", b"\x03\x00\x07\x09")
}

fn cbor_seeds() -> Outcome {
    let link = civic_types::Value::Link(Cid::raw(HashAlgorithm::Sha2_256, b"x"));
    for (name, value) in [
        ("bytes", civic_types::Value::Bytes(vec![0, 0xff, 7])),
        ("float", value!(1.5)),
        ("integers", value!([0, 23, 24, 255, 256, 65_536, -1, -25, (u64::MAX)])),
        ("link", link),
        ("map", value!({"b": 1, "aa": [true, false, null]})),
        ("nested", value!([[[[{"a": {"b": [{}]}}]]]])),
        ("text", value!("Växjö")),
    ] {
        seed("cbor", name, &cbor::encode(&value)?)?;
    }
    Ok(())
}

fn cid_seeds(versions: &[Json]) -> Outcome {
    let ours: Cid = text(&versions[0]["cid"])?.parse()?;
    seed("cid", "sha2", ours.as_bytes())?;
    seed("cid", "sha2-text", ours.to_string().as_bytes())?;
    seed("cid", "base36-text", b"k2cwueebp9wws0fnm29jatrrbqocjaivp132efhd99cd5phw2odywbit")?;
    seed("cid", "base58-text", b"zb2rhmy65F3REf8SZp7De11gxtECBGgUKaLdiDj7MCGCHxbDW")?;
    seed("cid", "blake3", Cid::raw(HashAlgorithm::Blake3, b"x").as_bytes())?;
    for (name, text) in
        [("v0", "QmXg9Pp2ytZ14xgmQjYEiHjVjMFXzCVVEcRTWJBmLgR39V"), ("identity", "bafkqabiaaebagba")]
    {
        seed("cid", name, text.parse::<Cid>()?.as_bytes())?;
        seed("cid", &format!("{name}-text"), text.as_bytes())?;
    }
    Ok(())
}

/// Headers and bodies of many sizes.
fn version_seeds(versions: &[Json]) -> Outcome {
    for json in versions.iter().step_by(37) {
        let name = format!("{}-{}", slug(text(&json["document"])?), &text(&json["replica"])?[..6]);
        seed("version", &name, &bytes(&json["header"])?)?;
        seed("body", &name, &bytes(&json["body"])?)?;
    }
    Ok(())
}

/// Runs of one document, and one of several.
fn pack_seeds(ids: &Json, versions: &[Json]) -> Outcome {
    let mut records = Vec::new();
    for device in ids["devices"].as_array().ok_or("devices")? {
        let (key, nonce) = (array(&device["public_key"])?, array(&device["replica_nonce"])?);
        records.push(ReplicaRecord { key: PublicKey::from_bytes(key), nonce });
    }
    let mut documents: Vec<&str> = versions.iter().filter_map(|json| json["document"].as_str()).collect();
    documents.sort_unstable();
    documents.dedup();
    let mut sets: Vec<(String, Vec<&Json>)> = Vec::new();
    for document in documents.into_iter().step_by(4) {
        let mut set = versions.iter().filter(|json| json["document"] == *document);
        let Some(first) = set.next() else { continue };
        let rest = set.filter(|json| json["collection"] == first["collection"]);
        sets.push((slug(document), [first].into_iter().chain(rest).take(6).collect()));
    }
    // A few runs are enough, the longest documents first.
    sets.sort_by_key(|(_, set)| std::cmp::Reverse(set.len()));
    sets.truncate(12);
    sets.push(("one".to_owned(), versions.iter().take(1).collect()));
    sets.push((
        "mixed".to_owned(),
        versions.iter().filter(|json| json["collection"] == 0).step_by(9).take(6).collect(),
    ));
    let block = versions.iter().filter(|json| bytes(&json["header"]).is_ok_and(|header| header.len() < 400));
    let linked =
        block.filter(|json| json["body"].as_str().is_some_and(|body| body.len() < 600 && linked(json)));
    sets.push(("block".to_owned(), linked.take(1).collect()));
    for (name, set) in sets.into_iter().filter(|(_, set)| !set.is_empty()) {
        let mut packed = Vec::new();
        for json in set {
            let hash = text(&json["cid"])?.parse::<Cid>()?.hash_algorithm().ok_or("hash")?;
            let version = Version::decode(bytes(&json["header"])?, &Rules { hash, ..Rules::default() })?;
            let signature = if json["signature"].is_string() {
                Some(Signature::from_bytes(array(&json["signature"])?))
            } else {
                None
            };
            let block =
                if version.block().is_some() { Some(Bytes::from(bytes(&json["body"])?)) } else { None };
            packed.push(PackedVersion { version, signature, block });
        }
        match pack(&records, &packed) {
            Ok(bytes) if bytes.len() < 4096 => seed("pack", &name, &bytes)?,
            Ok(bytes) => println!("pack {name}: left out, {} bytes", bytes.len()),
            Err(error) => println!("pack {name}: left out, {error}"),
        }
    }
    Ok(())
}

fn linked(json: &Json) -> bool {
    let bytes = bytes(&json["header"]).unwrap_or_default();
    Version::decode(bytes, &Rules::default()).is_ok_and(|version| version.block().is_some())
}

fn envelope_seeds(envelopes: &Json) -> Outcome {
    for good in envelopes["good"].as_array().into_iter().flatten().step_by(5) {
        let envelope = SignedEnvelope::decode_full(&bytes(&good["full"])?.into())?;
        let fields = envelope.fields();
        let to = if fields.recipient.is_some() { "one" } else { "all" };
        let name = format!("type-{}-to-{to}", fields.message_type);
        seed("envelope", &format!("{name}-full"), &envelope.encode_full())?;
        seed(
            "envelope",
            &format!("{name}-compact"),
            &CompactEnvelope::new(&envelope, SenderTime::Untrusted).encode(),
        )?;
        seed("envelope", &format!("{name}-wire"), &Envelope::Signed(envelope).encode_wire())?;
    }
    let local = civic_transport::LocalEnvelope {
        message_type: 1,
        priority: Priority::Normal,
        payload: Bytes::from_static(b"hello"),
    };
    seed("envelope", "local-wire", &Envelope::Local(local).encode_wire())
}

fn frame_seeds(versions: &[Json]) -> Outcome {
    let collection = CollectionId::from_bytes([7; 32]);
    let (round, scope, last) = (300, 1, true);
    let cursor = Cursor { seq: 70_000, chain: [2; 16] };
    let fingerprint = [3; 32];
    let block: Cid = text(&versions[0]["cid"])?.parse()?;
    let ids = Bytes::from(Prefixes::of(&[5, 9_000_000_000], 48).encode());
    let definition = Bytes::from_static(&[0xa0]);
    let state = |name, consumed| ScopeFrame {
        name,
        count: 12,
        logs: 3,
        fingerprint: [3; 16],
        consumed,
        verified: true,
    };
    let logs = vec![LogHead { replica: ReplicaId::from_bytes([6; 16]), position: 9, cid: [7; 8] }];
    let frames = [
        ("proof", Frame::Proof(vec![[8; 32], [9; 32]])),
        ("nudge", Frame::Nudge { token: 3 }),
        ("hello", Frame::Hello { round, token: 4, summary: [5; 16] }),
        (
            "scopes",
            Frame::Scopes {
                round,
                scopes: vec![
                    state(ScopeName::Collection(collection), None),
                    state(ScopeName::Place(3), Some(cursor)),
                ],
                definitions: vec![definition.clone()],
                wanted: vec![collection],
            },
        ),
        (
            "modes",
            Frame::Modes {
                round,
                modes: vec![(0, Mode::Symbols), (1, Mode::Suffix), (2, Mode::Heads), (3, Mode::List)],
                definitions: vec![definition],
            },
        ),
        ("list", Frame::List { round, scope, ids: ids.clone(), last }),
        ("symbols", Frame::Symbols { round, scope, start: 64, symbols: Bytes::from_static(&[6; 27]) }),
        ("more", Frame::More { round, scope, count: 200 }),
        ("want", Frame::Want { round, scope, wanted: Wanted::Ids(ids.clone()) }),
        ("want-bits", Frame::Want { round, scope, wanted: Wanted::Bits(Bytes::from_static(&[0xa0])) }),
        ("heads", Frame::Heads { round, scope, ids }),
        ("logs", Frame::Logs { round, scope, wanted: Bytes::from_static(&[0x80]), logs }),
        ("data", Frame::Data { round, scope, pack: Some(Bytes::from_static(&[1; 40])), last }),
        ("data-none", Frame::Data { round, scope, pack: None, last }),
        ("ack", Frame::Ack { round, scope }),
        ("done", Frame::Done { round, scopes: vec![(1, fingerprint, cursor)] }),
        ("abort", Frame::Abort { round }),
        ("want-block", Frame::WantBlock { collection, block: block.clone(), offset: 65_536 }),
        (
            "block",
            Frame::Block { collection, block, offset: 0, total: 9, bytes: Bytes::from_static(&[4; 9]) },
        ),
    ];
    // A session reads which side it is, then frames with their length before them.
    let conversation = |leads: u8, names: &[&str]| {
        let spoken = names.iter().filter_map(|name| frames.iter().find(|(known, _)| known == name));
        let mut bytes = vec![leads];
        for (_, frame) in spoken {
            let frame = frame.encode();
            bytes.extend_from_slice(&(frame.len() as u16).to_be_bytes());
            bytes.extend_from_slice(&frame);
        }
        bytes
    };
    seed(
        "session",
        "follower",
        &conversation(0, &["hello", "scopes", "heads", "logs", "list", "symbols", "done"]),
    )?;
    seed(
        "session",
        "leader",
        &conversation(1, &["nudge", "scopes", "modes", "more", "want", "data", "ack", "done"]),
    )?;
    frames.iter().try_for_each(|(name, frame)| seed("frame", name, &frame.encode()))
}

fn seed(target: &str, name: &str, bytes: &[u8]) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), bytes)?)
}

fn load(path: &str) -> Outcome<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(path);
    let mut file: Json = serde_json::from_str(&fs::read_to_string(path)?)?;
    Ok(file["data"].take())
}

fn slug(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

fn text(json: &Json) -> Outcome<&str> {
    Ok(json.as_str().ok_or("text")?)
}

fn bytes(json: &Json) -> Outcome<Vec<u8>> {
    Ok(HEX.decode(text(json)?.as_bytes())?)
}

fn array<const N: usize>(json: &Json) -> Outcome<[u8; N]> {
    Ok(bytes(json)?.as_slice().try_into()?)
}
