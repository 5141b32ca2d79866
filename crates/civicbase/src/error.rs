use std::path::PathBuf;

use civic_crdt::clock::ClockError;
use civic_crdt::document::PlanError;
use civic_crdt::version::Kind;
use civic_types::id::{DocumentIdError, SpecError};
use civic_types::patch::PathError;
use civic_types::value::SerdeError;
use civic_types::{CommunityId, DocumentId, DocumentKey, FieldPath, Value};

/// Why a node refuses or fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device is in several communities.
    #[error("this device is in {count} communities: name one with collection_in")]
    AmbiguousCommunity {
        /// In how many.
        count: usize,
    },
    /// Somebody else changed a document of a local collection after it was read.
    #[error("{key} changed since it was read")]
    ChangedMeanwhile {
        /// Which.
        key: DocumentKey,
    },
    /// The clock cannot give a stamp.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The node was closed.
    #[error("the node is closed")]
    Closed,
    /// The community has a collection of that name with other properties.
    #[error("the collection {name:?} exists with another definition")]
    CollectionMismatch {
        /// The name.
        name: String,
    },
    /// A collection's name cannot be used.
    #[error(transparent)]
    CollectionName(#[from] SpecError),
    /// A key, ticket or signed structure was refused.
    #[error(transparent)]
    Crypto(#[from] civic_crypto::Error),
    /// The text is no document id.
    #[error(transparent)]
    DocumentId(#[from] DocumentIdError),
    /// A batch sets a document that it changes before.
    #[error("the batch changes {document} twice: set it once, or patch it after")]
    DocumentTwice {
        /// Which.
        document: DocumentId,
    },
    /// The folder cannot be used.
    #[error("the folder {} cannot be used", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key file cannot be read or written.
    #[cfg(feature = "sqlite")]
    #[error(transparent)]
    KeyFile(civic_crypto::keystore::KeyStoreError),
    /// The store is there and its key file is not.
    #[error("the key file {} is missing, and nothing else opens the store beside it", path.display())]
    KeysMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A path holds another kind of field than the change needs.
    #[error(
        "{path} holds a {found}, not a {wanted}: declare its kind in the collection's schema, or unset it first"
    )]
    KindMismatch {
        /// Where.
        path: FieldPath,
        /// What is there.
        found: Kind,
        /// What the change needs.
        wanted: Kind,
    },
    /// The link refuses or fails.
    #[error(transparent)]
    Link(#[from] civic_transport::Error),
    /// Something that a node needs was not given to its builder.
    #[error("a node needs {part}")]
    MissingPart {
        /// What.
        part: &'static str,
    },
    /// The device is in no community.
    #[error("this device is in no community: create or join one first")]
    NoCommunity,
    /// The node has no link.
    #[error("this node has no link")]
    NoLink,
    /// There is no tokio runtime to spawn the driver on.
    #[error("start needs a tokio runtime: call it inside one, or build and run the driver elsewhere")]
    NoRuntime,
    /// The device is not in that community.
    #[error("this device is not in the community {community}")]
    NotMember {
        /// Which.
        community: CommunityId,
    },
    /// A local collection has no versions and so no root.
    #[error("the collection is local: it has no root")]
    NotReplicated,
    /// The text is no field path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A document cannot be changed as asked.
    #[error("{key} cannot be changed so")]
    Plan {
        /// Which.
        key: DocumentKey,
        /// Why.
        #[source]
        source: PlanError,
    },
    /// A document does not have the shape asked for.
    #[error("{key} does not have the shape asked for at {path}")]
    SchemaMismatch {
        /// Which.
        key: DocumentKey,
        /// The deepest field that was being read.
        path: FieldPath,
        /// The document as it is.
        value: Box<Value>,
        /// What was expected there.
        #[source]
        source: SerdeError,
    },
    /// The store refuses or fails.
    #[error(transparent)]
    Store(civic_store::Error),
    /// Replication refuses or fails.
    #[error(transparent)]
    Sync(civic_sync::Error),
    /// The device is in the ticket's community already, with another key.
    #[error("the ticket does not fit the community {community}, which this device is in")]
    TicketMismatch {
        /// Which.
        community: CommunityId,
    },
    /// Not in this version.
    #[error("{what} is not supported")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// The passphrase does not open the key file, or the file is damaged; nobody can tell which.
    #[error("wrong passphrase, or the key file {} is damaged", path.display())]
    WrongPassphrase {
        /// The key file.
        path: PathBuf,
    },
}

impl Error {
    /// Whether the same call may succeed later without anything else being done.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::ChangedMeanwhile { .. } => true,
            Self::Link(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            _ => false,
        }
    }
}

impl From<civic_store::Error> for Error {
    fn from(error: civic_store::Error) -> Self {
        match error {
            civic_store::Error::Closed => Self::Closed,
            civic_store::Error::Hook { source } => match source.downcast::<civic_sync::Error>() {
                Ok(error) => (*error).into(),
                Err(source) => Self::Store(civic_store::Error::Hook { source }),
            },
            error => Self::Store(error),
        }
    }
}

impl From<civic_sync::Error> for Error {
    fn from(error: civic_sync::Error) -> Self {
        match error {
            civic_sync::Error::Clock(error) => Self::Clock(error),
            civic_sync::Error::Closed => Self::Closed,
            civic_sync::Error::CollectionMismatch { name } => Self::CollectionMismatch { name },
            civic_sync::Error::Crypto(error) => Self::Crypto(error),
            civic_sync::Error::Plan { source: PlanError::KindMismatch { path, found, wanted }, .. } => {
                Self::KindMismatch { path, found, wanted }
            }
            civic_sync::Error::Plan { key, source } => Self::Plan { key, source },
            civic_sync::Error::Store(error) => error.into(),
            civic_sync::Error::UnknownCommunity { community } => Self::NotMember { community },
            civic_sync::Error::Unsupported { what } => Self::Unsupported { what },
            error => Self::Sync(error),
        }
    }
}

#[cfg(feature = "sqlite")]
impl From<civic_crypto::keystore::KeyStoreError> for Error {
    fn from(error: civic_crypto::keystore::KeyStoreError) -> Self {
        Self::KeyFile(error)
    }
}
