//! Lists and coded symbols of short ids against their golden bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use civic_sync::reconcile::{Decoded, Decoder, Prefixes, SYMBOL_BYTES, ShortId, Sketch, Symbol};
use serde_json::Value as Json;

fn data() -> Json {
    let mut file: Json = serde_json::from_str(include_str!("vectors/sketch.json")).unwrap();
    file["data"].take()
}

fn bytes(json: &Json) -> Vec<u8> {
    hex::decode(json.as_str().unwrap()).unwrap()
}

fn ids(json: &Json) -> Vec<ShortId> {
    let id = |json: &Json| ShortId::from_str_radix(json.as_str().unwrap(), 16).unwrap();
    json.as_array().unwrap().iter().map(id).collect()
}

fn symbols(ids: &[ShortId], count: usize) -> Vec<u8> {
    Sketch::of(ids, count).to_bytes()
}

#[test]
fn sets_have_their_golden_lists_and_cut_ones_are_refused() {
    let data = data();
    let sets = data["sets"].as_array().unwrap();
    assert_eq!(sets.len(), 4);
    for set in sets {
        let (name, ids, list) = (&set["name"], ids(&set["ids"]), bytes(&set["list"]));
        let whole = Prefixes { bits: 48, values: ids.clone() };
        assert_eq!(hex::encode(whole.encode()), hex::encode(&list), "{name}");
        assert_eq!(Prefixes::decode(&list, ids.len()).unwrap(), whole, "{name}");
        let (short, golden) = (Prefixes::of(&ids, 20), bytes(&set["list20"]));
        assert_eq!(hex::encode(short.encode()), hex::encode(&golden), "{name}");
        assert_eq!(Prefixes::decode(&golden, ids.len()).unwrap(), short, "{name}");
        for end in 0..list.len() {
            assert!(Prefixes::decode(&list[..end], ids.len()).is_err(), "{name}, cut at {end}");
        }
        assert!(Prefixes::decode(&[&list[..], &[0]].concat(), ids.len()).is_err(), "{name}, longer");
    }
}

#[test]
fn sets_have_their_golden_symbols() {
    for set in data()["sets"].as_array().unwrap() {
        let (name, golden) = (&set["name"], bytes(&set["symbols"]));
        let (chunks, rest) = golden.as_chunks::<SYMBOL_BYTES>();
        assert!(rest.is_empty() && chunks.len() == 48, "{name}");
        assert_eq!(hex::encode(symbols(&ids(&set["ids"]), 48)), hex::encode(&golden), "{name}");
        assert!(chunks.iter().all(|chunk| Symbol::from_bytes(chunk).to_bytes() == *chunk), "{name}");
    }
}

#[test]
fn the_golden_symbols_tell_the_difference_after_as_many_as_stated_and_not_before() {
    let data = data();
    let difference = &data["difference"];
    let theirs = symbols(&ids(&difference["theirs"]), 48);
    let ours = Sketch::of(&ids(&difference["ours"]), 48);
    let mut decoder = Decoder::new();
    for (symbol, own) in theirs.as_chunks::<SYMBOL_BYTES>().0.iter().zip(ours.symbols()) {
        decoder.push(Symbol::from_bytes(symbol), *own);
        if let Some(found) = decoder.decoded() {
            let want =
                Decoded { theirs: ids(&difference["only_theirs"]), ours: ids(&difference["only_ours"]) };
            assert_eq!(found, want);
            break;
        }
    }
    assert_eq!(Some(decoder.received() as u64), difference["symbols_needed"].as_u64());
}
