//! Who is an ancestor of whom, by counts where they tell and by walking where they do not.

use std::cell::OnceCell;

use civic_types::limits::MAX_OPERATIONS;
use civic_types::time::Stamp;

use super::graph::{Graph, NodeId};

/// The greatest dot and stamp of one replica among some versions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) replica: u32,
    pub(super) dot: u64,
    pub(super) stamp: Stamp,
}

pub(super) fn find(past: &[Seen], replica: u32) -> Option<&Seen> {
    past.get(past.binary_search_by_key(&replica, |seen| seen.replica).ok()?)
}

/// The ancestors of one version; walked only where counts do not tell.
#[derive(Debug)]
pub(super) struct Ancestry<'a> {
    graph: &'a Graph,
    parents: &'a [NodeId],
    past: Option<&'a [Seen]>,
    walked: OnceCell<NodeSet>,
}

impl<'a> Ancestry<'a> {
    pub(super) const fn new(graph: &'a Graph, parents: &'a [NodeId], past: Option<&'a [Seen]>) -> Self {
        Self { graph, parents, past, walked: OnceCell::new() }
    }

    /// The ancestors that have an operation with this dot: more than one only after a fork.
    pub(super) fn named(&self, replica: u32, number: u64) -> impl Iterator<Item = NodeId> + '_ {
        let writer = self.graph.writer(replica);
        let below = self.past.is_some_and(|past| find(past, replica).is_none_or(|seen| seen.dot < number));
        let versions = writer.filter(|_| !below).map(|writer| writer.versions.as_slice()).unwrap_or_default();
        let counted = self.past.is_some() && writer.is_some_and(|writer| !writer.forked);
        let end = versions.partition_point(|(first, _)| *first <= number);
        let candidates = versions.get(..end).unwrap_or_default().iter().rev();
        candidates
            .take_while(move |(first, _)| number - first < MAX_OPERATIONS)
            .map(|(_, id)| *id)
            .filter(move |id| self.graph.node(*id).is_some_and(|node| number <= node.last_dot()))
            .filter(move |id| counted || self.walked().contains(*id))
    }

    fn walked(&self) -> &NodeSet {
        self.walked.get_or_init(|| self.graph.walk(self.parents))
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
