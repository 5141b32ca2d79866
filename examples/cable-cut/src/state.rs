//! What a device shows and holds, as a file that the oracle reads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use civicbase::Value;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::error::Error;
use crate::journal::VersionRow;
use crate::protocol::MAX_LINE;

/// All of a device at the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) root: String,
    /// The device's own replica, in hexadecimal; empty if it never wrote.
    pub(crate) replica: String,
    /// Versions that came, by the peer that brought them; the empty text is the device itself.
    pub(crate) received: BTreeMap<String, u64>,
    pub(crate) documents: BTreeMap<String, Shown>,
    pub(crate) versions: BTreeMap<String, VersionRow>,
}

/// A document as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) value: Json,
    pub(crate) conflicts: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "line")]
enum Line {
    Device { root: String, replica: String, received: BTreeMap<String, u64> },
    Document { id: String, shown: Shown },
    Version(VersionRow),
}

impl State {
    pub(crate) fn save(self, path: &Path) -> Result<(), Error> {
        let file = File::create(path).map_err(Error::file("create", path))?;
        let mut out = BufWriter::new(file);
        let Self { root, replica, received, documents, versions } = self;
        let documents = documents.into_iter().map(|(id, shown)| Line::Document { id, shown });
        let versions = versions.into_values().map(Line::Version);
        for line in [Line::Device { root, replica, received }].into_iter().chain(documents).chain(versions) {
            serde_json::to_writer(&mut out, &line).map_err(Error::json("a line of the state"))?;
            out.write_all(b"\n").map_err(Error::file("write", path))?;
        }
        out.flush().map_err(Error::file("write", path))
    }

    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        let mut input = BufReader::new(File::open(path).map_err(Error::file("open", path))?);
        let mut state = Self::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut bounded = input.by_ref().take(MAX_LINE as u64);
            if bounded.read_until(b'\n', &mut line).map_err(Error::file("read", path))? == 0 {
                return Ok(state);
            }
            match serde_json::from_slice(&line).map_err(Error::json("a line of the state"))? {
                Line::Device { root, replica, received } => {
                    (state.root, state.replica, state.received) = (root, replica, received);
                }
                Line::Document { id, shown } => drop(state.documents.insert(id, shown)),
                Line::Version(row) => drop(state.versions.insert(row.cid.clone(), row)),
            }
        }
    }
}

/// A value as JSON; the documents of this program have nothing that JSON lacks.
pub(crate) fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::List(values) => values.iter().map(json).collect(),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, value)| (key.to_owned(), json(value))).collect())
        }
        Value::Text(text) => Json::from(text.as_str()),
        other => other.as_i64().map_or_else(|| Json::from(other.to_string()), Json::from),
    }
}

#[cfg(test)]
mod tests {
    use civicbase::value;

    use super::*;

    #[test]
    fn a_state_comes_back_from_its_file_as_it_was() {
        let row = VersionRow {
            cid: "b1".into(),
            document: "x".into(),
            parents: vec!["b0".into()],
            replica: "aa".into(),
            position: 3,
            stamp: (5, 1),
        };
        let shown = Shown { value: json(&value!({"needs": 3, "log": ["a", "b"]})), conflicts: true };
        let state = State {
            root: "r".into(),
            replica: "aa".into(),
            received: [(String::new(), 1)].into(),
            documents: [("x".to_owned(), shown)].into(),
            versions: [("b1".to_owned(), row)].into(),
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.jsonl");
        state.clone().save(&path).unwrap();
        assert_eq!(State::load(&path).unwrap(), state);
    }
}
