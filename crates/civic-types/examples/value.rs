//! A struct becomes a value, canonical bytes, a CID, and a struct again.

use civic_types::{Cid, HashAlgorithm, cbor, from_value, to_value};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pump {
    status: String,
    needs: u32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pump = Pump { status: "dry".to_owned(), needs: 2 };
    let value = to_value(&pump)?;
    let bytes = cbor::encode(&value)?;
    println!("{value} is {} bytes, {}", bytes.len(), Cid::dag_cbor(HashAlgorithm::Sha2_256, &bytes));
    let back: Pump = from_value(cbor::decode(&bytes)?)?;
    assert_eq!(back, pump);
    Ok(())
}
