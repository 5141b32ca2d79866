use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use civic_types::limits::MAX_DOCUMENT_BYTES;
use civic_types::{Cid, CollectionId, CollectionSpec, DocumentKey, FieldOp, Map, Value};

use super::keys::{self, Keys};
use super::layer::{Changes, Layer};
use super::patch;
use super::reader::{CHUNK_BYTES, Reader};
use super::row::{self, BlobRow, LogRow};
use crate::adapter::{Collection, ReadView, Stored};
use crate::batch::{Folded, Origin, WriteOp};
use crate::change::{Change, ChangeKind};
use crate::engine::{Snapshot, Table};
use crate::error::Error;

/// One batch being applied over the state before it.
pub(super) struct Transaction<'a> {
    layer: Layer<'a>,
    keys: &'a Keys,
    seq: u64,
    documents: BTreeMap<DocumentKey, ChangeKind>,
    tables: BTreeSet<String>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(before: &'a dyn Snapshot, keys: &'a Keys, seq: u64) -> Self {
        let (documents, tables) = (BTreeMap::new(), BTreeSet::new());
        Self { layer: Layer::new(before), keys, seq, documents, tables }
    }

    pub(super) fn apply(&mut self, op: &WriteOp) -> Result<(), Error> {
        match op {
            WriteOp::Blob { id, bytes } => self.blob(id, bytes),
            WriteOp::Collection { id, spec, replicated } => self.collection(id, spec, *replicated),
            WriteOp::Delete { key } => {
                self.check_plain(key)?;
                self.remove(key)
            }
            WriteOp::Fold { key, state: None } => self.remove(key),
            WriteOp::Fold { key, state: Some(state) } => self.fold(key, state),
            WriteOp::Patch { key, ops } => self.patch(key, ops),
            WriteOp::Pin { target, pin } => {
                self.layer.set(Table::Pins, self.keys.pin(target, *pin), Some(row::encode_pin(target)));
                Ok(())
            }
            WriteOp::Put { key, value, .. } => {
                self.check_plain(key)?;
                self.put_plain(key, value.clone())
            }
            WriteOp::Record { table, key, value } => {
                self.layer.set(Table::Records, keys::record(table, key)?, value.clone());
                if !self.tables.contains(table) {
                    self.tables.insert(table.clone());
                }
                Ok(())
            }
            WriteOp::Unpin { target, pin } => {
                self.layer.set(Table::Pins, self.keys.pin(target, *pin), None);
                Ok(())
            }
        }
    }

    /// Adds the commit to the log and gives all changes.
    pub(super) fn finish(mut self, origin: Origin, idempotency: Option<[u8; 16]>) -> Changes {
        let (documents, tables) = (self.documents.into_iter().collect(), self.tables.into_iter().collect());
        let row = LogRow { change: Change { seq: self.seq, origin, documents, tables }, idempotency };
        let seq = Bytes::copy_from_slice(&self.seq.to_be_bytes());
        if let Some(key) = idempotency {
            self.layer.set(Table::Idempotency, Bytes::copy_from_slice(&key), Some(seq.clone()));
        }
        self.layer.set(Table::Log, seq, Some(row.encode()));
        self.layer.into_changes()
    }

    fn reader(&self) -> Reader<'_> {
        Reader { snapshot: &self.layer, keys: self.keys }
    }

    /// Refuses plain writes to what only a replicating wrapper may write.
    fn check_plain(&self, key: &DocumentKey) -> Result<(), Error> {
        match self.reader().collection(&key.collection)? {
            Some(Collection { replicated: true, .. }) => {
                Err(Error::HookRequired { collection: key.collection })
            }
            _ => Ok(()),
        }
    }

    fn patch(&mut self, key: &DocumentKey, ops: &[FieldOp]) -> Result<(), Error> {
        self.check_plain(key)?;
        let before = self.reader().document(key)?;
        let mut value = before.map_or_else(|| Value::Map(Map::new()), |stored| stored.value);
        patch::apply(&mut value, ops)?;
        self.put_plain(key, value)
    }

    fn put_plain(&mut self, key: &DocumentKey, value: Value) -> Result<(), Error> {
        let (heads, conflicts, incomplete) = (Vec::new(), false, None);
        let stored = Stored { key: key.clone(), value, heads, conflicts, incomplete, rev: self.seq };
        let row = row::encode_document(&stored)?;
        if row.len() > MAX_DOCUMENT_BYTES {
            return Err(Error::Limit { what: "document bytes", got: row.len(), limit: MAX_DOCUMENT_BYTES });
        }
        self.put(key, row);
        Ok(())
    }

    /// Not bounded by itself: what others wrote must not stop a replica.
    fn fold(&mut self, key: &DocumentKey, state: &Folded) -> Result<(), Error> {
        let Folded { value, heads, conflicts, incomplete } = state.clone();
        let stored = Stored { key: key.clone(), value, heads, conflicts, incomplete, rev: self.seq };
        self.put(key, row::encode_document(&stored)?);
        Ok(())
    }

    fn put(&mut self, key: &DocumentKey, row: Bytes) {
        self.layer.set(Table::Documents, self.keys.document(key), Some(row));
        self.documents.insert(key.clone(), ChangeKind::Put);
    }

    fn remove(&mut self, key: &DocumentKey) -> Result<(), Error> {
        let at = self.keys.document(key);
        if self.layer.get(Table::Documents, &at)?.is_some() {
            self.layer.set(Table::Documents, at, None);
            self.documents.insert(key.clone(), ChangeKind::Deleted);
        }
        Ok(())
    }

    fn collection(
        &mut self,
        id: &CollectionId,
        spec: &CollectionSpec,
        replicated: bool,
    ) -> Result<(), Error> {
        if spec.id() != *id {
            return Err(Error::InvalidRequest { what: "the collection's id is not its definition's" });
        }
        match self.reader().collection(id)? {
            Some(known) if known.replicated == replicated => Ok(()),
            Some(Collection { replicated: true, .. }) => {
                Err(Error::InvalidRequest { what: "a replicated collection stays replicated" })
            }
            _ => {
                let row = row::encode_collection(&Collection { spec: spec.clone(), replicated });
                self.layer.set(Table::Collections, self.keys.collection(id), Some(row));
                Ok(())
            }
        }
    }

    fn blob(&mut self, id: &Cid, bytes: &Bytes) -> Result<(), Error> {
        if !id.matches(bytes) {
            return Err(Error::InvalidRequest { what: "the blob does not hash to its id" });
        }
        let at = self.keys.blob(id);
        if self.layer.get(Table::Blobs, &at)?.is_some() {
            return Ok(());
        }
        let inline = (bytes.len() <= CHUNK_BYTES).then(|| bytes.clone());
        if inline.is_none() {
            for (number, start) in (0_u32..).zip((0..bytes.len()).step_by(CHUNK_BYTES)) {
                let chunk = bytes.slice(start..bytes.len().min(start + CHUNK_BYTES));
                self.layer.set(Table::Chunks, self.keys.chunk(id, number), Some(chunk));
            }
        }
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.layer.set(Table::Blobs, at, Some(BlobRow { id: id.clone(), len, inline }.encode()));
        Ok(())
    }
}
