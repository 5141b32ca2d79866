//! What `maintain` does, on the writer's thread, so that no commit comes between.

use std::collections::BTreeSet;

use bytes::Bytes;
use civic_types::{Cid, CollectionId, Value};

use super::Shared;
use super::feed::seq_of;
use super::keys::Keys;
use super::reader::{CHUNK_BYTES, Reader};
use super::row::{self, BlobRow, LogRow};
use crate::adapter::{Maintain, ReadView, Report};
use crate::batch::Durability;
use crate::engine::{Engine, EngineOp, KeyRange, Pair, Snapshot, Table};
use crate::error::Error;

/// Entries that one step of maintenance holds in memory.
const STEP: usize = 256;

impl<E: Engine> Shared<E> {
    pub(super) fn maintain(&self, task: Maintain) -> Result<Report, Error> {
        match task {
            Maintain::Collect => self.collect(),
            Maintain::Trim => Ok(Report { removed: self.trim_log()?, ..Report::default() }),
            Maintain::Verify => self.verify(),
            Maintain::Compact | Maintain::Flush => self.engine.maintain(task),
        }
    }

    /// Removes blobs that no pin, head or link of a document names.
    fn collect(&self) -> Result<Report, Error> {
        let mut report = Report::default();
        let snapshot = self.engine.snapshot()?;
        let mut named = BTreeSet::new();
        for_each(&*snapshot, Table::Pins, |_, row| {
            named.insert(row::decode_pin(&row)?);
            Ok(())
        })?;
        for_each(&*snapshot, Table::Documents, |_, row| {
            report.checked += 1;
            let stored = row::decode_document(NO_COLLECTION, &row)?;
            links(&stored.value, &mut named);
            named.extend(stored.heads);
            Ok(())
        })?;
        let mut ops = Vec::new();
        for_each(&*snapshot, Table::Blobs, |key, row| {
            report.checked += 1;
            let blob = BlobRow::decode(&row)?;
            if !named.contains(&blob.id) {
                report.removed += 1;
                ops.push(EngineOp { table: Table::Blobs, key, value: None });
                ops.extend(chunks(&self.keys, &blob));
            }
            Ok(())
        })?;
        drop(snapshot);
        if !ops.is_empty() {
            self.engine.write(&ops, Durability::Full)?;
        }
        Ok(report)
    }

    /// Reads every row and checks it against its key.
    fn verify(&self) -> Result<Report, Error> {
        let mut report = self.engine.maintain(Maintain::Verify)?;
        let snapshot = self.engine.snapshot()?;
        let reader = Reader { snapshot: &*snapshot, keys: &self.keys };
        for table in Table::ALL {
            for_each(&*snapshot, table, |key, row| {
                report.checked += 1;
                self.verify_row(reader, table, &key, &row)
            })?;
        }
        Ok(report)
    }

    fn verify_row(&self, reader: Reader<'_>, table: Table, key: &Bytes, row: &Bytes) -> Result<(), Error> {
        let sound = match table {
            Table::Collections => self.keys.collection(&row::decode_collection(row)?.spec.id()) == *key,
            Table::Documents => {
                // The collection stands in the key only, and may be hidden there.
                let id = row::decode_document(NO_COLLECTION, row)?.key.document;
                key.ends_with(&self.keys.document_part(&id))
            }
            Table::Blobs => {
                let id = BlobRow::decode(row)?.id;
                self.keys.blob(&id) == *key && reader.blob(&id)?.is_some_and(|bytes| id.matches(&bytes))
            }
            Table::Pins => key.starts_with(&self.keys.blob(&row::decode_pin(row)?)),
            Table::Log => match seq_of(key) {
                Some(seq) => LogRow::decode(seq, row).is_ok(),
                None => false,
            },
            Table::Idempotency => row::decode_seq(row).is_ok(),
            Table::Chunks | Table::Meta | Table::Records | Table::Seal => true,
        };
        if sound { Ok(()) } else { Err(Error::Corrupt { what: "a row that does not fit its key" }) }
    }
}

/// Stands where a row's collection does not matter.
const NO_COLLECTION: CollectionId = CollectionId::from_bytes([0; 32]);

fn for_each(
    snapshot: &dyn Snapshot,
    table: Table,
    mut see: impl FnMut(Bytes, Bytes) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut range = KeyRange::all();
    loop {
        let page: Vec<Pair> = snapshot.scan(table, &range, STEP)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        range = range.after(last);
        page.into_iter().try_for_each(|(key, row)| see(key, row))?;
    }
}

fn links(value: &Value, named: &mut BTreeSet<Cid>) {
    match value {
        Value::Link(cid) => {
            named.insert(cid.clone());
        }
        Value::List(values) => values.iter().for_each(|value| links(value, named)),
        Value::Map(map) => map.iter().for_each(|(_, value)| links(value, named)),
        _ => {}
    }
}

fn chunks(keys: &Keys, blob: &BlobRow) -> Vec<EngineOp> {
    if blob.inline.is_some() {
        return Vec::new();
    }
    let chunk = u64::try_from(CHUNK_BYTES).unwrap_or(u64::MAX);
    let count = u32::try_from(blob.len.div_ceil(chunk)).unwrap_or(u32::MAX);
    let op = |number| EngineOp { table: Table::Chunks, key: keys.chunk(&blob.id, number), value: None };
    (0..count).map(op).collect()
}
