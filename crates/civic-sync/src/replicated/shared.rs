use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use civic_crdt::clock::HlcGenerator;
use civic_crdt::document::Document;
use civic_crypto::community::CommunityKey;
use civic_crypto::{DeviceKey, Verifier};
use civic_types::item::ReplicaRecord;
use civic_types::{Cid, CollectionId, CollectionSpec, CommunityId, ReplicaId};
use zeroize::Zeroizing;

use super::index::{Indexed, MAX_INDEXES};
use super::sketch::MAX_CACHED_SKETCHES;
use crate::error::Error;
use crate::sketches::Following;
use crate::table::Row;

/// Folded documents that are kept for the next write.
const MAX_CACHED_DOCUMENTS: usize = 1024;

/// A document of more versions is opened anew for each write rather than kept.
const MAX_CACHED_VERSIONS: usize = 16_384;

/// Versions of all documents that are kept: about 20 MB.
const MAX_CACHED_TOTAL: usize = 65_536;

/// What the hooks inside the store's transaction and the calls outside share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) key: Arc<DeviceKey>,
    pub(super) clock: Arc<HlcGenerator>,
    pub(super) record: ReplicaRecord,
    pub(super) replica: ReplicaId,
    /// Blinds document ids in record keys.
    pub(super) row_secret: Secret,
    /// This store incarnation.
    pub(super) epoch: [u8; 16],
    pub(super) verifier: Verifier,
    pub(super) communities: RwLock<BTreeMap<CommunityId, CommunityKey>>,
    pub(super) collections: RwLock<BTreeMap<CollectionId, CollectionSpec>>,
    documents: Mutex<HashMap<(CollectionId, Row), Document>>,
    sketches: Mutex<HashMap<CollectionId, Following>>,
    indexes: Mutex<HashMap<CollectionId, Indexed>>,
}

/// 32 bytes that are wiped when dropped and never printed.
pub(super) struct Secret(pub(super) Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Shared {
    pub(super) fn new(
        key: Arc<DeviceKey>,
        clock: Arc<HlcGenerator>,
        record: ReplicaRecord,
        row_secret: [u8; 32],
        epoch: [u8; 16],
    ) -> Self {
        Self {
            key,
            clock,
            replica: record.id(),
            record,
            row_secret: Secret(Zeroizing::new(row_secret)),
            epoch,
            verifier: Verifier::new(),
            communities: RwLock::default(),
            collections: RwLock::default(),
            documents: Mutex::default(),
            sketches: Mutex::default(),
            indexes: Mutex::default(),
        }
    }

    /// The definition of a replicated collection.
    pub(super) fn spec(&self, collection: &CollectionId) -> Option<CollectionSpec> {
        self.collections.read().unwrap_or_else(PoisonError::into_inner).get(collection).cloned()
    }

    /// The key of a collection's short ids and fingerprints.
    pub(super) fn scope_key(&self, spec: &CollectionSpec) -> Result<Zeroizing<[u8; 32]>, Error> {
        let communities = self.communities.read().unwrap_or_else(PoisonError::into_inner);
        let key =
            communities.get(&spec.community).ok_or(Error::UnknownCommunity { community: spec.community })?;
        Ok(key.scope_key(&spec.id()))
    }

    /// Takes a folded document out of the cache if it is the one with these heads: heads name the set of
    /// versions, so whatever became of the batch that put it there, it is right.
    pub(super) fn cached(&self, collection: CollectionId, row: Row, heads: &[Cid]) -> Option<Document> {
        let document = self.lock().remove(&(collection, row))?;
        (document.heads() == heads && document.incomplete().is_none()).then_some(document)
    }

    pub(super) fn cache(&self, collection: CollectionId, row: Row, document: Document) {
        if document.len() > MAX_CACHED_VERSIONS || document.incomplete().is_some() {
            return;
        }
        let mut documents = self.lock();
        let versions: usize = documents.values().map(Document::len).sum();
        if documents.len() >= MAX_CACHED_DOCUMENTS || versions + document.len() > MAX_CACHED_TOTAL {
            documents.clear();
        }
        documents.insert((collection, row), document);
    }

    /// The sketch in memory; whoever uses it looks first whether it is of the log in the store.
    pub(super) fn sketch(&self, collection: &CollectionId) -> Option<Following> {
        self.sketches.lock().unwrap_or_else(PoisonError::into_inner).get(collection).cloned()
    }

    pub(super) fn keep_sketch(&self, collection: CollectionId, following: Following) {
        let mut sketches = self.sketches.lock().unwrap_or_else(PoisonError::into_inner);
        if sketches.len() >= MAX_CACHED_SKETCHES && !sketches.contains_key(&collection) {
            sketches.clear();
        }
        sketches.insert(collection, following);
    }

    /// The index in memory; whoever uses it looks first whether it is of the log in the store.
    pub(super) fn indexed(&self, collection: &CollectionId) -> Option<Indexed> {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner).get(collection).cloned()
    }

    pub(super) fn keep_indexed(&self, collection: CollectionId, index: Indexed) {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        if indexes.len() >= MAX_INDEXES && !indexes.contains_key(&collection) {
            indexes.clear();
        }
        indexes.insert(collection, index);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(CollectionId, Row), Document>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
