use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use civic_crdt::document::{BodyState, Document};
use civic_crdt::version::Rules;
use civic_store::{Folded, Incomplete, Pin, ReadView, RecordScan, WriteOp};
use civic_types::item::{ItemId, kind};
use civic_types::{Cid, CollectionId, CollectionSpec, DocumentKey, PeerId, ReplicaId};
use zeroize::Zeroizing;

use super::shared::Shared;
use super::sketch;
use crate::error::Error;
use crate::reconcile::{ShortId, short_id};
use crate::table::{
    self, Arrival, AuthorState, Head, LogEntry, Newest, Place, Row, ScopeState, StoredVersion,
};

/// One hook's work inside the store's transaction: what it read, what it changed, what is to be written.
pub(super) struct Txn<'a> {
    view: &'a dyn ReadView,
    shared: &'a Shared,
    collections: BTreeMap<CollectionId, OpenCollection>,
    documents: BTreeMap<(CollectionId, Row), OpenDocument>,
    ops: Vec<WriteOp>,
}

pub(super) struct OpenCollection {
    pub(super) rules: Rules,
    pub(super) spec: CollectionSpec,
    scope_key: Zeroizing<[u8; 32]>,
    scope: ScopeState,
    /// Where its log ended before.
    before: u64,
    /// What this transaction adds to it.
    shorts: Vec<ShortId>,
    newest: BTreeMap<ReplicaId, Newest>,
    pub(super) author: Option<AuthorState>,
    added: BTreeSet<Cid>,
}

pub(super) struct OpenDocument {
    pub(super) document: Document,
    pub(super) key: DocumentKey,
    /// Versions in the store.
    pub(super) stored: u32,
    /// Versions in the store and in this transaction.
    pub(super) versions: u32,
    /// Whether this transaction changes it.
    pub(super) changed: bool,
}

impl<'a> Txn<'a> {
    pub(super) fn new(view: &'a dyn ReadView, shared: &'a Shared) -> Self {
        Self { view, shared, collections: BTreeMap::new(), documents: BTreeMap::new(), ops: Vec::new() }
    }

    pub(super) fn collection(&mut self, id: &CollectionId) -> Result<&mut OpenCollection, Error> {
        if !self.collections.contains_key(id) {
            let unknown = Error::UnknownCollection { collection: *id };
            let spec = self.shared.spec(id).ok_or(unknown)?;
            let scope = self.view.record(table::SCOPE, id.as_bytes())?;
            let scope = ScopeState::read(scope, &self.shared.epoch)?;
            let author = self.view.record(table::AUTHOR, id.as_bytes())?;
            let open = OpenCollection {
                rules: Rules::from(&spec),
                scope_key: self.shared.scope_key(&spec)?,
                spec,
                before: scope.seq,
                scope,
                shorts: Vec::new(),
                newest: BTreeMap::new(),
                author: author.map(|bytes| AuthorState::decode(&bytes)).transpose()?,
                added: BTreeSet::new(),
            };
            self.collections.insert(*id, open);
        }
        self.collections.get_mut(id).ok_or(Error::UnknownCollection { collection: *id })
    }

    pub(super) fn document(&mut self, key: &DocumentKey) -> Result<&mut OpenDocument, Error> {
        let row = table::row_of(&self.shared.row_secret.0, &key.document);
        let slot = (key.collection, row);
        if !self.documents.contains_key(&slot) {
            let open = self.load(key, row)?;
            self.documents.insert(slot, open);
        }
        self.documents.get_mut(&slot).ok_or(Error::Damaged { what: "a document" })
    }

    /// Whether the item is held or was added by this transaction.
    pub(super) fn holds(&mut self, collection: &CollectionId, cid: &Cid) -> Result<bool, Error> {
        if self.collection(collection)?.added.contains(cid) {
            return Ok(true);
        }
        Ok(self.view.record(table::ITEM, &table::item_key(collection, cid))?.is_some())
    }

    /// Whether a held version of the replica's log follows `cid` by its `q`: then `cid` is authentic.
    pub(super) fn vouched_by_held(&mut self, version: &civic_crdt::version::Version) -> Result<bool, Error> {
        let header = version.header();
        let rules = self.collection(&header.collection)?.rules;
        let next = table::log_prefix(&header.collection, &header.replica, header.position.saturating_add(1));
        let page = self.view.records(&RecordScan::table(table::LOG).prefix(next).limit(MAX_FORKS))?;
        for record in page.items {
            let place = table::version_key(&header.collection, LogEntry::decode(&record.value)?.place);
            let Some(bytes) = self.view.record(table::VERSION, &place)? else { continue };
            let held = StoredVersion::decode(&bytes, &rules)?;
            if held.version.header().previous.as_ref() == Some(version.cid()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes the rows of a version that its open document has just admitted.
    pub(super) fn add(&mut self, stored: &StoredVersion, source: Option<PeerId>) -> Result<(), Error> {
        let key = stored.version.key();
        let row = table::row_of(&self.shared.row_secret.0, &key.document);
        let open = self.document(&key)?;
        let place = Place { row, index: open.versions };
        open.versions = open.versions.saturating_add(1);
        open.changed = true;
        let cid = stored.version.cid().clone();
        let collection = self.collection(&key.collection)?;
        let id = ItemId { kind: kind::VERSION, cid: cid.clone() };
        collection.scope.seq += 1;
        collection.scope.chain = table::extend_chain(&collection.scope.chain, &cid);
        collection.scope.hash.add(&collection.scope_key, &id);
        collection.added.insert(cid.clone());
        let (seq, chain) = (collection.scope.seq, collection.scope.chain);
        let short = short_id(&collection.scope_key, &id);
        collection.shorts.push(short);
        let arrival = Arrival { cid: cid.clone(), short, chain, source, place };
        let header = stored.version.header();
        let log = table::log_prefix(&key.collection, &header.replica, header.position);
        let at = Bytes::copy_from_slice(&place.to_bytes());
        self.follow_log(
            &key.collection,
            Newest { replica: header.replica, position: header.position, cid: cid.clone() },
        )?;
        self.ops.push(table::put(
            table::VERSION,
            table::version_key(&key.collection, place),
            stored.encode(),
        ));
        self.ops.push(table::put(table::ITEM, table::item_key(&key.collection, &cid), at.clone()));
        self.ops.push(table::put(table::SHORT, table::short_key(&key.collection, short, Some(seq)), at));
        let entry = LogEntry { place, seq }.encode();
        self.ops.push(table::put(table::LOG, table::key(&[&log, cid.as_bytes()]), entry));
        self.ops.push(table::put(table::ARRIVAL, table::arrival_key(&key.collection, seq), arrival.encode()));
        match (stored.version.block(), &stored.block) {
            (Some(id), Some(bytes)) => self.keep_block(&key.collection, &cid, id, bytes),
            (Some(id), None) => {
                let missing = table::key(&[key.collection.as_bytes(), id.as_bytes()]);
                self.ops.push(table::put(table::BLOCK, missing, Bytes::copy_from_slice(cid.as_bytes())));
            }
            (None, _) => {}
        }
        Ok(())
    }

    /// Remembers how far the author's log goes now.
    fn follow_log(&mut self, id: &CollectionId, newest: Newest) -> Result<(), Error> {
        let held = self.view.record(table::LOG_HEAD, &Newest::key(id, &newest.replica))?;
        let collection = self.collection(id)?;
        let held = match collection.newest.get(&newest.replica) {
            Some(held) => Some(held.clone()),
            None => held.map(|value| Newest::of(newest.replica, &value)).transpose()?,
        };
        collection.scope.logs += u64::from(held.is_none());
        if held.is_none_or(|held| newest.replaces(&held)) {
            collection.newest.insert(newest.replica, newest);
        }
        Ok(())
    }

    /// Puts a block that has arrived beside its version and folds the document anew.
    pub(super) fn add_block(
        &mut self,
        collection: CollectionId,
        block: &Cid,
        bytes: &Bytes,
    ) -> Result<(), Error> {
        let missing = table::key(&[collection.as_bytes(), block.as_bytes()]);
        let Some(version) = self.view.record(table::BLOCK, &missing)? else { return Ok(()) };
        let item = table::key(&[collection.as_bytes(), &[kind::VERSION], &version]);
        let place =
            self.view.record(table::ITEM, &item)?.ok_or(Error::Damaged { what: "a missing block" })?;
        let at = table::version_key(&collection, Place::from_bytes(&place)?);
        let stored =
            self.view.record(table::VERSION, &at)?.ok_or(Error::Damaged { what: "a missing block" })?;
        let rules = self.collection(&collection)?.rules;
        let stored = StoredVersion::decode(&stored, &rules)?;
        let open = self.document(&stored.version.key())?;
        open.changed = true;
        let body = BodyState::Readable(bytes.clone());
        let cid = stored.version.cid();
        if let Err(needed) = open.document.body_arrived(cid, body.clone()) {
            let key = stored.version.key();
            self.bring(&key, &needed)?;
            let arrived = self.document(&key)?.document.body_arrived(cid, body);
            let _effect = arrived.map_err(|_needed| Error::Damaged { what: "a document's bodies" })?;
        }
        self.keep_block(&collection, stored.version.cid(), block, bytes);
        self.ops.push(table::remove(table::BLOCK, missing));
        Ok(())
    }

    /// A block lives as long as its version, and is given to whoever may have that.
    fn keep_block(&mut self, collection: &CollectionId, version: &Cid, id: &Cid, bytes: &Bytes) {
        let linked = table::key(&[collection.as_bytes(), id.as_bytes()]);
        self.ops.push(table::put(table::LINKED, linked, Bytes::copy_from_slice(version.as_bytes())));
        self.ops.push(WriteOp::Blob { id: id.clone(), bytes: bytes.clone() });
        self.ops.push(WriteOp::Pin { target: id.clone(), pin: Pin::App });
    }

    pub(super) fn push(&mut self, op: WriteOp) {
        self.ops.push(op);
    }

    pub(super) fn view(&self) -> &'a dyn ReadView {
        self.view
    }

    pub(super) const fn shared(&self) -> &'a Shared {
        self.shared
    }

    /// Everything that is to be written: rows, heads, folds, scopes.
    pub(super) fn finish(mut self) -> Result<Vec<WriteOp>, Error> {
        for ((collection, row), open) in self.documents {
            if !open.changed {
                self.shared.cache(collection, row, open.document);
                continue;
            }
            let heads = open.document.heads();
            let head =
                Head { document: open.key.document.clone(), versions: open.versions, heads: heads.clone() };
            let at = table::key(&[collection.as_bytes(), &row]);
            self.ops.extend(open.saved(&at));
            self.ops.push(table::put(table::HEAD, at, head.encode()));
            let state = open.document.view().map(|value| Folded {
                value,
                heads,
                conflicts: !open.document.conflicts().is_empty(),
                incomplete: open.document.incomplete().map(|incomplete| Incomplete {
                    missing: u32::try_from(incomplete.missing.len()).unwrap_or(u32::MAX),
                    unreadable: u32::try_from(incomplete.unreadable.len()).unwrap_or(u32::MAX),
                }),
            });
            self.ops.push(WriteOp::Fold { key: open.key, state });
            self.shared.cache(collection, row, open.document);
        }
        for (id, open) in self.collections {
            let at = Bytes::copy_from_slice(id.as_bytes());
            if open.scope.seq > open.before {
                self.ops.push(table::put(table::SCOPE, at.clone(), open.scope.encode()));
                let moved = (open.before, &open.scope);
                self.ops.extend(sketch::checkpoint(self.shared, self.view, &id, moved, &open.shorts)?);
            }
            for newest in open.newest.values() {
                self.ops.push(table::put(table::LOG_HEAD, Newest::key(&id, &newest.replica), newest.value()));
            }
            if let Some(author) = open.author.filter(|author| open.added.contains(&author.last)) {
                self.ops.push(table::put(table::AUTHOR, at, author.encode()));
            }
        }
        Ok(self.ops)
    }
}

/// Held versions of one place in a log that are looked through; more than one is a fork.
const MAX_FORKS: usize = 64;
