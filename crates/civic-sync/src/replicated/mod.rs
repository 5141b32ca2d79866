//! [`Replicated`]: a store whose collections follow their people.

mod audit;
mod import;
mod index;
mod load;
mod local;
mod park;
mod push;
mod read;
mod shared;
mod sketch;
mod state;
#[cfg(test)]
mod tests;
mod txn;

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use civic_crdt::clock::HlcGenerator;
use civic_crdt::version::Rules;
use civic_crdt::version::pack::{self, PackError, Unpacked};
use civic_crypto::DeviceKey;
use civic_crypto::community::{CommunityKey, Genesis};
use civic_store::{
    ChangeFrom, ChangeStream, Commit, Maintain, Origin, Page, Query, Record, RecordScan, Report, Scan,
    StorageAdapter, StoreCapabilities, Stored, WriteBatch, WriteOp,
};
use civic_types::id::{CollectionKind, Writers};
use civic_types::{Cid, CollectionId, CollectionSpec, CommunityId, DocumentKey, PeerId, ReplicaId};
use rand_core::CryptoRng;

use self::import::{BlockHook, ImportHook, Incoming, Outcome, Signatures};
use self::local::LocalHook;
use self::shared::Shared;
use crate::error::Error;
use crate::session::{MAX_PROOFS, MAX_SCOPES};
use crate::table;

pub use self::audit::{Held, MAX_HELD};
pub use self::import::Imported;
pub(crate) use self::push::Push;

/// Who writes: the device's key, and the clock that stamps its versions.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The device's key. Versions are signed with it inside the store's transaction.
    pub key: Arc<DeviceKey>,
    /// The device's clock.
    pub clock: Arc<HlcGenerator>,
}

/// A store whose replicated collections are sets of signed versions.
///
/// Reads go to the store below. A `Put`, `Patch` or `Delete` of a replicated collection becomes a version
/// inside the commit that stores it: signed, folded, entered into the arrival log and the fingerprint, all
/// or nothing. Other collections pass through untouched.
///
/// Versions of peers come in by [`import`](Self::import); the [`Driver`](crate::Driver) calls it.
pub struct Replicated {
    store: Arc<dyn StorageAdapter>,
    shared: Arc<Shared>,
    /// Whether packs are parked, or may be.
    waiting: AtomicBool,
}

impl Replicated {
    /// Wraps a store, making its replica id and its epoch when it has none.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], [`Error::Damaged`].
    pub async fn open(
        store: Arc<dyn StorageAdapter>,
        identity: Identity,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Arc<Self>, Error> {
        let meta = state::Meta::load_or_create(&*store, &identity.key, rng).await?;
        let shared = Shared::new(identity.key, identity.clock, meta.record, meta.row_secret, meta.epoch);
        for spec in state::load_definitions(&*store).await? {
            state::lock(&shared.collections).insert(spec.id(), spec);
        }
        Ok(Arc::new(Self { store, shared: Arc::new(shared), waiting: AtomicBool::new(true) }))
    }

    /// Makes this device a member; in memory, for the caller to do again after a restart.
    ///
    /// # Errors
    ///
    /// [`Error::TooMany`] beyond [`MAX_PROOFS`] communities.
    pub fn join(&self, genesis: &Genesis, key: CommunityKey) -> Result<(), Error> {
        let mut communities = state::lock(&self.shared.communities);
        let id = genesis.id();
        if communities.len() >= MAX_PROOFS && !communities.contains_key(&id) {
            return Err(Error::TooMany { what: "communities", limit: MAX_PROOFS });
        }
        communities.insert(id, key);
        Ok(())
    }

    /// The communities joined, ascending.
    #[must_use]
    pub fn communities(&self) -> Vec<CommunityId> {
        self.shared.communities.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// The communities joined, with their keys.
    pub(crate) fn memberships(&self) -> Vec<(CommunityId, CommunityKey)> {
        let communities = self.shared.communities.read().unwrap_or_else(PoisonError::into_inner);
        communities.iter().map(|(id, key)| (*id, key.clone())).collect()
    }

    /// Makes a collection known here and, by sync, to the community. Defining it again does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMismatch`] when the community has a collection of that name with other properties,
    /// [`Error::Unsupported`] for granted, sealed and item collections, [`Error::UnknownCommunity`],
    /// [`Error::TooMany`] beyond [`MAX_SCOPES`] collections, [`Error::Store`].
    ///
    /// # Cancel safety
    ///
    /// The collection is defined or not.
    pub async fn define(&self, spec: &CollectionSpec) -> Result<CollectionId, Error> {
        let id = spec.id();
        if !self.communities().contains(&spec.community) {
            return Err(Error::UnknownCommunity { community: spec.community });
        }
        supported(spec)?;
        let known = self.collections();
        if known.iter().any(|other| other.id() == id) {
            return Ok(id);
        }
        if known.iter().any(|other| other.community == spec.community && other.name == spec.name) {
            return Err(Error::CollectionMismatch { name: spec.name.clone() });
        }
        self.adopt(spec).await?;
        Ok(id)
    }

    /// Takes a definition, from here or from a peer.
    pub(crate) async fn adopt(&self, spec: &CollectionSpec) -> Result<(), Error> {
        supported(spec)?;
        let id = spec.id();
        if self.shared.spec(&id).is_some() {
            return Ok(());
        }
        if self.collections().len() >= MAX_SCOPES {
            return Err(Error::TooMany { what: "replicated collections", limit: MAX_SCOPES });
        }
        let key = Bytes::copy_from_slice(id.as_bytes());
        let batch = WriteBatch::new()
            .with(WriteOp::Collection { id, spec: spec.clone(), replicated: true })
            .with(table::put(table::DEFINITION, key, spec.encode()));
        self.store.commit(batch, Origin::Local).await?;
        state::lock(&self.shared.collections).insert(id, spec.clone());
        Ok(())
    }

    /// The replicated collections that are known here, ascending by id.
    #[must_use]
    pub fn collections(&self) -> Vec<CollectionSpec> {
        self.shared.collections.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Admits the versions of a pack that a peer sent: each author's signed run as a whole or not at all.
    /// Versions that are held already change nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Pack`] and [`Error::Refused`] change nothing and are the sender's fault;
    /// [`Error::UnknownCollection`], [`Error::Store`].
    ///
    /// # Cancel safety
    ///
    /// The pack is imported or not.
    pub async fn import(&self, from: PeerId, pack: &[u8]) -> Result<Imported, Error> {
        let rules = |id: &CollectionId| self.shared.spec(id).map(|spec| Rules::from(&spec));
        let unpacked = match pack::unpack(pack, rules) {
            Err(PackError::UnknownCollection { .. }) => return self.park_unknown(from, pack).await,
            unpacked => unpacked?,
        };
        let imported = self.admit(unpacked, from, None).await?;
        if imported.parked > 0 {
            self.waiting.store(true, Ordering::Relaxed);
        }
        if imported.admitted > 0 && self.waiting.load(Ordering::Relaxed) {
            self.retry_parked().await?;
        }
        Ok(imported)
    }

    /// Tries the packs that wait, until none goes further.
    async fn retry_parked(&self) -> Result<(), Error> {
        let mut progress = true;
        while progress {
            progress = false;
            let parked = state::all(&*self.store, table::PARKED, &[]).await?;
            self.waiting.store(!parked.is_empty(), Ordering::Relaxed);
            for record in parked {
                let rules = |id: &CollectionId| self.shared.spec(id).map(|spec| Rules::from(&spec));
                let Ok(unpacked) = pack::unpack(&record.value, rules) else { continue };
                let from = park::sender(&record.key)?;
                match self.admit(unpacked, from, Some(record.key.clone())).await {
                    Ok(imported) => progress |= imported.parked == 0,
                    Err(Error::Refused { .. } | Error::Pack(_)) => {
                        let batch = WriteBatch::new().with(table::remove(table::PARKED, record.key));
                        self.store.commit(batch, Origin::Remote(from)).await?;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Keeps a pack of a collection that this software does not take, under quota.
    async fn park_unknown(&self, from: PeerId, pack: &[u8]) -> Result<Imported, Error> {
        let (of_peer, of_all) = park::scans(&from);
        let (of_peer, of_all) = (self.store.records(&of_peer).await?, self.store.records(&of_all).await?);
        if let Some(key) = park::room_for(&from, pack, &of_peer, &of_all) {
            let op = table::put(table::PARKED, key, Bytes::copy_from_slice(pack));
            self.store.commit(WriteBatch::new().with(op), Origin::Remote(from)).await?;
            self.waiting.store(true, Ordering::Relaxed);
        }
        Ok(Imported::default())
    }

    /// This replica's id, which changes when its store does.
    #[must_use]
    pub fn replica_id(&self) -> ReplicaId {
        self.shared.replica
    }

    /// A number greater than all that this device gave before, also before its last restart.
    pub(crate) fn connection_number(&self) -> u64 {
        // A clock that has come to its end repeats itself: connections may then be mixed up, not documents.
        self.shared.clock.tick().map_or(u64::MAX, |hlc| hlc.stamp().pack())
    }

    /// The device that this is.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.shared.record.peer_id()
    }

    /// Verifies and admits, with as few signatures as will do.
    async fn admit(
        &self,
        unpacked: Unpacked,
        from: PeerId,
        parked: Option<Bytes>,
    ) -> Result<Imported, Error> {
        let mut outcome = self.admit_with(unpacked.clone(), from, parked.clone(), Signatures::Sparse).await?;
        if outcome.sparse {
            outcome = self.admit_with(unpacked, from, parked, Signatures::All).await?;
        }
        if let Some(latest) = outcome.imported.latest {
            // A suspect stamp is folded like any other and never adopted.
            let _observed = self.shared.clock.observe(latest);
        }
        Ok(outcome.imported)
    }

    async fn admit_with(
        &self,
        unpacked: Unpacked,
        from: PeerId,
        parked: Option<Bytes>,
        signatures: Signatures,
    ) -> Result<Outcome, Error> {
        let incoming = Incoming::verify(&self.shared, unpacked, from, signatures);
        let shared = Arc::clone(&self.shared);
        let hook = Arc::new(ImportHook { shared, incoming, parked, outcome: std::sync::Mutex::default() });
        let batch = WriteBatch { hook: Some(Arc::clone(&hook) as _), ..WriteBatch::new() };
        match self.store.commit(batch, Origin::Remote(from)).await {
            Ok(_) => Ok(std::mem::take(&mut *hook.outcome.lock().unwrap_or_else(PoisonError::into_inner))),
            Err(error) => Err(unhook(error)),
        }
    }

    /// Stores a block that was asked for and folds its document anew. A block that nobody links, or with
    /// other bytes than its name says, changes nothing.
    pub(crate) async fn take_block(
        &self,
        from: PeerId,
        collection: CollectionId,
        block: Cid,
        bytes: Bytes,
    ) -> Result<(), Error> {
        if !block.matches(&bytes) {
            return Err(Error::Refused { what: "a block is not what its name says" });
        }
        let hook = Arc::new(BlockHook { shared: Arc::clone(&self.shared), collection, block, bytes });
        let batch = WriteBatch { hook: Some(hook), ..WriteBatch::new() };
        self.store.commit(batch, Origin::Remote(from)).await.map(drop).map_err(unhook)
    }
}

/// Only open, unsealed collections of documents, for now.
fn supported(spec: &CollectionSpec) -> Result<(), Error> {
    let what = if spec.kind != CollectionKind::Documents {
        "a collection of items"
    } else if spec.sealed {
        "a sealed collection"
    } else if spec.writers != Writers::Open {
        "a granted collection"
    } else {
        return Ok(());
    };
    Err(Error::Unsupported { what })
}

/// Our own error out of the store's, when a hook of ours had refused.
pub(crate) fn unhook(error: civic_store::Error) -> Error {
    match error {
        civic_store::Error::Hook { source } => match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => Error::Store(civic_store::Error::Hook { source }),
        },
        error => Error::Store(error),
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl StorageAdapter for Replicated {
    async fn get(&self, key: &DocumentKey) -> Result<Option<Stored>, civic_store::Error> {
        self.store.get(key).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Stored>, civic_store::Error> {
        self.store.scan(scan).await
    }

    async fn query(&self, query: &Query) -> Result<Page<Stored>, civic_store::Error> {
        self.store.query(query).await
    }

    /// A hook that the batch has already runs inside the store as it is; versions are then not written, and
    /// the store refuses writes to replicated collections.
    async fn commit(&self, mut batch: WriteBatch, origin: Origin) -> Result<Commit, civic_store::Error> {
        if batch.hook.is_none() {
            batch.hook = Some(Arc::new(LocalHook { shared: Arc::clone(&self.shared) }));
        }
        self.store.commit(batch, origin).await
    }

    fn changes(&self, from: ChangeFrom) -> ChangeStream {
        self.store.changes(from)
    }

    async fn records(&self, scan: &RecordScan) -> Result<Page<Record>, civic_store::Error> {
        self.store.records(scan).await
    }

    fn capabilities(&self) -> StoreCapabilities {
        self.store.capabilities()
    }

    async fn blob(&self, id: &Cid, range: Range<u64>) -> Result<Option<Bytes>, civic_store::Error> {
        self.store.blob(id, range).await
    }

    async fn maintain(&self, task: Maintain) -> Result<Report, civic_store::Error> {
        self.store.maintain(task).await
    }

    async fn close(&self) -> Result<(), civic_store::Error> {
        self.store.close().await
    }
}

impl fmt::Debug for Replicated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replicated({}, {:?})", self.shared.replica, self.store)
    }
}
