//! Reads one hexadecimal string per line and says whether it is canonical DAG-CBOR.
//!
//! Prints `ok CID` or `error KIND OFFSET` for each line; a line that is not hexadecimal is
//! `error hex 0`. Run: `echo a16161f5 | cargo run -q -p civic-types --example cbor`.
//!
//! With file names it reads those as bytes instead, and shows what is canonical as DAG-JSON:
//! `cargo run -q -p civic-types --example cbor -- block.dag-cbor`.

use std::env;
use std::fs;
use std::io::{self, BufRead, Write};

use civic_types::{Cid, HashAlgorithm, Value, cbor};
use data_encoding::HEXLOWER_PERMISSIVE;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut files = env::args_os().skip(1).peekable();
    if files.peek().is_none() {
        for line in io::stdin().lock().lines() {
            match HEXLOWER_PERMISSIVE.decode(line?.trim().as_bytes()) {
                Ok(bytes) => writeln!(out, "{}", verdict(&bytes).0)?,
                Err(_) => writeln!(out, "error hex 0")?,
            }
        }
    }
    for file in files {
        let (verdict, value) = verdict(&fs::read(file)?);
        writeln!(out, "{verdict}")?;
        if let Some(value) = value {
            match value.to_dag_json() {
                Ok(json) => writeln!(out, "{json}")?,
                Err(error) => writeln!(out, "{error}: {value}")?,
            }
        }
    }
    Ok(())
}

fn verdict(bytes: &[u8]) -> (String, Option<Value>) {
    match cbor::decode(bytes) {
        Ok(value) => (format!("ok {}", Cid::dag_cbor(HashAlgorithm::Sha2_256, bytes)), Some(value)),
        Err(error) => (format!("error {} {}", error.kind.name(), error.offset), None),
    }
}
