use civic_types::time::Stamp;
use civic_types::{Cid, ReplicaId};

use super::BodyState;
use super::graph::{Graph, Node};

/// What a document keeps of one version.
#[derive(Clone, Copy, Debug)]
pub struct Admitted<'a> {
    graph: &'a Graph,
    node: &'a Node,
}

impl<'a> Admitted<'a> {
    pub(super) const fn new(graph: &'a Graph, node: &'a Node) -> Self {
        Self { graph, node }
    }

    /// The version's CID.
    #[must_use]
    pub const fn cid(&self) -> &'a Cid {
        &self.node.cid
    }

    /// Who wrote it.
    #[must_use]
    pub fn replica(&self) -> Option<ReplicaId> {
        self.graph.replica_id(self.node.replica)
    }

    /// Its position in the author's log of the collection, as claimed.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.node.position
    }

    /// The number of its first dot.
    #[must_use]
    pub const fn first_dot(&self) -> u64 {
        self.node.first_dot
    }

    /// Number of its operations, as the header says.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.node.operations()
    }

    /// When it was written.
    #[must_use]
    pub const fn stamp(&self) -> Stamp {
        self.node.stamp
    }

    /// What is known of its body.
    #[must_use]
    pub const fn body(&self) -> &'a BodyState {
        &self.node.body
    }

    /// Its parents, ascending.
    pub fn parents(&self) -> impl Iterator<Item = &'a Cid> {
        let graph = self.graph;
        graph.parents(self.node).iter().filter_map(|id| graph.cid(*id))
    }
}
