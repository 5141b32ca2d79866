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
mod missing;
mod plan;
mod save;
mod snapshot;
mod view;
mod write;

use civic_types::cbor;
use civic_types::cid::DAG_CBOR;
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
use self::graph::{Entry, Graph, NodeId};
use crate::clock::Dot;
use crate::merge::Effect;
use crate::version::{Admission, Body, Refusal, Version};

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

    /// Admits a version and folds its body. Authenticity is the caller's to check.
    ///
    /// The first version says which document this is. A version that is known already changes nothing,
    /// not even with another body state: that is [`body_arrived`](Self::body_arrived).
    pub fn insert(&mut self, version: &Version, body: BodyState) -> Admission {
        let admission = self.admit(version);
        if admission != Admission::Admitted {
            return admission;
        }
        let header = version.header();
        self.key.get_or_insert_with(|| version.key());
        let parents: Vec<NodeId> = header.parents.iter().filter_map(|cid| self.graph.find(cid)).collect();
        self.checkpoint();
        let id = self.graph.push(Entry {
            cid: version.cid().clone(),
            replica: header.replica,
            position: header.position,
            first_dot: header.first_dot,
            operations: header.operations,
            stamp: header.stamp,
            parents: &parents,
            body: if body == BodyState::Stored { BodyState::Missing } else { body },
        });
        self.fold_newest(id);
        admission
    }

    /// Takes the body of a version whose body was missing, unreadable, or not kept.
    ///
    /// `body` is in clear; that it belongs to the version (the block hashes to the header's link, the
    /// ciphertext opened) is the caller's to check. A version is judged anew as if the body had always
    /// been here. A body that was folded before changes nothing and is kept for reading the past.
    ///
    /// # Errors
    ///
    /// [`BodiesNeeded`] when later versions must be judged anew whose bodies are not in memory: bring
    /// those, then this one again. Nothing has changed.
    pub fn body_arrived(&mut self, version: &Cid, body: BodyState) -> Result<Effect, BodiesNeeded> {
        let Some((id, node)) = self.graph.find(version).and_then(|id| Some((id, self.graph.node(id)?)))
        else {
            return Ok(Effect::Unchanged);
        };
        match (&node.body, &body) {
            (BodyState::Readable(_), _) | (_, BodyState::Stored) => return Ok(Effect::Unchanged),
            (held, body) if held == body => return Ok(Effect::Unchanged),
            (BodyState::Stored, BodyState::Readable(_)) => {
                self.graph.set_body(id, body);
                return Ok(Effect::Unchanged);
            }
            (BodyState::Stored, _) => return Ok(Effect::Unchanged),
            (_, BodyState::Readable(_)) => {}
            _ => {
                self.graph.set_body(id, body);
                return Ok(Effect::Changed);
            }
        }
        let is_head = self.graph.heads().contains(&id);
        if !is_head {
            // Descendants may kill what it adds, so they are folded again behind it.
            self.need_bodies(self.refolded(id))?;
        }
        self.graph.set_body(id, body);
        if is_head {
            self.fold_head(id)
        } else {
            self.refold(id)
        }
        Ok(Effect::Changed)
    }

    /// Lets go of the bytes of bodies that are folded.
    ///
    /// Everything goes on as before, but reading the past may need some of them back: [`BodiesNeeded`].
    pub fn forget_bodies(&mut self) {
        self.graph.forget_bodies();
        self.checkpoints.make_due();
    }

    /// What [`insert`](Self::insert) would say; changes nothing.
    pub fn admit(&self, version: &Version) -> Admission {
        let header = version.header();
        if self.contains(version.cid()) {
            return Admission::Known;
        }
        if !version.cid().is(DAG_CBOR, self.hash) {
            return Admission::Refused(Refusal::OtherDocument);
        }
        let same = |key: &DocumentKey| key.collection == header.collection && key.document == header.document;
        if !self.key.as_ref().is_none_or(same) {
            return Admission::Refused(Refusal::OtherDocument);
        }
        let mut parents = Vec::with_capacity(header.parents.len());
        let mut missing = Vec::new();
        for parent in &header.parents {
            match self.graph.find(parent) {
                Some(id) => parents.push(id),
                None => missing.push(parent.clone()),
            }
        }
        if !missing.is_empty() {
            return Admission::Parked { missing };
        }
        if self.floor > 0 && !parents.iter().any(|parent| parent + 1 >= self.floor) {
            return Admission::Refused(Refusal::Pruned);
        }
        let seen = self.graph.seen(&parents, &header.replica);
        let want = seen.map_or(1, |(dot, _)| dot.saturating_add(1));
        if header.first_dot != want {
            return Admission::Refused(Refusal::FirstDot { got: header.first_dot, want });
        }
        match seen {
            Some((_, last)) if header.stamp <= last => {
                Admission::Refused(Refusal::Stamp { got: header.stamp, last })
            }
            _ => Admission::Admitted,
        }
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

    /// Folds one version into `fields`, which hold its ancestors and none of its descendants; gives the
    /// number of its operations that count.
    fn fold(&self, fields: &mut Fields, id: NodeId) -> usize {
        let Some(node) = self.graph.node(id) else { return 0 };
        let BodyState::Readable(bytes) = &node.body else { return 0 };
        // A body that breaks the grammar or does not hold what the header says is a no-op whole.
        let Ok(body) = Body::decode(bytes) else { return 0 };
        if u64::try_from(body.operations.len()) != Ok(node.operations()) {
            return 0;
        }
        fields.apply(&self.graph, id, &body);
        body.operations.len()
    }
}

/// The CID of a plain view's canonical bytes.
fn content_cid(view: Option<Value>, hash: HashAlgorithm) -> Cid {
    let view = view.unwrap_or_default();
    // Paths and arguments are too shallow for a view to be refused for its depth.
    Cid::dag_cbor(hash, &cbor::encode_with(&view, &cbor::Limits::DEPTH_ONLY).unwrap_or_default())
}
