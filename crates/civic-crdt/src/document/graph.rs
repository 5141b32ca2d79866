//! The admitted versions of one document and who has seen whom.
//!
//! Nodes are numbered in order of admission, so parents have smaller numbers than their children.

use std::collections::BTreeMap;

use civic_types::time::Stamp;
use civic_types::{Cid, ReplicaId};

use super::BodyState;
use super::ancestry::{Ancestry, NodeSet, Seen, find};
use crate::clock::Dot;

/// Number of an admitted version, in order of admission.
pub(super) type NodeId = u32;

/// Replicas that a version's stored clock may hold; with more its ancestors are walked instead, so that a
/// document with thousands of writers costs time and not memory.
const MAX_STORED_CLOCK: usize = 64;

#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    /// All nodes, ascending by CID.
    by_cid: Vec<NodeId>,
    /// Nodes without children, ascending by CID.
    heads: Vec<NodeId>,
    replicas: Vec<Writer>,
    replica_numbers: BTreeMap<ReplicaId, u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) cid: Cid,
    pub(super) replica: u32,
    pub(super) position: u64,
    pub(super) first_dot: u64,
    pub(super) operations: u64,
    pub(super) stamp: Stamp,
    pub(super) parents: Box<[NodeId]>,
    pub(super) body: BodyState,
    /// What the ancestors hold of each replica, ascending; `None` when that is too wide to keep.
    past: Option<Box<[Seen]>>,
}

/// One replica's versions in the document.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    id: ReplicaId,
    /// First dot and node, ascending.
    pub(super) versions: Vec<(u64, NodeId)>,
    last_dot: u64,
    /// Whether a dot names two operations. Until then dots run without gap or overlap along one chain,
    /// so a count says exactly which versions an ancestry holds.
    pub(super) forked: bool,
}

/// A header's fields that a node keeps.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) cid: Cid,
    pub(super) replica: ReplicaId,
    pub(super) position: u64,
    pub(super) first_dot: u64,
    pub(super) operations: u64,
    pub(super) stamp: Stamp,
    pub(super) parents: Box<[NodeId]>,
    pub(super) body: BodyState,
}

impl Graph {
    /// Adds an admitted version.
    pub(super) fn push(&mut self, entry: Entry) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        let past = self.join(&entry.parents);
        let replica = self.intern(entry.replica);
        let last_dot = entry.first_dot.saturating_add(entry.operations.saturating_sub(1));
        if let Some(writer) = self.replicas.get_mut(replica as usize) {
            writer.forked |= entry.first_dot <= writer.last_dot;
            writer.last_dot = writer.last_dot.max(last_dot);
            let at = writer.versions.partition_point(|version| *version < (entry.first_dot, id));
            writer.versions.insert(at, (entry.first_dot, id));
        }
        self.heads.retain(|head| !entry.parents.contains(head));
        let Entry { cid, position, first_dot, operations, stamp, parents, body, .. } = entry;
        self.nodes.push(Node { cid, replica, position, first_dot, operations, stamp, parents, body, past });
        let head_at = self.search(&self.heads, id);
        self.heads.insert(head_at, id);
        let at = self.search(&self.by_cid, id);
        self.by_cid.insert(at, id);
        id
    }

    pub(super) fn set_body(&mut self, id: NodeId, body: BodyState) {
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.body = body;
        }
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0..).zip(&self.nodes)
    }

    pub(super) fn heads(&self) -> &[NodeId] {
        &self.heads
    }

    pub(super) fn find(&self, cid: &Cid) -> Option<NodeId> {
        let at = self.by_cid.binary_search_by(|id| self.cid(*id).cmp(&Some(cid))).ok()?;
        self.by_cid.get(at).copied()
    }

    pub(super) fn replica_id(&self, number: u32) -> Option<ReplicaId> {
        self.replicas.get(number as usize).map(|writer| writer.id)
    }

    pub(super) fn replica_number(&self, replica: &ReplicaId) -> Option<u32> {
        self.replica_numbers.get(replica).copied()
    }

    pub(super) fn writer(&self, number: u32) -> Option<&Writer> {
        self.replicas.get(number as usize)
    }

    /// The dot of a node's operation.
    pub(super) fn dot(&self, id: NodeId, operation: u16) -> Option<Dot> {
        let node = self.node(id)?;
        Some(Dot { replica: self.replica_id(node.replica)?, number: node.first_dot + u64::from(operation) })
    }

    /// The greatest dot of a replica in the document; 0 if it wrote none.
    pub(super) fn last_dot(&self, replica: &ReplicaId) -> u64 {
        self.replica_number(replica).and_then(|r| self.replicas.get(r as usize)).map_or(0, |w| w.last_dot)
    }

    /// A replica's versions, ascending by first dot.
    pub(super) fn versions_of(&self, replica: ReplicaId) -> impl Iterator<Item = NodeId> + '_ {
        let writer = self.replica_number(&replica).and_then(|r| self.replicas.get(r as usize));
        writer.into_iter().flat_map(|writer| writer.versions.iter().map(|(_, id)| *id))
    }

    /// The replicas that have written, with their number.
    pub(super) fn replica_ids(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.replica_numbers.keys().copied()
    }

    /// The greatest dot and stamp of a replica among the ancestors that these parents make.
    pub(super) fn seen(&self, parents: &[NodeId], replica: &ReplicaId) -> Option<(u64, Stamp)> {
        let number = self.replica_number(replica)?;
        if let Some(past) = self.join(parents) {
            return find(&past, number).map(|seen| (seen.dot, seen.stamp));
        }
        let ancestors = self.walk(parents);
        let own =
            self.versions_of(*replica).filter(|id| ancestors.contains(*id)).filter_map(|id| self.node(id));
        own.fold(None, |seen, node| {
            let (dot, stamp) = seen.unwrap_or_default();
            Some((dot.max(node.last_dot()), stamp.max(node.stamp)))
        })
    }

    /// The ancestors of one node, for questions about dots.
    pub(super) fn ancestry(&self, id: NodeId) -> Ancestry<'_> {
        let node = self.node(id);
        let parents = node.map(|node| &*node.parents).unwrap_or_default();
        Ancestry::new(self, parents, node.and_then(|node| node.past.as_deref()))
    }

    /// Whether `ancestor` is `descendant` or one of its ancestors.
    pub(super) fn covers(&self, descendant: NodeId, ancestor: NodeId) -> bool {
        if descendant == ancestor {
            return true;
        }
        let Some(node) = self.node(ancestor) else { return false };
        self.ancestry(descendant).named(node.replica, node.first_dot).any(|id| id == ancestor)
    }

    /// These nodes and all their ancestors.
    pub(super) fn walk(&self, from: &[NodeId]) -> NodeSet {
        let mut set = NodeSet::default();
        let mut open: Vec<NodeId> = from.to_vec();
        while let Some(id) = open.pop() {
            if set.insert(id) {
                open.extend(self.node(id).into_iter().flat_map(|node| node.parents.iter()));
            }
        }
        set
    }

    /// Those of some nodes that are no ancestors of others among them, ascending by CID, each once.
    pub(super) fn maximal(&self, nodes: &[NodeId]) -> Vec<NodeId> {
        let mut found: Vec<NodeId> = nodes.to_vec();
        found.sort_unstable_by_key(|id| self.cid(*id));
        found.dedup();
        let parents: Vec<NodeId> = found
            .iter()
            .filter_map(|id| self.node(*id))
            .flat_map(|node| node.parents.iter().copied())
            .collect();
        let below = self.walk(&parents);
        found.retain(|id| !below.contains(*id));
        found
    }

    /// Joins the clocks of some parents, themselves included.
    fn join(&self, parents: &[NodeId]) -> Option<Box<[Seen]>> {
        let mut joined: Vec<Seen> = Vec::new();
        for parent in parents {
            let node = self.node(*parent)?;
            let own = Seen { replica: node.replica, dot: node.last_dot(), stamp: node.stamp };
            for seen in node.past.as_ref()?.iter().chain([&own]) {
                match joined.binary_search_by_key(&seen.replica, |seen| seen.replica) {
                    Ok(at) => {
                        if let Some(held) = joined.get_mut(at) {
                            held.dot = held.dot.max(seen.dot);
                            held.stamp = held.stamp.max(seen.stamp);
                        }
                    }
                    Err(at) => joined.insert(at, *seen),
                }
            }
        }
        (joined.len() <= MAX_STORED_CLOCK).then(|| joined.into())
    }

    fn intern(&mut self, id: ReplicaId) -> u32 {
        let next = u32::try_from(self.replicas.len()).unwrap_or(u32::MAX);
        let number = *self.replica_numbers.entry(id).or_insert(next);
        if number == next {
            self.replicas.push(Writer { id, versions: Vec::new(), last_dot: 0, forked: false });
        }
        number
    }

    fn search(&self, sorted: &[NodeId], id: NodeId) -> usize {
        sorted.partition_point(|other| self.cid(*other) < self.cid(id))
    }

    fn cid(&self, id: NodeId) -> Option<&Cid> {
        self.node(id).map(|node| &node.cid)
    }
}

impl Node {
    pub(super) const fn last_dot(&self) -> u64 {
        self.first_dot.saturating_add(self.operations.saturating_sub(1))
    }
}
