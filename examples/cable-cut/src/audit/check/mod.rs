use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use civic_crdt::document::BodyState;
use civic_crdt::root::{Trie, database_root};
use civic_crdt::version::authentic::ChainLink;
use civic_crdt::version::authenticate;
use civic_crdt::{Admission, Document};
use civic_crypto::Verifier;
use civic_store::query::Scan;
use civic_store::{StorageAdapter, Stored};
use civic_types::item::{ReplicaRecord, kind};
use civic_types::label::Label;
use civic_types::{Cid, CollectionSpec, DocumentId, PublicKey, Signature};

use super::keys;
use crate::error::Error;
use crate::ledger::{self, Held, Ledger, Tables};
use crate::state::{Shown, State, json};

/// What the audit of one store found.
#[derive(Clone, Debug, Default)]
pub(super) struct Audited {
    pub(super) versions: usize,
    pub(super) signatures: usize,
    pub(super) documents: usize,
    /// Recomputed.
    pub(super) root: String,
    pub(super) differences: Vec<String>,
}

/// Audits the store of a device; also what it shows and holds, for the oracle.
pub(super) async fn store(folder: &Path, passphrase: &str) -> Result<(Audited, State), Error> {
    let store = keys::open(folder, passphrase)?;
    let (mut audited, mut state) = (Audited::default(), State::default());
    let mut roots = Vec::new();
    for spec in ledger::definitions(&*store).await? {
        let root = collection(&store, &spec, &mut audited, &mut state).await?;
        roots.push((spec.id(), root));
    }
    audited.root = database_root(&roots).to_string();
    state.root.clone_from(&audited.root);
    store.close().await?;
    Ok((audited, state))
}

async fn collection(
    store: &Arc<dyn StorageAdapter>,
    spec: &CollectionSpec,
    audited: &mut Audited,
    state: &mut State,
) -> Result<Cid, Error> {
    let tables = Tables::new(Arc::clone(store), spec);
    let (held, replicas) = (tables.versions().await?, tables.replicas().await?);
    audited.versions += held.len();
    verify(&held, &replicas, audited);
    arrived(&tables, &held, audited).await?;

    let mut by_document: BTreeMap<DocumentId, Vec<&Held>> = BTreeMap::new();
    for held in &held {
        by_document.entry(held.version.header().document.clone()).or_default().push(held);
    }
    let mut shown = shown(&**store, spec).await?;
    let mut heads: BTreeMap<DocumentId, Vec<Cid>> = tables.heads().await?.into_iter().collect();
    let mut trie = Trie::new(spec.hash);
    for (id, versions) in &by_document {
        let document = refold(store, spec, versions, audited).await?;
        if heads.remove(id).as_deref() != Some(&document.heads()[..]) {
            audited.differences.push(format!("the heads of {id} are others"));
        }
        compare(id, &document, shown.remove(id), audited, state);
        // The root needs the heads alone.
        let _effect = trie.set(id, document.heads());
        audited.documents += 1;
    }
    let extra = shown.keys().chain(heads.keys()).map(|id| format!("{id} is there without a version"));
    audited.differences.extend(extra);

    let own = tables.newest_own().await?.map(|(_, cid)| cid);
    for held in held {
        let row = ledger::row(&held.version);
        if own.as_ref() == Some(held.version.cid()) {
            state.replica.clone_from(&row.replica);
        }
        state.versions.insert(row.cid.clone(), row);
    }
    Ok(trie.root())
}

/// Verifies every signature there is, and that every version is its author's by a signature or an unbroken
/// run up to one. Their CIDs were computed from their bytes in reading.
fn verify(held: &[Held], replicas: &[ReplicaRecord], audited: &mut Audited) {
    let verifier = Verifier::new();
    for Held { version, signature } in held {
        let Some(signature) = signature else { continue };
        audited.signatures += 1;
        let mut keys = replicas.iter().filter(|record| record.id() == version.header().replica);
        if !keys.any(|record| verifier.item(&record.key, kind::VERSION, version.cid(), signature)) {
            audited.differences.push(format!("the signature of {} is not its author's", version.cid()));
        }
    }
    let check = |key: &PublicKey, message: &[u8], signature: &Signature| {
        verifier.key(key).and_then(|key| key.verify(Label::ITEM, message, signature)).is_ok()
    };
    let links = held.iter().map(|held| (ChainLink::from(&held.version), held.signature));
    let found = authenticate(links, replicas, &check);
    for held in held.iter().filter(|held| !found.authentic.contains(held.version.cid())) {
        audited.differences.push(format!("nobody has signed for {}", held.version.cid()));
    }
}

/// The arrival log names exactly the versions that are there.
async fn arrived(tables: &Tables, held: &[Held], audited: &mut Audited) -> Result<(), Error> {
    let arrivals: BTreeSet<Cid> = tables.arrivals().await?.into_iter().map(|(cid, _)| cid).collect();
    let there: BTreeSet<Cid> = held.iter().map(|held| held.version.cid().clone()).collect();
    for cid in arrivals.symmetric_difference(&there) {
        audited
            .differences
            .push(format!("{cid} is in the arrival log or among the versions, and not in both"));
    }
    if tables.count().await? != held.len() as u64 {
        audited.differences.push("the store has counted other versions than it holds".to_owned());
    }
    Ok(())
}

/// Folds a document anew from the bytes of its versions.
async fn refold(
    store: &Arc<dyn StorageAdapter>,
    spec: &CollectionSpec,
    versions: &[&Held],
    audited: &mut Audited,
) -> Result<Document, Error> {
    let mut document = Document::new(spec.delete, spec.hash);
    for Held { version, .. } in versions {
        let block = match version.block() {
            Some(id) => store.blob(id, 0..u64::MAX).await?.filter(|bytes| id.matches(bytes)),
            None => None,
        };
        let body = block.map_or_else(|| BodyState::of(version), BodyState::Readable);
        if !matches!(document.insert(version, body), Admission::Admitted) {
            audited.differences.push(format!("{} cannot be admitted", version.cid()));
        }
    }
    Ok(document)
}

fn compare(
    id: &DocumentId,
    document: &Document,
    stored: Option<Stored>,
    audited: &mut Audited,
    state: &mut State,
) {
    let (view, conflicts) = (document.view(), !document.conflicts().is_empty());
    let same = match (&view, &stored) {
        (None, None) => true,
        (Some(view), Some(stored)) => {
            *view == stored.value && document.heads() == stored.heads && conflicts == stored.conflicts
        }
        _ => false,
    };
    if !same {
        audited.differences.push(format!("{id} is not shown as its versions say"));
    }
    if let Some(stored) = stored {
        let shown = Shown { value: json(&stored.value), conflicts: stored.conflicts };
        state.documents.insert(id.as_str().to_owned(), shown);
    }
}

/// Every document that the store shows.
async fn shown(
    store: &dyn StorageAdapter,
    spec: &CollectionSpec,
) -> Result<BTreeMap<DocumentId, Stored>, Error> {
    let mut all = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.scan(&Scan { after, ..Scan::new(spec.id()) }).await?;
        all.extend(page.items.into_iter().map(|stored| (stored.key.document.clone(), stored)));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

#[cfg(test)]
mod tests;
