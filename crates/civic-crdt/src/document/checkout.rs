use std::borrow::Cow;

use civic_types::{Cid, FieldPath, Value};

use super::fold::Fields;
use super::graph::{Entry, Graph};
use super::{Document, NodeId, content_cid, version_id, view};

/// A document as whoever had seen exactly some versions and their ancestors saw it; for reading, and to
/// plan a write on.
#[derive(Clone, Debug)]
pub struct Past<'a> {
    pub(super) document: &'a Document,
    pub(super) fields: Cow<'a, Fields>,
    /// The versions asked for that are no ancestors of each other, ascending by CID.
    heads: Vec<NodeId>,
}

impl Past<'_> {
    /// The versions that were seen and are no ancestors of each other, ascending.
    #[must_use]
    pub fn heads(&self) -> Vec<Cid> {
        let nodes = self.heads.iter().filter_map(|id| self.document.graph.node(*id));
        nodes.map(|node| node.cid.clone()).collect()
    }

    /// As [`Document::version_id`].
    #[must_use]
    pub fn version_id(&self) -> Option<Cid> {
        version_id(&self.heads(), self.document.hash)
    }

    /// As [`Document::present`].
    #[must_use]
    pub fn present(&self) -> bool {
        view::present(&self.fields, &self.document.graph, self.document.policy)
    }

    /// As [`Document::view`].
    #[must_use]
    pub fn view(&self) -> Option<Value> {
        self.present().then(|| Value::Map(view::fields(&self.fields, &self.document.graph)))
    }

    /// As [`Document::conflicts`].
    #[must_use]
    pub fn conflicts(&self) -> Vec<FieldPath> {
        view::conflicts(&self.fields)
    }

    /// As [`Document::content_cid`].
    #[must_use]
    pub fn content_cid(&self) -> Cid {
        content_cid(self.view(), self.document.hash)
    }
}

/// A version that a base names is not in the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the version {version} is not in the document")]
pub struct UnknownVersion {
    /// The version.
    pub version: Cid,
}

impl Document {
    /// The document at the heads it has now.
    #[must_use]
    pub fn now(&self) -> Past<'_> {
        Past { document: self, fields: Cow::Borrowed(&self.fields), heads: self.graph.heads().to_vec() }
    }

    /// The document as whoever had seen exactly these versions and their ancestors saw it.
    ///
    /// # Errors
    ///
    /// [`UnknownVersion`] when a version is not in the document.
    pub fn at(&self, heads: &[Cid]) -> Result<Past<'_>, UnknownVersion> {
        if self.is_at(heads) {
            return Ok(self.now());
        }
        let from = self.find_all(heads)?;
        let wanted = self.graph.walk(&from);
        let mut fields = Fields::default();
        for (id, _) in self.graph.ids().filter(|(id, _)| wanted.contains(*id)) {
            self.fold(&mut fields, id);
        }
        let heads = self.graph.maximal(&from);
        Ok(Past { document: self, fields: Cow::Owned(fields), heads })
    }

    /// A document of its own that holds exactly these versions and their ancestors: a branch to go on from.
    ///
    /// # Errors
    ///
    /// [`UnknownVersion`] when a version is not in the document.
    pub fn checkout(&self, heads: &[Cid]) -> Result<Self, UnknownVersion> {
        let from = self.find_all(heads)?;
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
            past.fold_in(id);
        }
        Ok(past)
    }

    pub(super) fn find_all(&self, versions: &[Cid]) -> Result<Vec<NodeId>, UnknownVersion> {
        let find = |cid: &Cid| self.graph.find(cid).ok_or_else(|| UnknownVersion { version: cid.clone() });
        versions.iter().map(find).collect()
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
