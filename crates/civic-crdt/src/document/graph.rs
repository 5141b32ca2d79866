//! The admitted versions of one document and how they hang together.
//!
//! Nodes are numbered in order of admission, so parents have smaller numbers than their children. Most
//! documents are small and many are held at once: what a node needs not, it does not keep.

use civic_types::time::Stamp;
use civic_types::{Cid, ReplicaId};

use super::BodyState;
use super::by_cid::ByCid;
use super::clock::Clocks;
use crate::clock::Dot;

/// Number of an admitted version, in order of admission.
pub(super) type NodeId = u32;

#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    /// The parents of all nodes, one node's behind the other's.
    edges: Vec<NodeId>,
    by_cid: ByCid,
    /// Nodes without children, ascending by CID.
    heads: Vec<NodeId>,
    writers: Vec<Writer>,
    /// Numbers of all writers, ascending by replica.
    by_replica: Vec<u32>,
    pub(super) clocks: Clocks,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) cid: Cid,
    pub(super) position: u64,
    pub(super) first_dot: u64,
    pub(super) stamp: Stamp,
    pub(super) body: BodyState,
    pub(super) replica: u32,
    /// Where the parents begin among the edges.
    edge: u32,
    operations: u16,
    parents: u8,
    /// Steps to the nearest kept clock.
    pub(super) behind: u8,
}

/// One replica's versions in the document.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    id: ReplicaId,
    /// Ascending by first dot, then by number.
    pub(super) versions: Vec<NodeId>,
    last_dot: u64,
    /// Whether a dot names two operations. Until then dots run without gap or overlap along one chain,
    /// so a count says exactly which versions an ancestry holds.
    pub(super) forked: bool,
}

/// A header's fields that a node keeps.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) cid: Cid,
    pub(super) replica: ReplicaId,
    pub(super) position: u64,
    pub(super) first_dot: u64,
    pub(super) operations: u64,
    pub(super) stamp: Stamp,
    pub(super) parents: &'a [NodeId],
    pub(super) body: BodyState,
}

impl Graph {
    /// Empty, with room for as many nodes.
    pub(super) fn with_capacity(nodes: usize) -> Self {
        let mut graph = Self { nodes: Vec::with_capacity(nodes), ..Self::default() };
        graph.edges.reserve(nodes);
        graph.by_cid.reserve(nodes);
        graph
    }

    /// Adds an admitted version.
    pub(super) fn push(&mut self, entry: Entry<'_>) -> NodeId {
        let Entry { cid, position, first_dot, operations, stamp, parents, body, replica } = entry;
        let id = self.len();
        let behind = self.keep_clock(id, parents);
        let node = Node {
            cid,
            position,
            first_dot,
            stamp,
            body,
            replica: self.intern(replica),
            edge: u32::try_from(self.edges.len()).unwrap_or(u32::MAX),
            operations: u16::try_from(operations).unwrap_or(u16::MAX),
            parents: u8::try_from(parents.len()).unwrap_or(u8::MAX),
            behind,
        };
        self.edges.extend_from_slice(parents);
        self.sign_in(id, &node);
        push(&mut self.nodes, node);
        self.by_cid.add_last(&self.nodes);
        for parent in parents {
            let at = self.head_at(*parent);
            if self.heads.get(at) == Some(parent) {
                self.heads.remove(at);
            }
        }
        let at = self.head_at(id);
        self.heads.insert(at, id);
        id
    }

    pub(super) fn set_body(&mut self, id: NodeId, body: BodyState) {
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.body = body;
        }
    }

    /// Lets go of the bytes of all bodies.
    pub(super) fn forget_bodies(&mut self) {
        let readable = |node: &&mut Node| matches!(node.body, BodyState::Readable(_));
        self.nodes.iter_mut().filter(readable).for_each(|node| node.body = BodyState::Stored);
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Number of nodes.
    pub(super) fn len(&self) -> NodeId {
        NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX)
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0..).zip(&self.nodes)
    }

    pub(super) fn parents(&self, node: &Node) -> &[NodeId] {
        let start = node.edge as usize;
        self.edges.get(start..start.saturating_add(usize::from(node.parents))).unwrap_or_default()
    }

    pub(super) fn heads(&self) -> &[NodeId] {
        &self.heads
    }

    pub(super) fn find(&self, cid: &Cid) -> Option<NodeId> {
        self.by_cid.find(cid, &self.nodes)
    }

    pub(super) fn cid(&self, id: NodeId) -> Option<&Cid> {
        self.node(id).map(|node| &node.cid)
    }

    pub(super) fn writer(&self, number: u32) -> Option<&Writer> {
        self.writers.get(number as usize)
    }

    pub(super) fn replica_id(&self, number: u32) -> Option<ReplicaId> {
        self.writer(number).map(|writer| writer.id)
    }

    pub(super) fn replica_number(&self, replica: &ReplicaId) -> Option<u32> {
        let at = self.replica_at(replica).ok()?;
        self.by_replica.get(at).copied()
    }

    /// The replicas that have written, in order of their first version here: their numbers.
    pub(super) fn writers(&self) -> impl ExactSizeIterator<Item = ReplicaId> + '_ {
        self.writers.iter().map(|writer| writer.id)
    }

    /// The dot of a node's operation.
    pub(super) fn dot(&self, id: NodeId, operation: u16) -> Option<Dot> {
        let node = self.node(id)?;
        let number = node.first_dot.saturating_add(u64::from(operation));
        Some(Dot { replica: self.replica_id(node.replica)?, number })
    }

    /// The greatest dot of a replica in the document; 0 if it wrote none.
    pub(super) fn last_dot(&self, replica: &ReplicaId) -> u64 {
        self.replica_number(replica).and_then(|number| self.writer(number)).map_or(0, |w| w.last_dot)
    }

    /// A replica's versions, ascending by first dot.
    pub(super) fn versions_of(&self, replica: ReplicaId) -> impl Iterator<Item = NodeId> + '_ {
        let writer = self.replica_number(&replica).and_then(|number| self.writer(number));
        writer.map(|writer| writer.versions.as_slice()).unwrap_or_default().iter().copied()
    }

    /// Enters a node among its writer's.
    fn sign_in(&mut self, id: NodeId, node: &Node) {
        let Some(writer) = self.writers.get_mut(node.replica as usize) else { return };
        writer.forked |= node.first_dot <= writer.last_dot;
        writer.last_dot = writer.last_dot.max(node.last_dot());
        let first_dot = |id: &NodeId| self.nodes.get(*id as usize).map(|node| node.first_dot);
        let at = writer.versions.partition_point(|other| first_dot(other) <= Some(node.first_dot));
        if at == writer.versions.len() {
            push(&mut writer.versions, id);
        } else {
            writer.versions.insert(at, id);
        }
    }

    fn intern(&mut self, id: ReplicaId) -> u32 {
        match self.replica_at(&id) {
            Ok(at) => self.by_replica.get(at).copied().unwrap_or_default(),
            Err(at) => {
                let number = u32::try_from(self.writers.len()).unwrap_or(u32::MAX);
                self.by_replica.insert(at, number);
                push(&mut self.writers, Writer { id, versions: Vec::new(), last_dot: 0, forked: false });
                number
            }
        }
    }

    fn replica_at(&self, replica: &ReplicaId) -> Result<usize, usize> {
        self.by_replica.binary_search_by(|number| self.replica_id(*number).as_ref().cmp(&Some(replica)))
    }

    /// Where a node is or belongs among the heads.
    fn head_at(&self, id: NodeId) -> usize {
        self.heads.partition_point(|other| self.cid(*other) < self.cid(id))
    }
}

impl Node {
    pub(super) fn operations(&self) -> u64 {
        u64::from(self.operations)
    }

    pub(super) fn last_dot(&self) -> u64 {
        self.first_dot.saturating_add(self.operations().saturating_sub(1))
    }
}

/// Adds an item; the first few take exactly their room, where a vector would take that of four at once.
fn push<T>(items: &mut Vec<T>, item: T) {
    if items.len() < 4 {
        items.reserve_exact(1);
    }
    items.push(item);
}
