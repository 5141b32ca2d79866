use bytes::Bytes;
use civic_crdt::version::{Rules, Version};
use civic_store::RecordScan;
use civic_types::item::ReplicaRecord;
use civic_types::{Cid, CollectionId, DocumentId, PeerId, ReplicaId, Signature};

use super::Replicated;
use super::state::{all, record};
use crate::error::Error;
use crate::table::{self, Arrival, Head};

/// Versions of one page of [`Replicated::held`].
pub const MAX_HELD: usize = 1024;

/// A version as it is held, for whoever wants to check everything anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its place in this store's arrival log, from 1.
    pub seq: u64,
    /// The version: header bytes, decoded and hashed.
    pub version: Version,
    /// Its own signature; without one, a later version of the same log vouches for it.
    pub signature: Option<Signature>,
    /// The block of a linked body, if it is here.
    pub block: Option<Bytes>,
    /// The peer it came from; none if it was written here.
    pub source: Option<PeerId>,
}

impl Replicated {
    /// The versions held of a collection, in order of arrival, after a place in the arrival log (0 is the
    /// beginning); at most [`MAX_HELD`] at a time. An empty page is the end.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCollection`], [`Error::Store`], [`Error::Damaged`].
    pub async fn held(&self, collection: &CollectionId, after: u64) -> Result<Vec<Held>, Error> {
        let spec =
            self.shared.spec(collection).ok_or(Error::UnknownCollection { collection: *collection })?;
        let rules = Rules::from(&spec);
        let scan = RecordScan::table(table::ARRIVAL)
            .prefix(Bytes::copy_from_slice(collection.as_bytes()))
            .after(table::arrival_key(collection, after))
            .limit(MAX_HELD);
        let mut held = Vec::new();
        for record in self.store.records(&scan).await?.items {
            let arrival = Arrival::decode(&record.value)?;
            let stored = self.stored(collection, arrival.place, &rules).await?;
            held.push(Held {
                seq: table::arrival_seq(&record.key)?,
                version: stored.version,
                signature: stored.signature,
                block: stored.block,
                source: arrival.source,
            });
        }
        Ok(held)
    }

    /// Every document of a collection with its heads, also those that are deleted; in no telling order.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], [`Error::Damaged`].
    pub async fn document_heads(
        &self,
        collection: &CollectionId,
    ) -> Result<Vec<(DocumentId, Vec<Cid>)>, Error> {
        let records = all(&*self.store, table::HEAD, collection.as_bytes()).await?;
        let head =
            |record: civic_store::Record| Head::decode(&record.value).map(|head| (head.document, head.heads));
        records.into_iter().map(head).collect()
    }

    /// The records that a replica id is made of: one, unless somebody found a collision.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn replica_records(&self, replica: &ReplicaId) -> Result<Vec<ReplicaRecord>, Error> {
        let bytes = record(&*self.store, table::REPLICA, replica.as_bytes()).await?.unwrap_or_default();
        Ok(bytes.as_chunks::<48>().0.iter().map(ReplicaRecord::from_bytes).collect())
    }
}
