//! Folds of sets of versions.

mod check;
mod deliver;
mod document;
mod operation;
mod past;
mod trace;
mod world;

use std::fmt::Debug;

use civic_types::id::DeletePolicy;
use civic_types::{Cid, FieldPath, HashAlgorithm, Value};

use super::law::{self, Violation};
use crate::clock::Dot;
use crate::document::BodyState;
use crate::version::{Admission, Version};
pub use check::broken_fold;
pub use trace::{Trace, trace_of};

/// What a fold of versions shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Versions without children, ascending.
    pub heads: Vec<Cid>,
    /// The document's current CID.
    pub version_id: Option<Cid>,
    /// Whether the document was written and not deleted.
    pub present: bool,
    /// The plain view, if it is present.
    pub view: Option<Value>,
    /// Paths where more is live than the view shows, ascending.
    pub conflicts: Vec<FieldPath>,
    /// The CID of the view's canonical bytes.
    pub content_cid: Cid,
    /// The live operations with their versions, ascending.
    pub live: Vec<(Dot, Cid)>,
}

/// A fold that the kit can drive: it takes versions of one document one after the other.
pub trait Folder: Clone + Debug {
    /// A document without versions.
    fn start(policy: DeletePolicy, hash: HashAlgorithm) -> Self;

    /// Takes a version, or says why not.
    fn insert(&mut self, version: &Version, body: BodyState) -> Admission;

    /// Takes the body of a version that came without.
    fn body_arrived(&mut self, version: &Cid, body: BodyState);

    /// What it shows now.
    fn shown(&self) -> Shown;

    /// What it showed to whoever had seen these versions; `None` if it does not read the past.
    fn at(&self, _heads: &[Cid]) -> Option<Shown> {
        None
    }

    /// Itself, saved and loaded; `None` if it does not save.
    fn reopened(&self) -> Option<Self> {
        None
    }

    /// The version that it can be pruned at, and itself without what came before; `None` if there is none.
    fn pruned(&self) -> Option<(Cid, Self)> {
        None
    }
}

/// Plays random histories of honest and hostile devices, and compares what comes out of any order of delivery
/// with the literal [`Model`](super::Model); the same histories in every run.
///
/// # Errors
///
/// [`Violation`]: the first law found broken.
pub fn check_fold<F: Folder>() -> Result<(), Violation> {
    law::run(&trace::traces(), &broken_fold::<F>)
}
