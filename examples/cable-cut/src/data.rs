//! The documents to load: postal areas with municipality and county, or a file of the user's own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use civicbase::DocumentId;

use crate::error::Error;
use crate::write::field;

/// A document before anybody changed it: plain fields only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) fields: Vec<(String, String)>,
}

/// The built-in rows or those of a file, at most `limit`.
pub(crate) fn rows(input: Option<&Path>, limit: usize) -> Result<Vec<Row>, Error> {
    let mut rows = match input {
        Some(path) => own(path)?,
        None => postal_areas(POSTAL, COUNTIES)?,
    };
    rows.truncate(limit);
    Ok(rows)
}

/// Joins every postal code with its municipality's county.
fn postal_areas(postal: &str, counties: &str) -> Result<Vec<Row>, Error> {
    let built_in = PathBuf::from("the built-in data");
    let mut county_of = BTreeMap::new();
    for record in table(counties.as_bytes(), &built_in)?.1 {
        if let [code, _, name, _, county, _] = record.as_slice() {
            county_of.insert(code.clone(), (name.clone(), county.clone()));
        }
    }
    let mut rows = Vec::new();
    for record in table(postal.as_bytes(), &built_in)?.1 {
        let [id, locality, code, _] = record.as_slice() else { continue };
        let (municipality, county) = county_of.get(code).ok_or_else(|| Error::Input {
            path: built_in.clone(),
            reason: format!("postal code {id} is in the unknown municipality {code}"),
        })?;
        let fields = [("locality", locality), ("municipality", municipality), ("county", county)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.clone())).to_vec();
        rows.push(Row { id: id.clone(), fields });
    }
    Ok(rows)
}

/// The first column is the id, the others are fields by their header.
fn own(path: &Path) -> Result<Vec<Row>, Error> {
    let refuse = |reason: String| Error::Input { path: path.to_owned(), reason };
    let text = std::fs::read(path).map_err(Error::file("read", path))?;
    let (header, records) = table(&text, path)?;
    if let Some(taken) =
        header.iter().skip(1).find(|name| name.is_empty() || field::ALL.contains(&name.as_str()))
    {
        return Err(refuse(format!("a column may not be called {taken:?}")));
    }
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for (line, record) in records.into_iter().enumerate() {
        let mut cells = record.into_iter();
        let id = cells.next().unwrap_or_default();
        DocumentId::new(&id).map_err(|error| refuse(format!("row {}: the id {id:?}: {error}", line + 1)))?;
        if !seen.insert(id.clone()) {
            return Err(refuse(format!("row {}: the id {id:?} is there twice", line + 1)));
        }
        rows.push(Row { id, fields: header.iter().skip(1).cloned().zip(cells).collect() });
    }
    if rows.len() < MIN_ROWS {
        return Err(refuse(format!("it has {} rows, fewer than {MIN_ROWS}", rows.len())));
    }
    Ok(rows)
}

type Records = Vec<Vec<String>>;

fn table(text: &[u8], path: &Path) -> Result<(Vec<String>, Records), Error> {
    let refuse = |error: csv::Error| Error::Input { path: path.to_owned(), reason: error.to_string() };
    let mut reader = csv::Reader::from_reader(text);
    let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let header = cells(reader.headers().map_err(refuse)?);
    let records = reader.records().map(|record| record.map(|record| cells(&record)));
    Ok((header, records.collect::<Result<_, _>>().map_err(refuse)?))
}

/// Fewer documents leave nothing to contest.
const MIN_ROWS: usize = 10;

const POSTAL: &str = include_str!("../data/postal_to_municipality.csv");
const COUNTIES: &str = include_str!("../data/municipality_county.csv");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_postal_code_is_joined_with_its_county() {
        let rows = rows(None, usize::MAX).unwrap();
        assert_eq!(rows.len(), 15_463);
        let fields = [("locality", "Stockholm"), ("municipality", "Stockholm"), ("county", "Stockholms län")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        assert_eq!(rows[0], Row { id: "10004".to_owned(), fields });
        assert_eq!(rows[1].id, "10012");
        let ids: BTreeSet<_> = rows.iter().map(|row| &row.id).collect();
        assert_eq!(ids.len(), rows.len());
        assert!(
            rows.iter()
                .all(|row| row.fields.len() == 3 && row.fields.iter().all(|(_, value)| !value.is_empty()))
        );
    }

    #[test]
    fn a_municipality_without_a_county_is_told() {
        let postal = "postal_code,locality,municipality_code,municipality_name\n1,Here,9999,Nowhere\n";
        assert!(postal_areas(postal, COUNTIES).unwrap_err().to_string().contains("9999"));
    }

    #[test]
    fn an_own_file_brings_its_columns_and_bad_ones_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.csv");
        let body: String = (0..12).map(|i| format!("pump-{i},Quay {i}\n")).collect();
        std::fs::write(&path, format!("id,place\n{body}")).unwrap();
        let rows = rows(Some(&path), 11).unwrap();
        assert_eq!(rows.len(), 11);
        assert_eq!(rows[2], Row { id: "pump-2".into(), fields: vec![("place".into(), "Quay 2".into())] });

        for (text, says) in [
            (format!("id,status\n{body}"), "status"),
            (format!("id,place\n{body}pump-3,again\n"), "twice"),
            ("id,place\na,b\n".to_owned(), "fewer"),
            ("id,place\na\n".to_owned(), "fields"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = own(&path).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
