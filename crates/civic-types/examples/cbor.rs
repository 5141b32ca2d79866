//! Reads one hexadecimal string per line and says whether it is canonical DAG-CBOR.
//!
//! Prints `ok CID` or `error KIND OFFSET` for each line; a line that is not hexadecimal is
//! `error hex 0`. Run: `echo a16161f5 | cargo run -q -p civic-types --example cbor`.

use std::io::{self, BufRead, Write};

use civic_types::{Cid, HashAlgorithm, cbor};
use data_encoding::HEXLOWER_PERMISSIVE;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        writeln!(out, "{}", verdict(line?.trim()))?;
    }
    Ok(())
}

fn verdict(line: &str) -> String {
    let Ok(bytes) = HEXLOWER_PERMISSIVE.decode(line.as_bytes()) else {
        return "error hex 0".to_owned();
    };
    match cbor::decode(&bytes) {
        Ok(_) => format!("ok {}", Cid::dag_cbor(HashAlgorithm::Sha2_256, &bytes)),
        Err(error) => format!("error {} {}", error.kind.name(), error.offset),
    }
}
