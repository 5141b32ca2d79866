//! What replication has written into a store: versions with their signatures, who brought them, heads.
//!
//! [`Ledger`] is a seam, so that what reads a ledger (the device's journal, the audit) does not know the
//! tables; [`Tables`] reads them.

mod tables;

use civic_crdt::Version;
use civic_types::item::ReplicaRecord;
use civic_types::{Cid, CollectionSpec, DocumentId, PeerId, Signature};

use crate::error::Error;
use crate::journal::VersionRow;

pub(crate) use tables::Tables;

/// Read access to one replicated collection's bookkeeping.
pub(crate) trait Ledger {
    /// The place and name of this device's newest version; none before the first.
    async fn newest_own(&self) -> Result<Option<(u64, Cid)>, Error>;

    /// This device's versions behind that place of its log, in order.
    async fn own_after(&self, position: u64) -> Result<Vec<Version>, Error>;

    /// How many versions are held.
    async fn count(&self) -> Result<u64, Error>;

    /// Every version held, those of one document together and in order of admission.
    async fn versions(&self) -> Result<Vec<Held>, Error>;

    /// In order of arrival, which version came and from whom; from nobody if it was written here.
    async fn arrivals(&self) -> Result<Vec<(Cid, Option<PeerId>)>, Error>;

    /// What replica ids are made of.
    async fn replicas(&self) -> Result<Vec<ReplicaRecord>, Error>;

    /// The heads of every document.
    async fn heads(&self) -> Result<Vec<(DocumentId, Vec<Cid>)>, Error>;
}

/// A version as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) version: Version,
    pub(crate) signature: Option<Signature>,
}

/// A version's header as journals and dumps have it.
pub(crate) fn row(version: &Version) -> VersionRow {
    let header = version.header();
    VersionRow {
        cid: version.cid().to_string(),
        document: header.document.as_str().to_owned(),
        parents: header.parents.iter().map(ToString::to_string).collect(),
        replica: header.replica.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
        position: header.position,
        stamp: (header.stamp.millis, header.stamp.counter),
    }
}

/// The definitions of the replicated collections in a store.
pub(crate) async fn definitions(
    store: &dyn civic_store::StorageAdapter,
) -> Result<Vec<CollectionSpec>, Error> {
    tables::definitions(store).await
}
