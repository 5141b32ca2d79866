use civic_types::Cid;

use super::graph::NodeId;
use super::{Admitted, Document, UnknownVersion};

impl Document {
    /// The versions that somebody lacks who has these heads and wants those, in an order in which each can
    /// be admitted: parents before their children.
    ///
    /// A `have` that is not in the document tells nothing and is left out, since whoever has it may well be
    /// further on.
    ///
    /// # Errors
    ///
    /// [`UnknownVersion`] when a wanted version is not in the document.
    pub fn missing(&self, have: &[Cid], want: &[Cid]) -> Result<Vec<Admitted<'_>>, UnknownVersion> {
        let have: Vec<NodeId> = have.iter().filter_map(|cid| self.graph.find(cid)).collect();
        let want = self.find_all(want)?;
        let held = self.graph.walk(&have);
        let wanted = self.graph.walk(&want);
        let lacking = self.graph.ids().filter(|(id, _)| wanted.contains(*id) && !held.contains(*id));
        Ok(lacking.map(|(_, node)| Admitted::new(&self.graph, node)).collect())
    }
}
