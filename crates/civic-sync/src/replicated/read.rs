use std::collections::BTreeSet;

use bytes::Bytes;
use civic_crdt::version::Rules;
use civic_crdt::version::pack::{self, MAX_PACKED_BLOCK_BYTES, PackedVersion};
use civic_store::RecordScan;
use civic_types::item::ReplicaRecord;
use civic_types::limits::MAX_SYNC_FRAME_BYTES;
use civic_types::{Cid, CollectionId, ReplicaId};

use super::Replicated;
use super::push::Push;
use super::state::{all, record};
use crate::error::Error;
use crate::table::{self, LogEntry, Place, StoredVersion};

/// Bytes of versions after which a pack is closed: with the rest of its last run it stays within a frame.
const CHUNK_BYTES: usize = 96 * 1024;

/// Bytes of blocks in one pack; versions whose block finds no room travel without it.
const CHUNK_BLOCK_BYTES: usize = 96 * 1024;

/// Bytes of a data frame beside its pack, at most.
const FRAME_OVERHEAD: usize = 64;

/// One pack's worth of a push.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The pack; none when there is nothing.
    pub(crate) pack: Option<Bytes>,
    /// Versions in it.
    pub(crate) versions: usize,
    /// What is left, if anything.
    pub(crate) rest: Option<Push>,
}

impl Chunk {
    fn fits(&self) -> bool {
        self.pack.as_ref().is_none_or(|pack| pack.len() + FRAME_OVERHEAD <= MAX_SYNC_FRAME_BYTES)
    }
}

impl Replicated {
    /// Whether a version is held.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn holds(&self, collection: &CollectionId, version: &Cid) -> Result<bool, Error> {
        Ok(record(&*self.store, table::ITEM, &table::item_key(collection, version)).await?.is_some())
    }

    /// The next pack of a push; it fits a sync frame.
    pub(crate) async fn chunk(&self, collection: &CollectionId, push: Push) -> Result<Chunk, Error> {
        let chunk = self.chunk_up_to(collection, push.clone(), CHUNK_BYTES).await?;
        if chunk.fits() {
            return Ok(chunk);
        }
        // Somebody else's long run, whose proof does not fit beside what came before it: it goes alone.
        let alone = self.chunk_up_to(collection, push, 1).await?;
        if alone.fits() {
            return Ok(alone);
        }
        tracing::warn!(%collection, "a run is too long for a frame and stays here");
        Ok(Chunk { pack: None, versions: 0, rest: alone.rest })
    }

    async fn chunk_up_to(
        &self,
        collection: &CollectionId,
        mut push: Push,
        bytes: usize,
    ) -> Result<Chunk, Error> {
        let spec =
            self.shared.spec(collection).ok_or(Error::UnknownCollection { collection: *collection })?;
        let mut building = Building::new(Rules::from(&spec));
        while building.bytes < bytes
            && let Some(place) = self.next_place(collection, &mut push).await?
        {
            let stored = self.stored(collection, place, &building.rules).await?;
            if !push.ahead.remove(stored.version.cid()) {
                building.add(stored);
            }
        }
        for cid in self.prove(collection, &mut building).await? {
            push.ahead.insert(cid);
        }
        let records = self.records_of(&building).await?;
        let (versions, done) = (building.versions.len(), push.is_done());
        let pack = if versions == 0 { None } else { Some(pack::pack(&records, &building.versions)?.into()) };
        Ok(Chunk { pack, versions, rest: (!done).then_some(push) })
    }

    /// Adds what follows each unsigned tail in its log, up to a signature.
    async fn prove(&self, collection: &CollectionId, building: &mut Building) -> Result<Vec<Cid>, Error> {
        let mut ahead = Vec::new();
        while let Some((replica, position, tail)) = building.tails.pop_first() {
            let next = table::log_prefix(collection, &replica, position.saturating_add(1));
            let mut follower = None;
            for record in all(&*self.store, table::LOG, &next).await? {
                let stored =
                    self.stored(collection, LogEntry::decode(&record.value)?.place, &building.rules).await?;
                if stored.version.header().previous.as_ref() == Some(&tail) {
                    follower = Some(stored);
                }
            }
            let follower = follower.ok_or(Error::Damaged { what: "the proof of a version" })?;
            ahead.push(follower.version.cid().clone());
            building.add(follower);
        }
        Ok(ahead)
    }

    async fn records_of(&self, building: &Building) -> Result<Vec<ReplicaRecord>, Error> {
        let mut records = Vec::new();
        for replica in &building.replicas {
            let bytes = record(&*self.store, table::REPLICA, replica.as_bytes()).await?;
            let bytes = bytes.ok_or(Error::Damaged { what: "a replica record" })?;
            records.extend(bytes.as_chunks::<48>().0.iter().map(ReplicaRecord::from_bytes));
        }
        records.sort_unstable();
        Ok(records)
    }

    pub(super) async fn stored(
        &self,
        collection: &CollectionId,
        place: Place,
        rules: &Rules,
    ) -> Result<StoredVersion, Error> {
        let bytes = record(&*self.store, table::VERSION, &table::version_key(collection, place)).await?;
        let mut stored =
            StoredVersion::decode(&bytes.ok_or(Error::Damaged { what: "the arrival log" })?, rules)?;
        if let Some(block) = stored.version.block() {
            stored.block = self.store.blob(block, 0..u64::MAX).await?;
        }
        Ok(stored)
    }

    /// A whole block that a version of the collection links, if it is here.
    pub(crate) async fn block(&self, collection: &CollectionId, block: &Cid) -> Result<Option<Bytes>, Error> {
        let linked = [&collection.as_bytes()[..], block.as_bytes()].concat();
        if record(&*self.store, table::LINKED, &linked).await?.is_none() {
            return Ok(None);
        }
        Ok(self.store.blob(block, 0..u64::MAX).await?)
    }

    /// The definition of a replicated collection.
    pub(crate) fn spec(&self, collection: &CollectionId) -> Option<civic_types::CollectionSpec> {
        self.shared.spec(collection)
    }

    /// Blocks of a collection that are linked and not here, at most `limit`.
    pub(crate) async fn missing_blocks(
        &self,
        collection: &CollectionId,
        limit: usize,
    ) -> Result<Vec<Cid>, Error> {
        let prefix = Bytes::copy_from_slice(collection.as_bytes());
        let page = self.store.records(&RecordScan::table(table::BLOCK).prefix(prefix).limit(limit)).await?;
        let cid = |key: &[u8]| key.get(32..).and_then(|cid| Cid::from_bytes(cid).ok());
        Ok(page.items.iter().filter_map(|record| cid(&record.key)).collect())
    }
}

/// A pack in the making.
struct Building {
    rules: Rules,
    versions: Vec<PackedVersion>,
    replicas: BTreeSet<ReplicaId>,
    within: BTreeSet<Cid>,
    /// Versions that no signature and no follower vouches for yet.
    tails: BTreeSet<(ReplicaId, u64, Cid)>,
    bytes: usize,
    block_bytes: usize,
}

impl Building {
    fn new(rules: Rules) -> Self {
        let (versions, replicas) = (Vec::new(), BTreeSet::new());
        let (within, tails) = (BTreeSet::new(), BTreeSet::new());
        Self { rules, versions, replicas, within, tails, bytes: 0, block_bytes: 0 }
    }

    fn add(&mut self, stored: StoredVersion) {
        if !self.within.insert(stored.version.cid().clone()) {
            return;
        }
        let header = stored.version.header();
        self.replicas.insert(header.replica);
        if let Some(previous) = &header.previous {
            self.tails.remove(&(header.replica, header.position.saturating_sub(1), previous.clone()));
        }
        if stored.signature.is_none() {
            self.tails.insert((header.replica, header.position, stored.version.cid().clone()));
        }
        let fits = |block: &Bytes| {
            block.len() <= MAX_PACKED_BLOCK_BYTES && self.block_bytes + block.len() <= CHUNK_BLOCK_BYTES
        };
        let block = stored.block.filter(fits);
        self.bytes += stored.version.bytes().len() + 64;
        self.block_bytes += block.as_ref().map_or(0, Bytes::len);
        self.versions.push(PackedVersion { version: stored.version, signature: stored.signature, block });
    }
}
