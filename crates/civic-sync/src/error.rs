//! [`Error`]: why replication refuses or fails.

use civic_crdt::clock::ClockError;
use civic_crdt::document::{PlanError, WriteError};
use civic_crdt::version::pack::PackError;
use civic_types::{CollectionId, CommunityId, DocumentKey};

/// Why replication refuses or fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Too many wait already.
    #[error("too many requests wait")]
    Busy,
    /// The clock cannot give a stamp.
    #[error("the clock failed")]
    Clock(#[from] ClockError),
    /// Somebody defined the name with other properties.
    #[error("the collection {name:?} exists with another definition")]
    CollectionMismatch {
        /// The name.
        name: String,
    },
    /// The driver has ended.
    #[error("the sync driver has ended")]
    Closed,
    /// A keyed secret, signature or proof could not be made or checked.
    #[error(transparent)]
    Crypto(#[from] civic_crypto::Error),
    /// A record of ours is not what we wrote.
    #[error("the store holds damaged data: {what}")]
    Damaged {
        /// Where.
        what: &'static str,
    },
    /// Bytes are no pack.
    #[error("the pack was refused")]
    Pack(#[from] PackError),
    /// A change cannot be written as asked.
    #[error("{key} cannot be changed so")]
    Plan {
        /// Which document.
        key: DocumentKey,
        /// Why.
        #[source]
        source: PlanError,
    },
    /// Versions in the pack are not their author's, or can never be admitted.
    #[error("the pack holds a version that is refused: {what}")]
    Refused {
        /// Why.
        what: &'static str,
    },
    /// The store failed or refused.
    #[error(transparent)]
    Store(#[from] civic_store::Error),
    /// More than one session can speak of.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// No such collection here.
    #[error("the collection {collection} is unknown")]
    UnknownCollection {
        /// Which.
        collection: CollectionId,
    },
    /// This device is not a member.
    #[error("not a member of the community {community}")]
    UnknownCommunity {
        /// Which.
        community: CommunityId,
    },
    /// Not in this version.
    #[error("{what} is not supported")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// A version could not be built.
    #[error("{key} cannot be written")]
    Write {
        /// Which document.
        key: DocumentKey,
        /// Why.
        #[source]
        source: WriteError,
    },
}

impl From<civic_types::cbor::Error> for Error {
    fn from(_: civic_types::cbor::Error) -> Self {
        Self::Damaged { what: "a replication record" }
    }
}

/// How hooks of ours refuse inside the store's transaction.
impl From<Error> for civic_store::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error,
            error => Self::hook(error),
        }
    }
}
