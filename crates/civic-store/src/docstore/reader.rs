use std::ops::Range;

use bytes::{Bytes, BytesMut};
use civic_types::{Cid, CollectionId, DocumentKey};

use super::keys::{self, Keys};
use super::row::{self, BlobRow};
use crate::adapter::{Collection, ReadView, Stored};
use crate::engine::{KeyRange, Snapshot, Table};
use crate::error::Error;
use crate::query::{Cursor, MAX_PAGE, Page, QueryStats};
use crate::record::{Record, RecordScan};

/// Largest blob that stands in one row, and size of the pieces of larger ones.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;

/// Typed reads of one state.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) snapshot: &'a dyn Snapshot,
    pub(super) keys: &'a Keys,
}

impl Reader<'_> {
    /// Part of a blob, cut at its end.
    pub(super) fn blob_range(&self, id: &Cid, range: Range<u64>) -> Result<Option<Bytes>, Error> {
        let Some(row) = self.snapshot.get(Table::Blobs, &self.keys.blob(id))? else { return Ok(None) };
        let row = BlobRow::decode(&row)?;
        if &row.id != id {
            return Err(Error::Corrupt { what: "blob" });
        }
        let end = range.end.min(row.len);
        let start = range.start.min(end);
        let (start, end) = (position(start)?, position(end)?);
        if let Some(bytes) = &row.inline {
            return Ok(Some(bytes.slice(start..end)));
        }
        let mut out = BytesMut::with_capacity(end - start);
        for number in start / CHUNK_BYTES..end.div_ceil(CHUNK_BYTES) {
            let chunk = self.chunk(id, number)?;
            let first = number * CHUNK_BYTES;
            let inside = start.saturating_sub(first)..(end - first).min(CHUNK_BYTES);
            out.extend_from_slice(chunk.get(inside).ok_or(Error::Corrupt { what: "blob" })?);
        }
        Ok(Some(out.freeze()))
    }

    fn chunk(&self, id: &Cid, number: usize) -> Result<Bytes, Error> {
        let number = u32::try_from(number).map_err(|_| Error::Corrupt { what: "blob" })?;
        self.snapshot.get(Table::Chunks, &self.keys.chunk(id, number))?.ok_or(Error::Corrupt { what: "blob" })
    }
}

impl ReadView for Reader<'_> {
    fn document(&self, key: &DocumentKey) -> Result<Option<Stored>, Error> {
        let Some(row) = self.snapshot.get(Table::Documents, &self.keys.document(key))? else {
            return Ok(None);
        };
        let stored = row::decode_document(key.collection, &row)?;
        if stored.key == *key { Ok(Some(stored)) } else { Err(Error::Corrupt { what: "document" }) }
    }

    fn record(&self, table: &str, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.snapshot.get(Table::Records, &keys::record(table, key)?)
    }

    fn records(&self, scan: &RecordScan) -> Result<Page<Record>, Error> {
        check_page(scan.limit)?;
        let table = keys::record_table(&scan.table)?;
        let mut range = KeyRange::prefix(&[table.as_slice(), &scan.prefix].concat());
        if let Some(after) = &scan.after {
            range = range.after(&[table.as_slice(), after].concat());
        }
        let mut pairs = self.snapshot.scan(Table::Records, &range, scan.limit + 1)?;
        let more = pairs.len() > scan.limit;
        pairs.truncate(scan.limit);
        let stats = QueryStats { scanned: u64::try_from(pairs.len()).unwrap_or(u64::MAX) };
        let items: Vec<Record> =
            pairs.into_iter().map(|(key, value)| Record { key: key.slice(table.len()..), value }).collect();
        let next = items.last().filter(|_| more).map(|record| Cursor(record.key.clone()));
        Ok(Page { items, next, stats })
    }

    fn collection(&self, id: &CollectionId) -> Result<Option<Collection>, Error> {
        let Some(row) = self.snapshot.get(Table::Collections, &self.keys.collection(id))? else {
            return Ok(None);
        };
        let collection = row::decode_collection(&row)?;
        if collection.spec.id() == *id {
            Ok(Some(collection))
        } else {
            Err(Error::Corrupt { what: "collection" })
        }
    }

    fn blob(&self, id: &Cid) -> Result<Option<Bytes>, Error> {
        self.blob_range(id, 0..u64::MAX)
    }
}

/// Refuses pages of no elements or of too many.
pub(super) const fn check_page(limit: usize) -> Result<(), Error> {
    match limit {
        0 => Err(Error::InvalidRequest { what: "a page has at least one element" }),
        1..=MAX_PAGE => Ok(()),
        got => Err(Error::Limit { what: "elements of a page", got, limit: MAX_PAGE }),
    }
}

fn position(at: u64) -> Result<usize, Error> {
    usize::try_from(at).map_err(|_| Error::Corrupt { what: "blob" })
}
