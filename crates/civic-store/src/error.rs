//! [`Error`]: why a store refuses or fails.

use std::path::PathBuf;

use civic_types::{CollectionId, DocumentKey};

/// Why a store refuses or fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The medium failed.
    #[error("the {adapter} store failed")]
    Backend {
        /// Which adapter.
        adapter: &'static str,
        /// What the medium said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Stored bytes are not what was stored.
    #[error("the store holds damaged data: {what}")]
    Corrupt {
        /// Where.
        what: &'static str,
    },
    /// No space is left; the store stays readable.
    #[error("no space is left for the store")]
    Full,
    /// A hook refused the batch.
    #[error("the batch was refused")]
    Hook {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A replicated collection is written through its replicating wrapper only.
    #[error("collection {collection} is replicated: write through its replicating wrapper")]
    HookRequired {
        /// Which.
        collection: CollectionId,
    },
    /// The query would read more documents than it allows.
    #[error(
        "the query reads more than {allowed} documents: declare an index on {suggestion} or allow the scan"
    )]
    IndexRequired {
        /// How many it allows.
        allowed: usize,
        /// The index that would serve.
        suggestion: String,
    },
    /// The cursor belongs to another scan or query.
    #[error("the cursor belongs to another query")]
    InvalidCursor,
    /// The request makes no sense.
    #[error("invalid request: {what}")]
    InvalidRequest {
        /// What is wrong with it.
        what: &'static str,
    },
    /// More than a bound of this crate.
    #[error("{what}: {got} is more than {limit}")]
    Limit {
        /// Which bound.
        what: &'static str,
        /// What was asked.
        got: usize,
        /// The bound.
        limit: usize,
    },
    /// Another process has the store open.
    #[error("the store at {} is open in another process", path.display())]
    Locked {
        /// Where it is.
        path: PathBuf,
    },
    /// A newer version of this software wrote the store.
    #[error("the store has format {got}, this software knows up to {known}")]
    NewerFormat {
        /// Its format.
        got: u32,
        /// The newest known here.
        known: u32,
    },
    /// An earlier sync to disk failed; what is stored can be read, nothing can be written.
    #[error("the store is read-only since a sync to disk failed")]
    Poisoned,
    /// The document was not as the batch required.
    #[error("precondition failed for {key}")]
    Precondition {
        /// Which document.
        key: DocumentKey,
    },
    /// Not in this build or not yet.
    #[error("{what} is not supported")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// The key does not open this store.
    #[error("the key does not open this store")]
    WrongKey,
}

impl Error {
    /// Wraps what a medium said.
    pub fn backend(
        adapter: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Backend { adapter, source: source.into() }
    }

    /// Wraps why a hook refused.
    pub fn hook(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Hook { source: source.into() }
    }

    /// Whether the same call may succeed later without anything else being done.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Full | Self::Locked { .. })
    }
}
