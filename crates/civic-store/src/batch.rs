//! What a commit takes and gives: [`WriteBatch`], [`WriteOp`], [`Precondition`], [`Origin`], [`Commit`].

use bytes::Bytes;
use civic_types::{Cid, CollectionId, CollectionSpec, DocumentKey, FieldOp, PeerId, Value};

use crate::adapter::{Incomplete, SharedHook};

/// Most operations of one batch: bounds the time that one writer holds the store.
pub const MAX_BATCH_OPS: usize = 65_536;

/// Most bytes of keys, values and blobs in one batch.
pub const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;

/// Longest record key in bytes.
pub const MAX_RECORD_KEY_BYTES: usize = 256;

/// Operations that are applied together or not at all.
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    /// The operations, applied in order after all preconditions held.
    pub ops: Vec<(WriteOp, Precondition)>,
    /// A batch with a key that was committed before is not applied again and gives the same [`Commit`]. A
    /// key is remembered at least as long as its commit stays in the change log.
    pub idempotency: Option<[u8; 16]>,
    /// When the commit is acknowledged.
    pub durability: Durability,
    /// Runs inside the transaction.
    pub hook: Option<SharedHook>,
}

impl WriteBatch {
    /// An empty, fully durable batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an operation without a precondition.
    #[must_use]
    pub fn with(mut self, op: WriteOp) -> Self {
        self.push(op);
        self
    }

    /// Adds an operation without a precondition.
    pub fn push(&mut self, op: WriteOp) {
        self.ops.push((op, Precondition::None));
    }

    /// Adds an operation that needs its document to be as stated.
    #[must_use]
    pub fn with_if(mut self, op: WriteOp, precondition: Precondition) -> Self {
        self.ops.push((op, precondition));
        self
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum WriteOp {
    /// Stores a blob that must hash to its id.
    Blob {
        /// Its CID.
        id: Cid,
        /// Its content.
        bytes: Bytes,
    },
    /// Makes a collection known.
    Collection {
        /// Its id, which must be the definition's.
        id: CollectionId,
        /// Its definition.
        spec: CollectionSpec,
        /// Whether writes need the hook of a replicating wrapper.
        replicated: bool,
    },
    /// Removes a document.
    Delete {
        /// Which.
        key: DocumentKey,
    },
    /// Stores the outcome of a fold; only a hook may add it.
    Fold {
        /// Which document.
        key: DocumentKey,
        /// What it is now; `None` removes it.
        state: Option<Folded>,
    },
    /// Changes fields of a document, made if it is not there.
    ///
    /// Replicating wrappers make versions of it. A plain store applies it literally: a set is a list of
    /// distinct values ascending by their canonical bytes, a counter an integer, and what does not fit the
    /// value that stands there is an invalid request.
    Patch {
        /// Which document.
        key: DocumentKey,
        /// The changes, applied in order.
        ops: Vec<FieldOp>,
    },
    /// Keeps a blob from being collected.
    Pin {
        /// Which blob.
        target: Cid,
        /// Who keeps it.
        pin: Pin,
    },
    /// Stores a document.
    ///
    /// With `base`, what others changed since those heads is kept by replicating wrappers; without, it is
    /// an overwrite.
    Put {
        /// Which document.
        key: DocumentKey,
        /// Its new plain value.
        value: Value,
        /// The heads that the writer had read.
        base: Option<Vec<Cid>>,
    },
    /// Stores or removes an opaque record.
    Record {
        /// Table: 1..=32 bytes of lower-case ASCII, digits, `.` and `-`.
        table: String,
        /// Key: 1..=256 bytes.
        key: Bytes,
        /// Value, or `None` to remove.
        value: Option<Bytes>,
    },
    /// Lets go of a blob.
    Unpin {
        /// Which blob.
        target: Cid,
        /// Whose pin.
        pin: Pin,
    },
}

impl WriteOp {
    /// The document that this is about, if it is about one.
    #[must_use]
    pub const fn document(&self) -> Option<&DocumentKey> {
        match self {
            Self::Delete { key }
            | Self::Fold { key, .. }
            | Self::Patch { key, .. }
            | Self::Put { key, .. } => Some(key),
            _ => None,
        }
    }
}

/// The outcome of a fold.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// Plain view.
    pub value: Value,
    /// Version heads, ascending.
    pub heads: Vec<Cid>,
    /// Whether concurrent writes left something to look at.
    pub conflicts: bool,
    /// What could not be read.
    pub incomplete: Option<Incomplete>,
}

/// What must hold of an operation's document before the batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// It is there.
    Exists,
    /// It is not there.
    NotExists,
    /// It was last changed by that commit.
    RevIs(u64),
}

/// Who keeps a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pin {
    /// An application.
    App,
    /// A time-limited holder.
    Lease,
    /// A region's policy.
    Region,
    /// A person.
    User,
}

/// When a commit is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When it survives what the store's capabilities promise.
    #[default]
    Full,
    /// When it is applied; made durable by a later full commit or a flush. For copies of others' data.
    Relaxed,
}

/// Where a commit came from; without it replication would echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// This device.
    Local,
    /// A peer.
    Remote(PeerId),
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its place in the total order of commits, from 1; also the new `rev` of its documents.
    pub seq: u64,
    /// Whether an earlier batch with the same idempotency key had done it.
    pub replayed: bool,
}
