use std::borrow::Cow;

use civic_types::{Cid, FieldPath, Value};

use super::fold::Fields;
use super::graph::Entry;
use super::{BodiesNeeded, BodyState, Document, NodeId, content_cid, version_id, view};

/// A document as whoever had seen exactly some versions and their ancestors saw it; for reading, and to
/// plan a write on.
#[derive(Clone, Debug)]
pub struct Past<'a> {
    pub(super) document: &'a Document,
    pub(super) fields: Cow<'a, Fields>,
    /// The versions asked for that are no ancestors of each other, ascending by CID.
    heads: Vec<NodeId>,
}

impl Past<'_> {
    /// The versions that were seen and are no ancestors of each other, ascending.
    #[must_use]
    pub fn heads(&self) -> Vec<Cid> {
        self.heads.iter().filter_map(|id| self.document.graph.cid(*id)).cloned().collect()
    }

    /// As [`Document::version_id`].
    #[must_use]
    pub fn version_id(&self) -> Option<Cid> {
        version_id(&self.heads(), self.document.hash)
    }

    /// As [`Document::present`].
    #[must_use]
    pub fn present(&self) -> bool {
        view::present(&self.fields, &self.document.graph, self.document.policy)
    }

    /// As [`Document::view`].
    #[must_use]
    pub fn view(&self) -> Option<Value> {
        self.present().then(|| Value::Map(view::fields(&self.fields, &self.document.graph)))
    }

    /// What is shown at one path, whether the document is present or not; `None` where nothing is.
    #[must_use]
    pub fn field(&self, path: &FieldPath) -> Option<Value> {
        view::field(&self.fields, &self.document.graph, path)
    }

    /// As [`Document::conflicts`].
    #[must_use]
    pub fn conflicts(&self) -> Vec<FieldPath> {
        view::conflicts(&self.fields)
    }

    /// As [`Document::content_cid`].
    #[must_use]
    pub fn content_cid(&self) -> Cid {
        content_cid(self.view(), self.document.hash)
    }
}

/// Why the past cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PastError {
    /// Bodies are elsewhere.
    #[error(transparent)]
    Bodies(#[from] BodiesNeeded),
    /// A version is not here.
    #[error(transparent)]
    Unknown(#[from] UnknownVersion),
}

/// A version that a base names is not in the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the version {version} is not in the document")]
pub struct UnknownVersion {
    /// The version.
    pub version: Cid,
}

impl Document {
    /// The document at the heads it has now.
    #[must_use]
    pub fn now(&self) -> Past<'_> {
        Past { document: self, fields: Cow::Borrowed(&self.fields), heads: self.graph.heads().to_vec() }
    }

    /// The document as whoever had seen exactly these versions and their ancestors saw it.
    ///
    /// Costs time in proportion to what was written since the nearest state that is kept, not to the
    /// whole history, where that is one line; the older of two long branches is folded from where they part.
    ///
    /// # Errors
    ///
    /// [`PastError`] when a version is not in the document, or bodies of some are not in memory: bring
    /// them by [`body_arrived`](Self::body_arrived).
    pub fn at(&self, heads: &[Cid]) -> Result<Past<'_>, PastError> {
        if self.is_at(heads) {
            return Ok(self.now());
        }
        let from = self.find_all(heads)?;
        let (start, rest) = self.nearest_checkpoint(&from);
        self.need_bodies(rest.iter().copied())?;
        let mut fields = start.map_or_else(Cow::default, |start| Cow::Borrowed(&start.fields));
        for id in rest {
            self.fold(fields.to_mut(), id);
        }
        Ok(Past { document: self, fields, heads: self.graph.maximal(&from) })
    }

    /// A document of its own that holds exactly these versions and their ancestors: a branch to go on from.
    ///
    /// # Errors
    ///
    /// As [`at`](Self::at).
    pub fn checkout(&self, heads: &[Cid]) -> Result<Self, PastError> {
        let from = self.find_all(heads)?;
        let (start, rest) = self.nearest_checkpoint(&from);
        self.need_bodies(rest.iter().copied())?;
        let shared = start.map_or(0, |start| start.nodes);
        let key = self.key.clone().filter(|_| !from.is_empty());
        let mut past = Self { key, ..Self::new(self.policy, self.hash) };
        past.fields = start.map(|start| start.fields.clone()).unwrap_or_default();
        // The first nodes are the same in both, so what was folded of them names the right ones.
        for id in (0..shared).chain(rest) {
            let Some(node) = self.graph.node(id) else { continue };
            let Some(replica) = self.graph.replica_id(node.replica) else { continue };
            let parents = self.graph.parents(node).iter();
            let parents: Vec<NodeId> =
                parents.filter_map(|id| past.graph.find(self.graph.cid(*id)?)).collect();
            let id = past.graph.push(Entry {
                cid: node.cid.clone(),
                replica,
                position: node.position,
                first_dot: node.first_dot,
                operations: node.operations(),
                stamp: node.stamp,
                parents: &parents,
                body: node.body.clone(),
            });
            if id >= shared {
                past.fold_newest(id);
            }
        }
        past.floor = self.floor.min(past.graph.len());
        past.checkpoints.make_due();
        Ok(past)
    }

    pub(super) fn find_all(&self, versions: &[Cid]) -> Result<Vec<NodeId>, UnknownVersion> {
        let find = |cid: &Cid| self.graph.find(cid).ok_or_else(|| UnknownVersion { version: cid.clone() });
        versions.iter().map(find).collect()
    }

    /// Refuses if the bodies of some of these were folded and are not in memory.
    pub(super) fn need_bodies(&self, nodes: impl IntoIterator<Item = NodeId>) -> Result<(), BodiesNeeded> {
        let nodes = nodes.into_iter().filter_map(|id| self.graph.node(id));
        let elsewhere = nodes.filter(|node| node.body == BodyState::Stored);
        let versions: Vec<Cid> = elsewhere.map(|node| node.cid.clone()).collect();
        if versions.is_empty() { Ok(()) } else { Err(BodiesNeeded { versions }) }
    }

    /// Whether these are exactly the heads.
    pub(super) fn is_at(&self, heads: &[Cid]) -> bool {
        let own = self.graph.heads();
        own.len() == heads.len() && own.iter().zip(heads).all(|(id, head)| self.graph.cid(*id) == Some(head))
    }
}
