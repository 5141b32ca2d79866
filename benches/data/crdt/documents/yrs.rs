use civic_benches_data::{Change, Fields, Scalar};
use civic_figures::Outcome;
use yrs::updates::decoder::Decode;
use yrs::{Any, Doc, Map, ReadTxn, StateVector, Transact, Update};

use super::{Library, Sent, Work};

pub enum Yrs {}

impl Library for Yrs {
    type Document = Doc;

    fn write(Work { fields, changes: [here, there] }: &Work) -> Outcome<Sent> {
        let doc = Doc::with_client_id(1);
        change(&doc, fields);
        let seen = doc.transact().state_vector();
        let other = open(2, &encode(&doc))?;
        change(&doc, std::slice::from_ref(here));
        change(&other, std::slice::from_ref(there));
        let update = other.transact().encode_state_as_update_v1(&seen);
        Ok(Sent { here: encode(&doc), update })
    }

    fn merge(sent: &Sent) -> Outcome<Doc> {
        let doc = open(1, &sent.here)?;
        doc.transact_mut().apply_update(Update::decode_v1(&sent.update)?)?;
        Ok(doc)
    }

    fn encode(sent: &Sent) -> Outcome<Vec<u8>> {
        Ok(encode(&Self::merge(sent)?))
    }

    fn shown(doc: &Doc) -> Fields {
        let map = doc.get_or_insert_map(ROOT);
        let read = doc.transact();
        map.iter(&read).map(|(name, value)| (name.to_owned(), value.to_string(&read))).collect()
    }
}

fn open(client: u64, bytes: &[u8]) -> Outcome<Doc> {
    let doc = Doc::with_client_id(client);
    doc.transact_mut().apply_update(Update::decode_v1(bytes)?)?;
    Ok(doc)
}

fn encode(doc: &Doc) -> Vec<u8> {
    doc.transact().encode_state_as_update_v1(&StateVector::default())
}

fn change(doc: &Doc, changes: &[Change]) {
    let map = doc.get_or_insert_map(ROOT);
    let mut write = doc.transact_mut();
    for Change { field, value } in changes {
        let value = match value {
            Scalar::Bool(value) => Any::from(*value),
            Scalar::Int(value) => Any::from(*value),
            Scalar::Text(value) => Any::from(value.as_str()),
        };
        map.insert(&mut write, *field, value);
    }
}

const ROOT: &str = "household";
