use bytes::Bytes;
use civic_types::{Cid, CollectionId, DocumentId, DocumentKey};

use crate::batch::{MAX_RECORD_KEY_BYTES, Pin};
use crate::engine::{Blinder, Table};
use crate::error::Error;

/// Longest name of a record table in bytes.
const MAX_TABLE_BYTES: usize = 32;

/// How typed names become keys of the engine.
///
/// Where values are encrypted, collections, documents and blobs stand as keyed hashes, and their clear
/// names inside the values. Record tables and keys stay clear, since they are read in order: whoever
/// writes records chooses keys that may be seen.
#[derive(Debug)]
pub(super) struct Keys(Option<Blinder>);

impl Keys {
    pub(super) const fn new(blinder: Option<Blinder>) -> Self {
        Self(blinder)
    }

    /// Whether keys of documents keep the order of their ids.
    pub(super) const fn ordered(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn collection(&self, id: &CollectionId) -> Bytes {
        self.part(Table::Collections, id.as_bytes())
    }

    /// What all documents of a collection start with.
    pub(super) fn documents(&self, collection: &CollectionId) -> Bytes {
        self.part(Table::Collections, collection.as_bytes())
    }

    pub(super) fn document(&self, key: &DocumentKey) -> Bytes {
        self.document_after(&key.collection, &key.document)
    }

    pub(super) fn document_after(&self, collection: &CollectionId, id: &DocumentId) -> Bytes {
        Bytes::from([self.documents(collection), self.document_part(id)].concat())
    }

    /// What the key of a document ends with.
    pub(super) fn document_part(&self, id: &DocumentId) -> Bytes {
        self.part(Table::Documents, id.as_str().as_bytes())
    }

    pub(super) fn blob(&self, id: &Cid) -> Bytes {
        self.part(Table::Blobs, id.as_bytes())
    }

    pub(super) fn chunk(&self, id: &Cid, number: u32) -> Bytes {
        Bytes::from([self.blob(id).as_ref(), &number.to_be_bytes()].concat())
    }

    pub(super) fn pin(&self, target: &Cid, pin: Pin) -> Bytes {
        let pin = match pin {
            Pin::App => 0,
            Pin::Lease => 1,
            Pin::Region => 2,
            Pin::User => 3,
        };
        Bytes::from([self.blob(target).as_ref(), &[pin]].concat())
    }

    fn part(&self, table: Table, part: &[u8]) -> Bytes {
        match &self.0 {
            Some(blinder) => Bytes::copy_from_slice(&blinder.blind(table, part)),
            None => Bytes::copy_from_slice(part),
        }
    }
}

/// What all records of a table start with.
///
/// # Errors
///
/// [`Error::InvalidRequest`] for a name that is none.
pub(super) fn record_table(table: &str) -> Result<Vec<u8>, Error> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    match u8::try_from(table.len()) {
        Ok(len @ 1..) if table.len() <= MAX_TABLE_BYTES && table.bytes().all(good) => {
            Ok([&[len], table.as_bytes()].concat())
        }
        _ => Err(Error::InvalidRequest { what: "a record table has 1..=32 bytes of a-z, 0-9, `.` and `-`" }),
    }
}

/// The key of a record.
///
/// # Errors
///
/// As [`record_table`], and [`Error::InvalidRequest`] or [`Error::Limit`] for the key's length.
pub(super) fn record(table: &str, key: &[u8]) -> Result<Bytes, Error> {
    if key.is_empty() {
        return Err(Error::InvalidRequest { what: "a record key is empty" });
    }
    if key.len() > MAX_RECORD_KEY_BYTES {
        return Err(Error::Limit { what: "record key bytes", got: key.len(), limit: MAX_RECORD_KEY_BYTES });
    }
    let mut full = record_table(table)?;
    full.extend_from_slice(key);
    Ok(Bytes::from(full))
}

/// Keys of [`Table::Meta`].
pub(super) mod meta {
    /// `seq` of the newest commit, 8 bytes.
    pub(crate) const HEAD: &[u8] = b"head";
    /// Version of the rows' format, 4 bytes.
    pub(crate) const FORMAT: &[u8] = b"format";
}
