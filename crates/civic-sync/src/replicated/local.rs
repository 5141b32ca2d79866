use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use civic_crdt::document::{Author, Document, Plan, PlanError, WrittenVersion, write};
use civic_crypto::signed::sign_item;
use civic_store::{CommitHook, Precondition, ReadView, WriteBatch, WriteOp};
use civic_types::item::kind;
use civic_types::limits::{MAX_DOCUMENT_BYTES, MAX_GROUP};
use civic_types::{Cid, CollectionId, DocumentKey, FieldOp, Value, cbor};

use super::shared::Shared;
use super::txn::Txn;
use crate::error::Error;
use crate::table::{AuthorState, StoredVersion};

/// Versions of one commit that stand between two signatures, and bytes of their bodies: a signed run has to
/// fit one sync frame with its proof.
const MAX_UNSIGNED_VERSIONS: usize = 32;
const MAX_UNSIGNED_BYTES: usize = 32 * 1024;

/// Turns what an application writes into versions, inside the store's transaction.
#[derive(Debug)]
pub(super) struct LocalHook {
    pub(super) shared: Arc<Shared>,
}

/// What an application asked of one document.
enum Write {
    Delete,
    Overwrite(Value),
    Patch(Vec<FieldOp>),
    Put(Value, Vec<Cid>),
}

impl CommitHook for LocalHook {
    fn on_commit(&self, view: &dyn ReadView, batch: &mut WriteBatch) -> Result<(), civic_store::Error> {
        let mut txn = Txn::new(view, &self.shared);
        let (mut writes, mut others) = (Vec::new(), Vec::new());
        for (op, precondition) in std::mem::take(&mut batch.ops) {
            let replicated = op.document().is_some_and(|key| self.shared.spec(&key.collection).is_some());
            match op {
                WriteOp::Delete { key } if replicated => writes.push((key, Write::Delete)),
                WriteOp::Patch { key, ops } if replicated => writes.push((key, Write::Patch(ops))),
                WriteOp::Put { key, value, base: None } if replicated => {
                    writes.push((key, Write::Overwrite(value)))
                }
                WriteOp::Put { key, value, base: Some(base) } if replicated => {
                    writes.push((key, Write::Put(value, base)));
                }
                other => others.push((other, precondition)),
            }
        }
        self.write(&mut txn, writes)?;
        batch.ops = others;
        batch.ops.extend(txn.finish()?.into_iter().map(|op| (op, Precondition::None)));
        Ok(())
    }
}

impl LocalHook {
    fn write(&self, txn: &mut Txn<'_>, writes: Vec<(DocumentKey, Write)>) -> Result<(), Error> {
        let groups = self.groups(txn, &writes)?;
        let mut written: BTreeMap<CollectionId, Vec<WrittenVersion>> = BTreeMap::new();
        for (key, change) in writes {
            let place = written.get(&key.collection).map_or(1, |versions| versions.len() as u64 + 1);
            let group = groups.get(&key.collection).map(|size| (place, *size));
            if let Some(version) = self.write_one(txn, &key, &change, group)? {
                written.entry(key.collection).or_default().push(version);
            }
        }
        written.into_values().try_for_each(|versions| self.sign(txn, versions))
    }

    /// How many versions each collection will get where that is more than one. A hint: left out where one
    /// document is written twice, because what its second write comes to is not known yet.
    fn groups(
        &self,
        txn: &mut Txn<'_>,
        writes: &[(DocumentKey, Write)],
    ) -> Result<BTreeMap<CollectionId, u64>, Error> {
        let mut sizes: BTreeMap<CollectionId, u64> = BTreeMap::new();
        let distinct = writes.iter().map(|(key, _)| key).collect::<BTreeSet<_>>().len() == writes.len();
        if writes.len() < 2 || !distinct {
            return Ok(sizes);
        }
        for (key, change) in writes {
            let plan = plan(txn, key, change)?;
            *sizes.entry(key.collection).or_default() += u64::from(plan.is_some());
        }
        sizes.retain(|_, size| (2..=MAX_GROUP).contains(size));
        Ok(sizes)
    }

    fn write_one(
        &self,
        txn: &mut Txn<'_>,
        key: &DocumentKey,
        change: &Write,
        group: Option<(u64, u64)>,
    ) -> Result<Option<WrittenVersion>, Error> {
        let stamp = self.shared.clock.tick()?.stamp();
        let (rules, position, previous) = {
            let collection = txn.collection(&key.collection)?;
            let author = collection.author.as_ref();
            let position = author.map_or(0, |author| author.position) + 1;
            (collection.rules, position, author.map(|author| author.last.clone()))
        };
        let author = Author { replica: self.shared.replica, position, previous, stamp };
        let Some(planned) = plan(txn, key, change)? else { return Ok(None) };
        let document = &mut txn.document(key)?.document;
        let written = write(document, key, &planned, &author, group, &rules)
            .map_err(|source| Error::Write { key: key.clone(), source })?;
        // Our own version has its parents and numbers right: it is admitted.
        let _admission = document.insert(&written.version, written.body());
        if let Some(view) = document.view() {
            let got = cbor::encode(&view)?.len();
            if got > MAX_DOCUMENT_BYTES {
                let limit = MAX_DOCUMENT_BYTES;
                return Err(civic_store::Error::Limit { what: "bytes of a document", got, limit }.into());
            }
        }
        let last = written.version.cid().clone();
        txn.collection(&key.collection)?.author = Some(AuthorState { position, last });
        Ok(Some(written))
    }

    /// Adds the versions of one collection, signing the last and as many before it as frames need.
    fn sign(&self, txn: &mut Txn<'_>, versions: Vec<WrittenVersion>) -> Result<(), Error> {
        let (mut unsigned, mut bytes) = (0, 0);
        let last = versions.len().saturating_sub(1);
        for (at, written) in versions.into_iter().enumerate() {
            unsigned += 1;
            bytes += written.version.bytes().len() + written.block.as_ref().map_or(0, bytes::Bytes::len);
            let sign = at == last || unsigned >= MAX_UNSIGNED_VERSIONS || bytes >= MAX_UNSIGNED_BYTES;
            let signature = sign.then(|| sign_item(&self.shared.key, kind::VERSION, written.version.cid()));
            if sign {
                (unsigned, bytes) = (0, 0);
            }
            txn.add(&StoredVersion { version: written.version, signature, block: written.block }, None)?;
        }
        Ok(())
    }
}

/// The operations that a change comes to; none when it changes nothing.
fn plan(txn: &mut Txn<'_>, key: &DocumentKey, change: &Write) -> Result<Option<Plan>, Error> {
    let mut planned = plan_on(&txn.document(key)?.document, change);
    if let Err(PlanError::Bodies(needed)) = &planned {
        txn.bring(key, needed)?;
        planned = plan_on(&txn.document(key)?.document, change);
    }
    planned.map_err(|source| Error::Plan { key: key.clone(), source })
}

fn plan_on(document: &Document, change: &Write) -> Result<Option<Plan>, PlanError> {
    let plan = match change {
        Write::Delete if !document.present() => return Ok(None),
        Write::Delete => document.delete(&document.heads())?,
        Write::Overwrite(value) => document.overwrite(value)?,
        Write::Patch(ops) => document.patch(&document.heads(), ops)?,
        Write::Put(value, base) => document.put(base, value)?,
    };
    Ok((!plan.is_empty()).then_some(plan))
}
