//! Lists and coded symbols of short ids against their golden bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use civic_sync::reconcile::{
    Decoded, Decoder, Encoder, SYMBOL_BYTES, ShortId, Symbol, decode_list, encode_list,
};
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
    let mut encoder = Encoder::new(ids.iter().copied());
    (0..count).flat_map(|_| encoder.next_symbol().to_bytes()).collect()
}

#[test]
fn sets_have_their_golden_lists_and_cut_ones_are_refused() {
    let data = data();
    let sets = data["sets"].as_array().unwrap();
    assert_eq!(sets.len(), 4);
    for set in sets {
        let (name, ids, list) = (&set["name"], ids(&set["ids"]), bytes(&set["list"]));
        assert_eq!(hex::encode(encode_list(&ids)), hex::encode(&list), "{name}");
        assert_eq!(decode_list(&list, ids.len()).unwrap(), ids, "{name}");
        for end in 0..list.len() {
            assert!(decode_list(&list[..end], ids.len()).is_err(), "{name}, cut at {end}");
        }
        assert!(decode_list(&[&list[..], &[0]].concat(), ids.len()).is_err(), "{name}, longer");
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
    let mut decoder = Decoder::new(ids(&difference["ours"]));
    for symbol in theirs.as_chunks::<SYMBOL_BYTES>().0 {
        decoder.push(Symbol::from_bytes(symbol));
        if let Some(found) = decoder.decoded() {
            let want =
                Decoded { theirs: ids(&difference["only_theirs"]), ours: ids(&difference["only_ours"]) };
            assert_eq!(found, want);
            break;
        }
    }
    assert_eq!(Some(decoder.received() as u64), difference["symbols_needed"].as_u64());
}
