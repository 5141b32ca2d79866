use std::hash::{BuildHasher, RandomState};

use civic_types::Cid;

use super::graph::{Node, NodeId};

/// Finds nodes by their CID: an open table of node numbers.
///
/// Its hash is keyed afresh in every process, so nobody can look for CIDs that meet in one slot; what is
/// found does not depend on the key. The nodes of a small document are looked through instead.
#[derive(Clone, Debug, Default)]
pub(super) struct ByCid {
    /// A power of two, at most three quarters taken.
    slots: Vec<NodeId>,
    key: RandomState,
}

impl ByCid {
    pub(super) fn find(&self, cid: &Cid, nodes: &[Node]) -> Option<NodeId> {
        if self.slots.is_empty() {
            return (0..).zip(nodes).find(|(_, node)| node.cid == *cid).map(|(id, _)| id);
        }
        let mut at = self.start(cid);
        loop {
            let id = self.slots.get(at).copied().filter(|id| *id != FREE)?;
            if nodes.get(id as usize).is_some_and(|node| node.cid == *cid) {
                return Some(id);
            }
            at = self.after(at);
        }
    }

    /// Makes room for as many nodes and forgets those that were entered.
    pub(super) fn reserve(&mut self, nodes: usize) {
        if nodes > LOOKED_THROUGH {
            self.slots = vec![FREE; nodes.saturating_mul(2).next_power_of_two()];
        }
    }

    /// Takes in the last of the nodes.
    pub(super) fn add_last(&mut self, nodes: &[Node]) {
        if self.slots.is_empty() && nodes.len() <= LOOKED_THROUGH {
            return;
        }
        let mut first = NodeId::try_from(nodes.len() - 1).unwrap_or(FREE);
        if nodes.len() > self.slots.len() / 4 * 3 {
            self.reserve(nodes.len());
            first = 0;
        }
        for (id, node) in (first..).zip(nodes.get(first as usize..).unwrap_or_default()) {
            let mut at = self.start(&node.cid);
            while self.slots.get(at).is_some_and(|taken| *taken != FREE) {
                at = self.after(at);
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = id;
            }
        }
    }

    fn start(&self, cid: &Cid) -> usize {
        // Only the low bits count, so a hash that is cut is as good.
        usize::try_from(self.key.hash_one(cid) & u64::from(u32::MAX)).unwrap_or_default() & self.mask()
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & self.mask()
    }

    fn mask(&self) -> usize {
        self.slots.len().saturating_sub(1)
    }
}

/// A slot that no node has.
const FREE: NodeId = NodeId::MAX;

/// Most nodes that are looked through: faster than hashing, and most documents have no more.
const LOOKED_THROUGH: usize = 8;
