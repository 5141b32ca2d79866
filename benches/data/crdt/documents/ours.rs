use civic_benches_data::{Author, Fields, insert_all, shown};
use civic_crdt::Document;
use civic_crdt::version::Rules;
use civic_crdt::version::pack::{PackError, PackedVersion, Unpacked, pack, unpack};
use civic_figures::Outcome;
use civic_types::item::ReplicaRecord;

use super::{Library, Sent, Work};

/// Packs without signatures: headers are checked and their CIDs computed anew, as others do with their hashes.
pub enum Ours {}

impl Library for Ours {
    type Document = Document;

    fn write(work: &Work) -> Outcome<Sent> {
        let mut authors = [Author::new(1), Author::new(2)];
        let [first, here, there] = versions(&mut authors, DOCUMENT, work)?;
        Ok(Sent {
            here: pack(&records(&authors), &[first, here])?,
            update: pack(&records(&authors), &[there])?,
        })
    }

    fn merge(sent: &Sent) -> Outcome<Document> {
        let mut document = Document::default();
        insert_all(&mut document, &open(&sent.here)?.versions)?;
        insert_all(&mut document, &open(&sent.update)?.versions)?;
        Ok(document)
    }

    fn encode(sent: &Sent) -> Outcome<Vec<u8>> {
        let (mut here, mut update) = (open(&sent.here)?, open(&sent.update)?);
        here.records.append(&mut update.records);
        here.versions.append(&mut update.versions);
        Ok(pack(&here.records, &here.versions)?)
    }

    fn shown(document: &Document) -> Fields {
        shown(document.view().as_ref())
    }
}

/// Bytes of one pack with all documents.
pub fn packed_together(work: &[Work]) -> Outcome<usize> {
    let mut authors = [Author::new(1), Author::new(2)];
    let mut all = Vec::new();
    for (number, work) in work.iter().enumerate() {
        all.extend(versions(&mut authors, &format!("household/{number:08}"), work)?);
    }
    Ok(pack(&records(&authors), &all)?.len())
}

/// The first version and what each of two authors makes of it.
fn versions(authors: &mut [Author; 2], document: &str, work: &Work) -> Outcome<[PackedVersion; 3]> {
    let [here, there] = authors;
    let [here_changes, there_changes] = work.changes.each_ref().map(std::slice::from_ref);
    let key = Author::key(document)?;
    let mut document = Document::default();
    let first = here.edit(&mut document, &key, &work.fields)?;
    let mut other = document.clone();
    let mine = here.edit(&mut document, &key, here_changes)?;
    Ok([first, mine, there.edit(&mut other, &key, there_changes)?])
}

fn records(authors: &[Author; 2]) -> [ReplicaRecord; 2] {
    authors.each_ref().map(|author| author.record)
}

fn open(pack: &[u8]) -> Result<Unpacked, PackError> {
    unpack(pack, |_| Some(Rules::default()))
}

const DOCUMENT: &str = "household/00000001";
