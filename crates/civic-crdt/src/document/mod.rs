//! [`Document`]: the fold of a set of versions.
//!
//! Devices unite sets of versions, never states: two documents that hold the same versions and can read
//! the same bodies show the same heads, view and conflicts, in whatever order the versions came. Reading
//! is here, writing in [`Plan`] and [`write()`].

mod admitted;
mod ancestry;
mod batch;
mod body_state;
mod by_cid;
mod change;
mod checkout;
mod checkpoint;
mod clock;
mod fold;
mod fork;
mod graph;
mod heads;
mod insert;
mod missing;
mod plan;
mod save;
mod snapshot;
mod view;
mod write;

use civic_types::cbor;
use civic_types::id::DeletePolicy;
use civic_types::{Cid, DocumentKey, FieldPath, HashAlgorithm, ReplicaId, Value};

pub use admitted::Admitted;
pub use batch::Inserted;
pub use body_state::{BodiesNeeded, BodyState, Incomplete};
pub use change::Change;
pub use checkout::{Past, PastError, UnknownVersion};
pub use fork::Fork;
pub use heads::version_id;
pub use plan::{Plan, PlanError, Put, Reissue, Typed};
pub use save::OpenError;
pub use snapshot::{Snapshot, SnapshotError};
pub use write::{Author, PREFERRED_PARENTS, WriteError, WrittenVersion, write};

use self::checkpoint::Checkpoints;
use self::fold::Fields;
use self::graph::{Graph, NodeId};
use crate::clock::Dot;

/// The versions of one document and what they add up to.
///
/// Folding is incremental: a version costs time in proportion to its own operations and kills. Bodies
/// stay in memory until [`forget_bodies`](Self::forget_bodies). A document is [`save`](Self::save)d and
/// [`open`](Self::open)ed without its bodies and without folding anything again.
///
/// ```
/// use civic_crdt::document::{Author, Document, write};
/// use civic_crdt::version::Rules;
/// use civic_types::time::Stamp;
/// use civic_types::{CollectionId, DocumentId, DocumentKey, ReplicaId, value};
///
/// let mut pump = Document::default();
/// let plan = pump.put(&pump.heads(), &value!({"status": "dry"}))?;
/// let author = Author {
///     replica: ReplicaId::from_bytes([1; 16]),
///     position: 1,
///     previous: None,
///     stamp: Stamp { millis: 1, counter: 0 },
/// };
/// let key = DocumentKey::new(CollectionId::from_bytes([2; 32]), DocumentId::new("pump-3")?);
/// let written = write(&pump, &key, &plan, &author, None, &Rules::default())?;
/// let _ = pump.insert(&written.version, written.body());
/// assert_eq!(pump.view(), Some(value!({"status": "dry"})));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Document {
    policy: DeletePolicy,
    hash: HashAlgorithm,
    key: Option<DocumentKey>,
    graph: Graph,
    fields: Fields,
    checkpoints: Checkpoints,
    /// Number of nodes that a snapshot began with; the last of them has seen the others.
    floor: NodeId,
}

impl Document {
    /// A document without versions, in a collection with this policy and hash.
    #[must_use]
    pub fn new(policy: DeletePolicy, hash: HashAlgorithm) -> Self {
        Self { policy, hash, ..Self::default() }
    }

    /// Versions without children, ascending.
    #[must_use]
    pub fn heads(&self) -> Vec<Cid> {
        self.graph.heads().iter().filter_map(|id| self.graph.node(*id)).map(|node| node.cid.clone()).collect()
    }

    /// The document's current CID: its only head, or the CID of the list of its heads; `None` without
    /// versions.
    #[must_use]
    pub fn version_id(&self) -> Option<Cid> {
        version_id(&self.heads(), self.hash)
    }

    /// Whether the document is present: written and not deleted.
    #[must_use]
    pub fn present(&self) -> bool {
        view::present(&self.fields, &self.graph, self.policy)
    }

    /// The plain view: a map; `None` if the document is not present.
    #[must_use]
    pub fn view(&self) -> Option<Value> {
        self.present().then(|| Value::Map(view::fields(&self.fields, &self.graph)))
    }

    /// Paths where concurrent writes left more than the view shows, ascending.
    #[must_use]
    pub fn conflicts(&self) -> Vec<FieldPath> {
        view::conflicts(&self.fields)
    }

    /// The CID of the plain view's canonical bytes; of null if the document is not present.
    #[must_use]
    pub fn content_cid(&self) -> Cid {
        content_cid(self.view(), self.hash)
    }

    /// The live operations with the version each stands in, ascending by dot, then by CID.
    #[must_use]
    pub fn live_dots(&self) -> Vec<(Dot, Cid)> {
        let mut dots: Vec<_> = self
            .fields
            .operations()
            .filter_map(|(id, index)| Some((self.graph.dot(id, index)?, self.graph.node(id)?.cid.clone())))
            .collect();
        dots.sort();
        dots
    }

    /// Which bodies could not be read; `None` when all could.
    #[must_use]
    pub fn incomplete(&self) -> Option<Incomplete> {
        let mut found = Incomplete::default();
        for node in self.graph.nodes() {
            match node.body {
                BodyState::Missing => found.missing.push(node.cid.clone()),
                BodyState::Unreadable => found.unreadable.push(node.cid.clone()),
                BodyState::Readable(_) | BodyState::Stored => {}
            }
        }
        found.missing.sort();
        found.unreadable.sort();
        (found != Incomplete::default()).then_some(found)
    }

    /// Whether the version is admitted.
    #[must_use]
    pub fn contains(&self, version: &Cid) -> bool {
        self.graph.find(version).is_some()
    }

    /// The admitted versions in order of admission: parents come before their children.
    pub fn versions(&self) -> impl Iterator<Item = Admitted<'_>> {
        self.graph.nodes().iter().map(|node| Admitted::new(&self.graph, node))
    }

    /// Number of admitted versions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.nodes().len()
    }

    /// Whether no version is admitted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.graph.nodes().is_empty()
    }

    /// The greatest dot of a replica in the document; 0 if it wrote nothing.
    #[must_use]
    pub fn max_dot(&self, replica: &ReplicaId) -> u64 {
        self.graph.last_dot(replica)
    }

    /// The collection and name of the document; `None` before the first version.
    #[must_use]
    pub const fn key(&self) -> Option<&DocumentKey> {
        self.key.as_ref()
    }
}

/// The CID of a plain view's canonical bytes.
fn content_cid(view: Option<Value>, hash: HashAlgorithm) -> Cid {
    let view = view.unwrap_or_default();
    // Paths and arguments are too shallow for a view to be refused for its depth.
    Cid::dag_cbor(hash, &cbor::encode_with(&view, &cbor::Limits::DEPTH_ONLY).unwrap_or_default())
}
