//! What a document comes to without its history: for pruning, and for devices that come back after it.

use std::collections::BTreeSet;

use civic_types::{Cid, HashAlgorithm};

use super::graph::{Entry, NodeId};
use super::{BodyState, Document, Incomplete, PastError};

/// A document up to one version, in place of that version and all its ancestors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last version that every later one has seen.
    pub version: Cid,
    /// What [`Document::from_snapshot`] takes; the same for all who hold the same versions.
    pub bytes: Vec<u8>,
}

impl Snapshot {
    /// The CID of the bytes, in a collection with this hash.
    #[must_use]
    pub fn cid(&self, hash: HashAlgorithm) -> Cid {
        Cid::dag_cbor(hash, &self.bytes)
    }
}

/// Why there is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Some versions could not be read here: others may have read them.
    #[error("versions could not be read, so nobody knows what the document comes to")]
    Incomplete(Incomplete),
    /// Bodies of some versions are not in memory.
    #[error(transparent)]
    Past(#[from] PastError),
}

impl Document {
    /// The snapshot to prune by; `None` while no version was seen by all later ones, as where devices that
    /// have not met began the document apart.
    ///
    /// What it holds comes back by [`from_snapshot`](Self::from_snapshot); then those versions are inserted that are no ancestors
    /// of its version ([`missing`](Self::missing) names them), and the document is what it was: it shows the
    /// same and takes the same new versions. Its older versions are gone: those with live operations, those
    /// that texts and lists need for their order, and the last of each replica stay as headers. A version that
    /// has not seen the snapshot's is refused, or waits for parents that are gone.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: versions were not readable, or bodies are not in memory.
    pub fn snapshot(&self) -> Result<Option<Snapshot>, SnapshotError> {
        if let Some(incomplete) = self.incomplete() {
            return Err(SnapshotError::Incomplete(incomplete));
        }
        let Some(last) = self.last_seen_by_all() else { return Ok(None) };
        let Some(version) = self.graph.cid(last).cloned() else { return Ok(None) };
        let past = self.at(std::slice::from_ref(&version))?;
        let kept = self.kept(last, past.fields.needed());
        let mut pruned = Self { key: self.key.clone(), ..Self::new(self.policy, self.hash) };
        let mut before: Option<NodeId> = None;
        for id in &kept {
            let Some(node) = self.graph.node(*id) else { continue };
            let Some(replica) = self.graph.replica_id(node.replica) else { continue };
            before = Some(pruned.graph.push(Entry {
                cid: node.cid.clone(),
                replica,
                position: node.position,
                first_dot: node.first_dot,
                operations: node.operations(),
                stamp: node.stamp,
                // Each has seen the one before, and so whoever has seen the last has seen all.
                parents: before.as_slice(),
                body: BodyState::Stored,
            }));
        }
        let number = |id: NodeId| {
            let at = self.graph.cid(id).and_then(|cid| pruned.graph.find(cid));
            at.unwrap_or_default()
        };
        pruned.floor = pruned.graph.len();
        pruned.fields = past.fields.renumbered(number);
        Ok(Some(Snapshot { version, bytes: pruned.encode() }))
    }

    /// The newest version of which every other is an ancestor or a descendant.
    fn last_seen_by_all(&self) -> Option<NodeId> {
        // A version stands behind all its ancestors and before all its descendants. So it is such a one iff
        // nothing up to it has no child up to it but itself, and nothing behind it has a parent before it.
        let mut childless: BTreeSet<NodeId> = BTreeSet::new();
        let mut joins = Vec::new();
        for (id, node) in self.graph.ids() {
            for parent in self.graph.parents(node) {
                childless.remove(parent);
            }
            childless.insert(id);
            if childless.len() == 1 {
                joins.push(id);
            }
        }
        let mut earliest = self.graph.len();
        let mut behind = self.graph.len();
        while let Some(id) = joins.pop() {
            for later in id + 1..behind {
                let parents = self.graph.node(later).map(|node| self.graph.parents(node)).unwrap_or_default();
                // One without parents has seen nothing.
                earliest = earliest.min(*parents.iter().min()?);
            }
            behind = id + 1;
            if earliest >= id {
                return Some(id);
            }
        }
        None
    }

    /// The versions up to `last` that a snapshot keeps, in an order that their ancestry alone makes: by the
    /// longest way to a version without parents, then by CID.
    fn kept(&self, last: NodeId, live: impl Iterator<Item = (NodeId, u16)>) -> Vec<NodeId> {
        let mut kept: BTreeSet<NodeId> = live.map(|(id, _)| id).chain([last]).collect();
        for replica in self.graph.writers() {
            let own = || self.graph.versions_of(replica).filter(|id| *id <= last);
            kept.extend(own().max_by_key(|id| self.graph.node(*id).map(|node| (node.last_dot(), &node.cid))));
            kept.extend(own().max_by_key(|id| self.graph.node(*id).map(|node| (node.stamp, &node.cid))));
        }
        let mut depths: Vec<u32> = Vec::new();
        for (_, node) in self.graph.ids() {
            let above = self.graph.parents(node).iter().filter_map(|parent| depths.get(*parent as usize));
            depths.push(above.max().map_or(0, |depth| depth + 1));
        }
        let mut kept: Vec<NodeId> = kept.into_iter().collect();
        kept.sort_unstable_by_key(|id| (depths.get(*id as usize), self.graph.cid(*id)));
        kept
    }
}
