use std::collections::BTreeMap;

use civic_types::{Cid, ReplicaId};

use super::Document;

/// Proof that a replica wrote twice under one number: two headers that it signed for one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fork {
    /// Who forked.
    pub replica: ReplicaId,
    /// The version with the smaller CID.
    pub first: Cid,
    /// The version with the greater CID.
    pub second: Cid,
}

impl Document {
    /// Pairs of versions of one replica that share their position or their first dot, ascending.
    ///
    /// Both stay and both count; of more than two versions at one place each is paired with the least.
    #[must_use]
    pub fn forks(&self) -> Vec<Fork> {
        let mut forks = Vec::new();
        for replica in self.graph.writers() {
            let mut positions: BTreeMap<u64, Vec<&Cid>> = BTreeMap::new();
            let mut dots: BTreeMap<u64, Vec<&Cid>> = BTreeMap::new();
            for node in self.graph.versions_of(replica).filter_map(|id| self.graph.node(id)) {
                positions.entry(node.position).or_default().push(&node.cid);
                dots.entry(node.first_dot).or_default().push(&node.cid);
            }
            for mut cids in positions.into_values().chain(dots.into_values()) {
                cids.sort();
                let Some((first, others)) = cids.split_first() else { continue };
                forks.extend(others.iter().map(|second| Fork {
                    replica,
                    first: (*first).clone(),
                    second: (*second).clone(),
                }));
            }
        }
        forks.sort();
        forks.dedup();
        forks
    }
}
