//! Every input of up to three bytes: accepted iff it is what the accepted value encodes to.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

use std::collections::BTreeSet;
use std::ops::Range;
use std::{slice, thread};

use civic_types::value::{Int, Map};
use civic_types::{Value, cbor};

/// Inputs of one length that are accepted, of the given first bytes.
fn accepted(length: usize, first: Range<u32>) -> BTreeSet<Vec<u8>> {
    let mut accepted = BTreeSet::new();
    let tails = 1_u32 << (8 * (length - 1));
    for number in first.start * tails..first.end * tails {
        let bytes = &number.to_be_bytes()[4 - length..];
        if let Ok(value) = cbor::decode(bytes) {
            assert_eq!(cbor::encode(&value).unwrap(), bytes);
            accepted.insert(bytes.to_vec());
        }
    }
    accepted
}

/// The values whose encoding is that long, made without a decoder.
fn values(length: usize) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    if length == 1 {
        values.extend([Value::Null, Value::Bool(false), Value::Bool(true)]);
    }
    let magnitudes = match length {
        1 => 0..24,
        2 => 24..256,
        3 => 256..65536,
        _ => 0..0,
    };
    for magnitude in magnitudes {
        values.extend([magnitude, -1 - magnitude].map(|n: i64| Value::Int(Int::from(n))));
    }
    let Some(rest) = length.checked_sub(1) else { return values };
    values
        .extend(sequences(rest, 256, |byte| vec![u8::try_from(byte).unwrap()]).into_iter().map(Value::Bytes));
    // No character beyond these is encoded in two bytes.
    let texts = sequences(rest, 0x800, |char| {
        char::from_u32(char).map_or_else(Vec::new, |char| char.to_string().into_bytes())
    });
    values.extend(texts.into_iter().map(|text| Value::Text(String::from_utf8(text).unwrap())));
    values.extend(lists(rest).into_iter().map(Value::List));
    match rest {
        0 => values.push(Value::Map(Map::new())),
        // The only key of one byte is the empty text; a second key needs more than three bytes.
        2 => {
            values.extend(self::values(1).into_iter().map(|value| Value::Map(Map::from_iter([("", value)]))))
        }
        _ => {}
    }
    values
}

/// Strings of elements of an alphabet that are together that many bytes long.
fn sequences(length: usize, alphabet: u32, element: fn(u32) -> Vec<u8>) -> Vec<Vec<u8>> {
    if length == 0 {
        return vec![Vec::new()];
    }
    let mut strings = Vec::new();
    for first in (0..alphabet).map(element).filter(|first| (1..=length).contains(&first.len())) {
        for rest in sequences(length - first.len(), alphabet, element) {
            strings.push([&first[..], &rest].concat());
        }
    }
    strings
}

/// Lists whose elements are together that many bytes long.
fn lists(length: usize) -> Vec<Vec<Value>> {
    if length == 0 {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for first_length in 1..=length {
        let rests = lists(length - first_length);
        for first in values(first_length) {
            found.extend(rests.iter().map(|rest| [slice::from_ref(&first), rest].concat()));
        }
    }
    found
}

#[test]
fn inputs_of_up_to_three_bytes_are_accepted_iff_they_are_canonical() {
    assert!(cbor::decode(&[]).is_err());
    let mut counts = Vec::new();
    for length in 1..=3 {
        let accepted = thread::scope(|scope| {
            let upper = scope.spawn(|| accepted(length, 128..256));
            let mut accepted = accepted(length, 0..128);
            accepted.append(&mut upper.join().unwrap());
            accepted
        });
        let values = values(length);
        let encoded: BTreeSet<Vec<u8>> = values.iter().map(|value| cbor::encode(value).unwrap()).collect();
        assert_eq!(encoded.len(), values.len(), "two values have one encoding");
        assert!(encoded == accepted, "{length}: what is accepted is not what is canonical");
        counts.push(accepted.len());
    }
    // By hand for three bytes: 2 * 65280 integers, 65536 byte strings, 128^2 + 30 * 64 texts, 903 lists of one
    // and 55^2 of two elements, 55 maps.
    assert_eq!(counts, [55, 903, 130_560 + 65_536 + 18_304 + 903 + 3_025 + 55]);
    assert_eq!(counts.iter().sum::<usize>(), 219_341);
}
