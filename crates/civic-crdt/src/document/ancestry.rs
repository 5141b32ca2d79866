//! Who is an ancestor of whom, by counts where they tell and by walking where they do not.

use std::cell::RefCell;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use civic_types::limits::MAX_OPERATIONS;

use super::clock::Last;
use super::graph::{Graph, NodeId, Writer};

/// The ancestors of one version; walked only where counts do not tell, and only as far as is asked.
#[derive(Debug)]
pub(super) struct Ancestry<'a> {
    graph: &'a Graph,
    parents: &'a [NodeId],
    walked: RefCell<Option<Walked<'a>>>,
}

impl<'a> Ancestry<'a> {
    pub(super) const fn new(graph: &'a Graph, parents: &'a [NodeId]) -> Self {
        Self { graph, parents, walked: RefCell::new(None) }
    }

    /// The ancestors that have an operation with this dot: more than one only after a fork.
    pub(super) fn named(&self, replica: u32, number: u64) -> impl Iterator<Item = NodeId> + '_ {
        let counted = self.graph.counted(self.parents, replica);
        let writer = self.graph.writer(replica).filter(|_| reaches(counted.as_ref().ok(), number));
        let told = counted.is_ok() && writer.is_some_and(|writer| !writer.forked);
        let named = writer.into_iter().flat_map(move |writer| self.graph.named(writer, number));
        named.filter(move |id| told || self.contains(*id))
    }

    fn contains(&self, id: NodeId) -> bool {
        let mut walked = self.walked.borrow_mut();
        walked.get_or_insert_with(|| Walked::new(self.graph, self.parents)).contains(id)
    }
}

impl Graph {
    /// The ancestors of one node, for questions about dots.
    pub(super) fn ancestry(&self, id: NodeId) -> Ancestry<'_> {
        Ancestry::new(self, self.node(id).map(|node| self.parents(node)).unwrap_or_default())
    }

    /// Whether `ancestor` is `descendant` or one of its ancestors.
    pub(super) fn covers(&self, descendant: NodeId, ancestor: NodeId) -> bool {
        if descendant == ancestor {
            return true;
        }
        let Some(node) = self.node(ancestor).filter(|_| ancestor < descendant) else { return false };
        self.ancestry(descendant).named(node.replica, node.first_dot).any(|id| id == ancestor)
    }

    /// These nodes and all their ancestors.
    pub(super) fn walk(&self, from: &[NodeId]) -> NodeSet {
        let mut set = NodeSet::default();
        let mut open: Vec<NodeId> = from.to_vec();
        while let Some(id) = open.pop() {
            if set.insert(id) {
                open.extend(self.node(id).map(|node| self.parents(node)).unwrap_or_default());
            }
        }
        set
    }

    /// These nodes and all their ancestors, from the greatest number down.
    pub(super) fn descent(&self, from: &[NodeId]) -> Descent<'_> {
        Descent { graph: self, open: from.iter().copied().collect() }
    }

    /// Those of some nodes that are no ancestors of others among them, ascending by CID, each once.
    pub(super) fn maximal(&self, nodes: &[NodeId]) -> Vec<NodeId> {
        let mut found: Vec<NodeId> = nodes.to_vec();
        found.sort_unstable_by_key(|id| self.cid(*id));
        found.dedup();
        if found.len() > 1 {
            let nodes = found.iter().filter_map(|id| self.node(*id));
            let parents: Vec<NodeId> = nodes.flat_map(|node| self.parents(node)).copied().collect();
            let mut below = Walked::new(self, &parents);
            found.retain(|id| !below.contains(*id));
        }
        found
    }

    /// A replica's versions with an operation of this dot.
    pub(super) fn named<'a>(
        &'a self,
        writer: &'a Writer,
        number: u64,
    ) -> impl Iterator<Item = NodeId> + use<'a> {
        let first_dot = |id: NodeId| self.node(id).map_or(0, |node| node.first_dot);
        let end = writer.versions.partition_point(|id| first_dot(*id) <= number);
        let candidates = writer.versions.get(..end).unwrap_or_default().iter().rev().copied();
        candidates
            .take(if writer.forked { usize::MAX } else { 1 })
            .take_while(move |id| number - first_dot(*id) < MAX_OPERATIONS)
            .filter(move |id| self.node(*id).is_some_and(|node| number <= node.last_dot()))
    }
}

/// Whether counts leave open that a dot was seen.
fn reaches(counted: Option<&Option<Last>>, number: u64) -> bool {
    counted.is_none_or(|last| last.is_some_and(|(dot, _)| number <= dot))
}

/// Walks down from some nodes, each once.
#[derive(Clone, Debug)]
pub(super) struct Descent<'a> {
    graph: &'a Graph,
    /// What was reached and not yet given.
    open: BinaryHeap<NodeId>,
}

impl Descent<'_> {
    /// The next node, unless its number is below `floor`.
    pub(super) fn next_from(&mut self, floor: NodeId) -> Option<NodeId> {
        let id = *self.open.peek().filter(|id| **id >= floor)?;
        while let Some(top) = self.open.peek_mut().filter(|top| **top == id) {
            PeekMut::pop(top);
        }
        let node = self.graph.node(id)?;
        self.open.extend(self.graph.parents(node));
        Some(id)
    }

    /// Whether all of these, ascending, were reached and not yet given.
    pub(super) fn has_reached(&self, nodes: &[NodeId]) -> bool {
        nodes.len() <= self.open.len() && {
            let mut open: Vec<NodeId> = self.open.iter().copied().collect();
            open.sort_unstable();
            nodes.iter().all(|id| open.binary_search(id).is_ok())
        }
    }
}

/// Nodes that were met on the way down, descending.
#[derive(Debug)]
struct Walked<'a> {
    descent: Descent<'a>,
    met: Vec<NodeId>,
}

impl<'a> Walked<'a> {
    fn new(graph: &'a Graph, from: &[NodeId]) -> Self {
        Self { descent: graph.descent(from), met: Vec::new() }
    }

    fn contains(&mut self, id: NodeId) -> bool {
        while let Some(next) = self.descent.next_from(id) {
            self.met.push(next);
        }
        self.met.binary_search_by(|met| id.cmp(met)).is_ok()
    }
}

/// A set of nodes, one bit each.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeSet(Vec<u64>);

impl NodeSet {
    /// Adds a node and says whether it is new.
    pub(super) fn insert(&mut self, id: NodeId) -> bool {
        let (word, bit) = (id as usize / 64, 1 << (id % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let Some(word) = self.0.get_mut(word) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    pub(super) fn contains(&self, id: NodeId) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }
}
