//! Earlier states of the fold, so that the past is read without replaying all of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Document;
use super::fold::Fields;
use super::graph::NodeId;

/// What the first versions add up to.
///
/// Parents have smaller numbers than their children, so the first `nodes` nodes are a document of their own.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    pub(super) nodes: NodeId,
    /// Of the first nodes those without children among them, ascending.
    heads: Box<[NodeId]>,
    pub(super) fields: Fields,
}

/// The checkpoints of a document, ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Checkpoints {
    taken: Vec<Arc<Checkpoint>>,
    /// Versions and operations folded since the last; [`usize::MAX`] if their bodies are not at hand.
    folded: usize,
}

impl Checkpoints {
    /// Makes a checkpoint due, since what was folded before cannot be folded again.
    pub(super) const fn make_due(&mut self) {
        self.folded = usize::MAX;
    }

    /// Whether so much was folded since the last that all checkpoints together stay smaller than what
    /// was folded.
    fn is_due(&self, nodes: NodeId, size: usize) -> bool {
        let versions = nodes - self.taken.last().map_or(0, |last| last.nodes);
        self.folded == usize::MAX || (versions >= MIN_VERSIONS && self.folded >= size)
    }

    fn take(&mut self, nodes: NodeId, mut heads: Vec<NodeId>, fields: &Fields) {
        heads.sort_unstable();
        self.taken.push(Arc::new(Checkpoint { nodes, heads: heads.into(), fields: fields.clone() }));
        self.folded = 0;
    }

    fn count(&mut self, operations: usize) {
        self.folded = self.folded.saturating_add(operations).saturating_add(1);
    }
}

impl Document {
    /// Folds a version that was just admitted.
    pub(super) fn fold_newest(&mut self, id: NodeId) {
        let mut fields = std::mem::take(&mut self.fields);
        let folded = self.fold(&mut fields, id);
        self.fields = fields;
        self.checkpoints.count(folded);
    }

    /// Takes a checkpoint of what there is if one is due; to be called before a version is admitted.
    pub(super) fn checkpoint(&mut self) {
        let (nodes, heads) = (self.graph.len(), self.graph.heads());
        if nodes > 0 && self.checkpoints.is_due(nodes, self.fields.len() + heads.len()) {
            self.checkpoints.take(nodes, heads.to_vec(), &self.fields);
        }
    }

    /// The last checkpoint with nothing but ancestors of these nodes, themselves included, and what is to
    /// be folded behind it, ascending.
    pub(super) fn nearest_checkpoint(&self, from: &[NodeId]) -> (Option<&Checkpoint>, Vec<NodeId>) {
        let mut descent = self.graph.descent(from);
        let mut rest = Vec::new();
        let mut start = None;
        for checkpoint in self.checkpoints.taken.iter().rev() {
            rest.extend(std::iter::from_fn(|| descent.next_from(checkpoint.nodes)));
            if descent.has_reached(&checkpoint.heads) {
                start = Some(&**checkpoint);
                break;
            }
        }
        if start.is_none() {
            rest.extend(std::iter::from_fn(|| descent.next_from(0)));
        }
        rest.reverse();
        (start, rest)
    }

    /// Folds a head whose body was not read before, here and in the checkpoints that hold it: nothing kills
    /// what it adds.
    pub(super) fn fold_head(&mut self, id: NodeId) {
        let mut checkpoints = std::mem::take(&mut self.checkpoints);
        for checkpoint in checkpoints.taken.iter_mut().filter(|checkpoint| checkpoint.nodes > id) {
            self.fold(&mut Arc::make_mut(checkpoint).fields, id);
        }
        self.checkpoints = checkpoints;
        self.fold_newest(id);
    }

    /// The versions that [`refold`](Self::refold) folds.
    pub(super) fn refolded(&self, id: NodeId) -> std::ops::Range<NodeId> {
        self.before(id).map_or(0, |checkpoint| checkpoint.nodes)..self.graph.len()
    }

    /// Folds a version whose body was not read before, and everything behind the checkpoint before it.
    pub(super) fn refold(&mut self, id: NodeId) {
        let again = self.refolded(id);
        let start = self.before(id).cloned();
        self.checkpoints.taken.retain(|checkpoint| checkpoint.nodes <= id);
        self.checkpoints.folded = 0;
        let (mut heads, mut fields) = start.map_or_else(Default::default, |checkpoint| {
            (checkpoint.heads.iter().copied().collect::<BTreeSet<_>>(), checkpoint.fields.clone())
        });
        for id in again {
            if id > 0 && self.checkpoints.is_due(id, fields.len() + heads.len()) {
                self.checkpoints.take(id, heads.iter().copied().collect(), &fields);
            }
            let folded = self.fold(&mut fields, id);
            self.checkpoints.count(folded);
            let parents = self.graph.node(id).map(|node| self.graph.parents(node)).unwrap_or_default();
            for parent in parents {
                heads.remove(parent);
            }
            heads.insert(id);
        }
        self.fields = fields;
    }

    fn before(&self, id: NodeId) -> Option<&Arc<Checkpoint>> {
        self.checkpoints.taken.iter().rev().find(|checkpoint| checkpoint.nodes <= id)
    }
}

/// Fewest versions between two checkpoints: as many are folded again well within a millisecond.
const MIN_VERSIONS: NodeId = 64;
