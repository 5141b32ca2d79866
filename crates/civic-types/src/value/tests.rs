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

#[test]
fn dag_json_has_one_text_for_each_value() {
    let link: crate::Cid = "bafkqabiaaebagba".parse().unwrap();
    for (value, text) in [
        (value!(null), "null"),
        (Value::Int(Int::MIN), "-18446744073709551616"),
        (Value::Int(Int::MAX), "18446744073709551615"),
        (value!(2.0), "2.0"),
        (value!(-0.0), "-0.0"),
        (value!(1e300), "1e300"),
        (value!(1e15), "1000000000000000.0"),
        (Value::Bytes(vec![]), r#"{"/":{"bytes":""}}"#),
        (Value::Bytes(vec![0xfb, 0xff]), r#"{"/":{"bytes":"+/8"}}"#),
        (Value::Link(link), r#"{"/":"bafkqabiaaebagba"}"#),
        (value!([1, [], {}]), "[1,[],{}]"),
        // By bytes, not by length as in DAG-CBOR.
        (value!({"b": 1, "aa": 2, "ö": 3, "": 4}), r#"{"":4,"aa":2,"b":1,"ö":3}"#),
        (
            value!("\"\\\u{8}\t\n\u{c}\r\0\u{1f}\u{7f}/å𐅑"),
            "\"\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\u{7f}/å𐅑\"",
        ),
    ] {
        assert_eq!(value.to_dag_json().unwrap(), text);
        // What JSON means by it is no other text, list, boolean or null.
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(json.as_str(), value.as_str(), "{text}");
    }
}

#[test]
fn dag_json_has_no_form_for_its_own_key() {
    assert_eq!(value!([{"a": {"/": 1}}]).to_dag_json(), Err(ReservedKey));
    assert_eq!(value!({"/": "bafkqabiaaebagba"}).to_dag_json(), Err(ReservedKey));
    assert!(value!({"//": "/", "a/": 1}).to_dag_json().is_ok());
}
