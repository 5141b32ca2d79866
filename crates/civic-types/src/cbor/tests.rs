use proptest::prelude::*;

use super::*;
use crate::value::{Float, Int, Map};
use crate::{Cid, HashAlgorithm};

pub(super) fn value() -> impl Strategy<Value = Value> {
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
    fn reading_and_writing_refuse_the_same_under_any_limits(
        value in value(), depth in 0_usize..6, length in 0_usize..200, items in 0_usize..40,
    ) {
        let bytes = encode(&value).unwrap();
        let limits = Limits::default().with_depth(depth).with_bytes(length).with_items(items);
        let read = decode_with(&bytes, &limits);
        let written = encode_with(&value, &limits);
        prop_assert_eq!(read.is_ok(), written.is_ok());
        prop_assert_eq!(read.is_ok(), value.depth() <= depth && bytes.len() <= length && heads(&value) <= items);
        // Where one bound alone is crossed both say so of the same byte.
        for limits in [
            Limits::default().with_depth(depth),
            Limits::default().with_bytes(length),
            Limits::default().with_items(items),
        ] {
            prop_assert_eq!(decode_with(&bytes, &limits).err(), encode_with(&value, &limits).err());
        }
    }
}

/// Data items as RFC 8949 counts them.
fn heads(value: &Value) -> usize {
    match value {
        Value::List(values) => 1 + values.iter().map(heads).sum::<usize>(),
        Value::Map(map) => 1 + map.iter().map(|(_, value)| 1 + heads(value)).sum::<usize>(),
        Value::Link(_) => 2,
        _ => 1,
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

#[test]
fn the_depth_of_a_limit_never_exceeds_what_the_stack_holds() {
    let mut limits = Limits::default().with_depth(usize::MAX);
    assert_eq!(limits, Limits::default());
    limits.depth = usize::MAX;
    let beyond = [vec![0x81; MAX_DEPTH], vec![0x80]].concat();
    assert_eq!(decode_with(&beyond, &limits).unwrap_err().kind, ErrorKind::Depth);
}

#[test]
fn the_default_limits_take_any_block_and_refuse_more() {
    let of = |items: usize| {
        let mut out = Encoder::new();
        out.array(items);
        [out.into_bytes(), vec![0xf6; items]].concat()
    };
    let block = of(crate::limits::MAX_BLOCK_BYTES - 5);
    assert_eq!(block.len(), crate::limits::MAX_BLOCK_BYTES);
    assert!(decode(&block).is_ok());
    assert!(decode(&of(crate::limits::MAX_VALUE_ITEMS - 1)).is_ok());
    let many = of(crate::limits::MAX_VALUE_ITEMS);
    assert_eq!(decode(&many).unwrap_err(), Error { kind: ErrorKind::Items, offset: many.len() - 1 });
    let long =
        encode_with(&Value::Bytes(vec![0; crate::limits::MAX_VALUE_BYTES]), &Limits::DEPTH_ONLY).unwrap();
    let size = Error { kind: ErrorKind::Size, offset: crate::limits::MAX_VALUE_BYTES };
    assert_eq!(decode(&long).unwrap_err(), size);
    assert!(decode_with(&long, &Limits::DEPTH_ONLY).is_ok());
}

#[test]
fn fields_are_counted_like_values() {
    let bytes = b"\x86\x01\x61a\xf5\xf6\xfb\x3f\xf0\0\0\0\0\0\0\xd8\x2a\x45\0\x01\x55\0\0";
    let fields = |items| -> Result<(), Error> {
        let mut input = Decoder::with_limits(bytes, &Limits::default().with_items(items))?;
        input.array()?;
        input.uint()?;
        input.text()?;
        assert!(input.bool()?);
        assert!(input.try_null() || items < 5);
        assert_eq!(input.float()?.get(), 1.0);
        assert_eq!(input.clone().link()?.as_bytes(), input.link_bytes()?);
        input.finish()
    };
    assert_eq!(fields(8), Ok(()));
    for items in 0..8 {
        assert_eq!(fields(items).unwrap_err().kind, ErrorKind::Items, "{items}");
    }
}

const MAX_DEPTH: usize = crate::limits::MAX_CBOR_DEPTH;
