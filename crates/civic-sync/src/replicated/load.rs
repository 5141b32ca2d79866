//! A document out of the store: from its saved state and what came since, and bodies when the past needs them.

use bytes::Bytes;
use civic_crdt::document::{BodiesNeeded, BodyState, Document};
use civic_store::{ReadView, RecordScan, WriteOp};
use civic_types::DocumentKey;

use super::txn::{OpenDocument, Txn};
use crate::error::Error;
use crate::table::{self, Head, Place, Row, StoredVersion};

impl Txn<'_> {
    pub(super) fn load(&mut self, key: &DocumentKey, row: Row) -> Result<OpenDocument, Error> {
        let (rules, policy) = {
            let open = self.collection(&key.collection)?;
            (open.rules, open.spec.delete)
        };
        let open = |document, versions| OpenDocument {
            document,
            key: key.clone(),
            stored: versions,
            versions,
            changed: false,
        };
        let at = table::key(&[key.collection.as_bytes(), &row]);
        let Some(head) = self.view().record(table::HEAD, &at)? else {
            return Ok(open(Document::new(policy, rules.hash), 0));
        };
        let head = Head::decode(&head)?;
        if head.document != key.document {
            return Err(Error::Damaged { what: "two documents of one row" });
        }
        if let Some(document) = self.shared().cached(key.collection, row, &head.heads) {
            return Ok(open(document, head.versions));
        }
        let saved = self.view().record(table::SAVED, &at)?.and_then(|saved| Document::open(&saved).ok());
        // A state that another build saved, or that does not lead to the heads, is only a detour.
        for start in [saved, Some(Document::new(policy, rules.hash))].into_iter().flatten() {
            let mut document = start;
            self.replay(&mut document, key, row)?;
            if document.heads() == head.heads {
                return Ok(open(document, head.versions));
            }
        }
        Err(Error::Damaged { what: "a document's versions" })
    }

    /// Inserts the versions behind those that the document has: all are kept in the order of admission.
    fn replay(&mut self, document: &mut Document, key: &DocumentKey, row: Row) -> Result<(), Error> {
        let rules = self.collection(&key.collection)?.rules;
        let at = table::key(&[key.collection.as_bytes(), &row]);
        let mut scan = RecordScan::table(table::VERSION).prefix(at);
        if let Some(last) = document.len().checked_sub(1) {
            let index = u32::try_from(last).unwrap_or(u32::MAX);
            scan = scan.after(table::version_key(&key.collection, Place { row, index }));
        }
        for record in table::all_of(scan, |scan| self.view().records(scan))? {
            let stored = StoredVersion::decode(&record.value, &rules)?;
            let body = body_of(self.view(), &stored)?;
            // Whatever is kept was admitted, in this order.
            let _admission = document.insert(&stored.version, body);
        }
        Ok(())
    }

    /// Brings back bodies that were folded before the document was saved.
    pub(super) fn bring(&mut self, key: &DocumentKey, needed: &BodiesNeeded) -> Result<(), Error> {
        let rules = self.collection(&key.collection)?.rules;
        for version in &needed.versions {
            let place = self.view().record(table::ITEM, &table::item_key(&key.collection, version))?;
            let place = Place::from_bytes(&place.ok_or(MISSING)?)?;
            let at = table::version_key(&key.collection, place);
            let stored =
                StoredVersion::decode(&self.view().record(table::VERSION, &at)?.ok_or(MISSING)?, &rules)?;
            let body = body_of(self.view(), &stored)?;
            // A body that was folded before is only kept, so it needs no other.
            let arrived = self.document(key)?.document.body_arrived(version, body);
            let _effect = arrived.map_err(|_needed| MISSING)?;
        }
        Ok(())
    }
}

impl OpenDocument {
    /// The record of the document's state, where the versions since the last one make it worth its bytes.
    pub(super) fn saved(&self, at: &Bytes) -> Option<WriteOp> {
        let is_due = |versions: u32| versions >= MIN_SAVED_VERSIONS && versions.is_power_of_two();
        // Twice as many versions each time: all states ever written cost no more than the last one.
        if !(self.stored..self.versions).any(|before| is_due(before + 1))
            || self.document.incomplete().is_some()
        {
            return None;
        }
        let bytes = self.document.save();
        (bytes.len() <= MAX_SAVED_BYTES).then(|| table::put(table::SAVED, at.clone(), bytes))
    }
}

/// Fewest versions of a document whose state is saved: fewer are folded in a moment.
const MIN_SAVED_VERSIONS: u32 = 64;

/// Longest saved state: one batch holds eight of them, and about 170 000 versions fit.
const MAX_SAVED_BYTES: usize = 8 * 1024 * 1024;

const MISSING: Error = Error::Damaged { what: "a document's bodies" };

fn body_of(view: &dyn ReadView, stored: &StoredVersion) -> Result<BodyState, Error> {
    let block = stored.version.block().map(|id| view.blob(id)).transpose()?.flatten();
    Ok(block.map_or_else(|| BodyState::of(&stored.version), BodyState::Readable))
}
