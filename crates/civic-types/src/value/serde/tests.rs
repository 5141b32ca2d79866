use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;
use crate::{Cid, HashAlgorithm, PeerId, value};

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
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Status {
    Dry,
    Leaking { litres: u32 },
    Moved(String),
}

fn pump(status: Status) -> Pump {
    let photo = Cid::raw(HashAlgorithm::Blake3, b"photo");
    let extra = BTreeMap::from([
        ("link".to_owned(), Value::Link(photo.clone())),
        ("n".to_owned(), value!([1, null])),
    ]);
    let by = PeerId::from_bytes([9; 32]);
    Pump { status, needs: -3, crew: vec!["Åsa".into()], note: None, photo, extra, at: (57.7, 11.97), by }
}

#[test]
fn structs_round_trip_and_links_stay_links() {
    for status in [Status::Dry, Status::Leaking { litres: 4 }, Status::Moved("kajen".into())] {
        let pump = pump(status);
        let made = to_value(&pump).unwrap();
        assert!(made["photo"].as_link().is_some() && made["extra"]["link"].as_link().is_some());
        assert_eq!(from_value::<Pump>(made).unwrap(), pump);
    }
}

#[test]
fn values_pass_through_json_with_links_as_text() {
    let made = to_value(&pump(Status::Dry)).unwrap();
    let json = serde_json::to_value(&made).unwrap();
    assert_eq!(json["photo"], serde_json::json!(made["photo"].as_link().unwrap().to_string()));
    assert_eq!(to_value(&serde_json::json!({"a": [1, 2.5, null]})).unwrap(), value!({"a": [1, 2.5, null]}));
}

#[test]
fn what_dag_cbor_cannot_hold_is_refused() {
    assert!(to_value(&f64::NAN).is_err());
    assert!(to_value(&u128::MAX).is_err());
    assert!(to_value(&BTreeMap::from([(1, 2)])).is_err());
    assert!(from_value::<Pump>(value!({"needs": 1})).unwrap_err().to_string().contains("missing field"));
    assert!(from_value::<Cid>(value!("bafkqabiaaebagba")).is_err());
    assert!(from_value::<u8>(value!(256)).is_err());
}

#[test]
fn a_cid_is_text_in_json_and_a_key_there_too() {
    let cid = Cid::raw(HashAlgorithm::Sha2_256, b"photo");
    let json = serde_json::to_string(&cid).unwrap();
    assert_eq!(json, format!("\"{cid}\""));
    assert_eq!(serde_json::from_str::<Cid>(&json).unwrap(), cid);
    let map = BTreeMap::from([(cid, 1)]);
    let json = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<BTreeMap<Cid, i32>>(&json).unwrap(), map);
    for wrong in ["1", "null", "[]", "\"x\"", "\"bafk\""] {
        assert!(serde_json::from_str::<Cid>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_error_says_where_in_the_value_it_came_from() {
    let error = |value| from_value::<BTreeMap<String, Vec<Pump>>>(value).unwrap_err();
    let whole = to_value(&pump(Status::Dry)).unwrap();
    let mut wrong = whole.clone();
    if let Value::Map(map) = &mut wrong {
        map.insert("needs", "many");
    }
    let found = error(value!({"north": [whole, wrong]}));
    assert_eq!(found.path().collect::<Vec<_>>(), ["north", "1", "needs"]);
    assert!(found.to_string().ends_with(" at /north/1/needs"));
    assert_eq!(error(value!(1)).path().count(), 0);
    assert_eq!(error(value!({"north": 1})).path().collect::<Vec<_>>(), ["north"]);
}
