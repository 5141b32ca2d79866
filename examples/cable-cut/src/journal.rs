//! The journal of a device: what it was asked, and what was acknowledged to it.
//!
//! An intent is flushed before its commit, an acknowledgement after the store has given it and never
//! before. So an acknowledged write must be found later; an intent without acknowledgement may be found.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::write::Write;

/// A version, as its header says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionRow {
    pub(crate) cid: String,
    pub(crate) document: String,
    pub(crate) parents: Vec<String>,
    /// In hexadecimal, so that texts sort as the bytes do.
    pub(crate) replica: String,
    /// Its number in the replica's log.
    pub(crate) position: u64,
    pub(crate) stamp: (u64, u16),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "entry")]
enum Line {
    Intent { number: u64, writes: Vec<Intended> },
    Ack { number: u64, made: Vec<VersionRow> },
}

/// A write, and the heads that the device showed of the document before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intended {
    pub(crate) write: Write,
    pub(crate) seen: Vec<String>,
}

/// One commit of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) writes: Vec<Intended>,
    /// The versions it made, if it was acknowledged.
    pub(crate) made: Option<Vec<VersionRow>>,
}

/// A journal being written.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens for appending, closing a line that a crash has torn.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(NAME);
        let fail = |what| Error::file(what, &path);
        let mut options = OpenOptions::new();
        let mut file = options.create(true).read(true).append(true).open(&path).map_err(fail("open"))?;
        let length = file.metadata().map_err(fail("read"))?.len();
        if length > 0 {
            let mut last = [0];
            file.seek(SeekFrom::Start(length - 1)).map_err(fail("read"))?;
            file.read_exact(&mut last).map_err(fail("read"))?;
            if last != *b"\n" {
                file.write_all(b"\n").map_err(fail("write"))?;
            }
        }
        Ok(Self { path, file })
    }

    pub(crate) fn intent(&mut self, number: u64, writes: Vec<Intended>) -> Result<(), Error> {
        self.append(&Line::Intent { number, writes })
    }

    pub(crate) fn ack(&mut self, number: u64, made: Vec<VersionRow>) -> Result<(), Error> {
        self.append(&Line::Ack { number, made })
    }

    /// One write to the system, which keeps it whatever becomes of this process.
    fn append(&mut self, line: &Line) -> Result<(), Error> {
        let mut bytes = serde_json::to_vec(line).map_err(Error::json("a line of the journal"))?;
        bytes.push(b'\n');
        self.file.write_all(&bytes).map_err(Error::file("write", &self.path))
    }
}

/// Reads a device's journal. A line that a kill has torn is left out: it was no acknowledgement.
pub(crate) fn read(dir: &Path) -> Result<Vec<Entry>, Error> {
    let path = dir.join(NAME);
    let text = std::fs::read(&path).map_err(Error::file("read", &path))?;
    parse(&text)
}

fn parse(text: &[u8]) -> Result<Vec<Entry>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut torn = 0;
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(Line::Intent { number, writes }) => entries.push(Entry { number, writes, made: None }),
            Ok(Line::Ack { number, made }) => {
                if let Some(entry) = entries.iter_mut().rfind(|entry| entry.number == number) {
                    entry.made = Some(made);
                }
            }
            Err(source) => {
                torn += 1;
                if torn > MAX_TORN {
                    return Err(Error::Json { what: "the journal", source });
                }
            }
        }
    }
    Ok(entries)
}

const NAME: &str = "journal.jsonl";

/// Kills of one run at most.
const MAX_TORN: usize = crate::plan::BURSTS;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::Op;

    fn intended(document: &str) -> Vec<Intended> {
        vec![Intended {
            write: Write::patch(document, vec![Op::increment("needs", 1)]),
            seen: vec!["a".into()],
        }]
    }

    #[test]
    fn acknowledgements_find_their_intents_and_a_torn_line_is_no_acknowledgement() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.intent(1, intended("x")).unwrap();
        journal.ack(1, Vec::new()).unwrap();
        journal.intent(2, intended("y")).unwrap();
        journal.file.write_all(br#"{"entry":"ack","number":2,"#).unwrap();
        drop(journal);
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.intent(3, intended("z")).unwrap();
        journal.ack(3, Vec::new()).unwrap();

        let entries = read(dir.path()).unwrap();
        let acked: Vec<_> = entries.iter().map(|entry| (entry.number, entry.made.is_some())).collect();
        assert_eq!(acked, [(1, true), (2, false), (3, true)]);
        assert_eq!(entries[1].writes, intended("y"));
    }

    #[test]
    fn a_journal_that_is_damaged_more_than_a_kill_can_do_is_refused() {
        assert!(parse("nonsense\n".repeat(MAX_TORN + 1).as_bytes()).is_err());
    }
}
