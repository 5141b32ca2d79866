use civic_types::Cid;

use super::fold::Fields;
use super::graph::{Entry, Graph};
use super::{Document, NodeId};

/// A version that a base names is not in the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the version {version} is not in the document")]
pub struct UnknownVersion {
    /// The version.
    pub version: Cid,
}

impl Document {
    /// The document as whoever had seen exactly these versions and their ancestors saw it.
    ///
    /// # Errors
    ///
    /// [`UnknownVersion`] when a version is not in the document.
    pub fn checkout(&self, heads: &[Cid]) -> Result<Self, UnknownVersion> {
        let mut from: Vec<NodeId> = Vec::with_capacity(heads.len());
        for head in heads {
            from.push(self.graph.find(head).ok_or_else(|| UnknownVersion { version: head.clone() })?);
        }
        let wanted = self.graph.walk(&from);
        let key = self.key.clone().filter(|_| !from.is_empty());
        let mut past = Self {
            policy: self.policy,
            hash: self.hash,
            key,
            graph: Graph::default(),
            fields: Fields::default(),
        };
        for (_, node) in self.graph.ids().filter(|(id, _)| wanted.contains(*id)) {
            let parents =
                node.parents.iter().filter_map(|id| past.graph.find(&self.graph.node(*id)?.cid)).collect();
            let Some(replica) = self.graph.replica_id(node.replica) else { continue };
            let id = past.graph.push(Entry {
                cid: node.cid.clone(),
                replica,
                position: node.position,
                first_dot: node.first_dot,
                operations: node.operations,
                stamp: node.stamp,
                parents,
                body: node.body.clone(),
            });
            past.fold(id);
        }
        Ok(past)
    }

    /// Whether these are exactly the heads.
    pub(super) fn is_at(&self, heads: &[Cid]) -> bool {
        let own = self.graph.heads();
        own.len() == heads.len()
            && own
                .iter()
                .zip(heads)
                .all(|(id, head)| self.graph.node(*id).is_some_and(|node| node.cid == *head))
    }
}
