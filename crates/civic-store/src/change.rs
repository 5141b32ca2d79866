//! What happened: [`Change`], [`ChangeEvent`], [`ChangeFrom`].

use civic_types::DocumentKey;

use crate::batch::Origin;

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the order of commits.
    pub seq: u64,
    /// Where it came from.
    pub origin: Origin,
    /// The documents it changed, each once, in ascending order.
    pub documents: Vec<(DocumentKey, ChangeKind)>,
    /// The record tables it wrote to, each once, in ascending order.
    pub tables: Vec<String>,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It is gone.
    Deleted,
    /// It is there, new or changed.
    Put,
}

/// What a change stream gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeEvent {
    /// The next commit.
    Commit(Change),
    /// Commits before this one are no longer in the log or came faster than they were read: read what
    /// matters anew. The stream goes on with this commit.
    Gap {
        /// The first commit that the stream will give.
        resume_at: u64,
    },
}

/// Where a change stream starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeFrom {
    /// After that commit; 0 is the beginning.
    After(u64),
    /// After the newest commit.
    Now,
}
