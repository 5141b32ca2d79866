use super::*;
use crate::value;

#[test]
fn the_macro_takes_every_shape() {
    let (n, key) = (3_u8, "computed");
    let made =
        value!({"a": null, "b": [1, [2, null], {"c": n}], key: -1, "t": "x".to_owned(), "e": {}, "l": []});
    assert_eq!(made["b"][1][0], Value::from(2));
    assert_eq!(made["b"][2]["c"], Value::from(3));
    assert_eq!(made["computed"], Value::from(-1));
    assert_eq!(made["e"].as_map().map(Map::len), Some(0));
    assert_eq!(made["missing"]["deeper"], Value::Null);
}

#[test]
fn the_last_of_equal_keys_stands_and_order_is_canonical() {
    let map = Map::from_iter([("bb", 1), ("a", 2), ("bb", 3), ("c", 4)]);
    let pairs: Vec<_> = map.iter().map(|(k, v)| (k, v.as_i64().unwrap())).collect();
    assert_eq!(pairs, [("a", 2), ("c", 4), ("bb", 3)]);
}

#[test]
fn integers_are_bounded_by_cbor() {
    assert!(Int::try_from(Int::MAX.get() + 1).is_err());
    assert!(Int::try_from(Int::MIN.get() - 1).is_err());
    assert_eq!(u64::try_from(Int::MAX), Ok(u64::MAX));
    assert_eq!(i64::try_from(Int::MAX), Err(OutOfRange));
}

#[test]
fn depth_counts_containers() {
    assert_eq!(value!(1).depth(), 0);
    assert_eq!(value!([]).depth(), 1);
    assert_eq!(value!({"a": [1, {"b": 2}]}).depth(), 3);
}
