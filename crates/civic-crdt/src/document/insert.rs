//! Versions and bodies coming in: admission, then the fold.

use civic_types::cid::DAG_CBOR;
use civic_types::{Cid, DocumentKey};

use super::fold::Fields;
use super::graph::{Entry, NodeId};
use super::{BodiesNeeded, BodyState, Document};
use crate::merge::Effect;
use crate::version::{Admission, Body, Refusal, Version};

impl Document {
    /// Admits a version and folds its body. Authenticity is the caller's to check.
    ///
    /// The first version says which document this is. A version that is known already changes nothing,
    /// not even with another body state: that is [`body_arrived`](Self::body_arrived).
    pub fn insert(&mut self, version: &Version, body: BodyState) -> Admission {
        let parents = match self.judge(version) {
            Ok(parents) => parents,
            Err(admission) => return admission,
        };
        let header = version.header();
        self.key.get_or_insert_with(|| version.key());
        self.checkpoint();
        let id = self.graph.push(Entry {
            cid: version.cid().clone(),
            replica: header.replica,
            position: header.position,
            first_dot: header.first_dot,
            operations: header.operations,
            stamp: header.stamp,
            parents: &parents,
            body: if body == BodyState::Stored { BodyState::Missing } else { body },
        });
        self.fold_newest(id);
        Admission::Admitted
    }

    /// Takes the body of a version whose body was missing, unreadable, or not kept.
    ///
    /// `body` is in clear; that it belongs to the version (the block hashes to the header's link, the
    /// ciphertext opened) is the caller's to check. A version is judged anew as if the body had always
    /// been here. A body that was folded before changes nothing and is kept for reading the past.
    ///
    /// # Errors
    ///
    /// [`BodiesNeeded`] when later versions must be judged anew whose bodies are not in memory: bring
    /// those, then this one again. Nothing has changed.
    pub fn body_arrived(&mut self, version: &Cid, body: BodyState) -> Result<Effect, BodiesNeeded> {
        let Some((id, node)) = self.graph.find(version).and_then(|id| Some((id, self.graph.node(id)?)))
        else {
            return Ok(Effect::Unchanged);
        };
        match (&node.body, &body) {
            (BodyState::Readable(_), _) | (_, BodyState::Stored) => return Ok(Effect::Unchanged),
            (held, body) if held == body => return Ok(Effect::Unchanged),
            (BodyState::Stored, BodyState::Readable(_)) => {
                self.graph.set_body(id, body);
                return Ok(Effect::Unchanged);
            }
            (BodyState::Stored, _) => return Ok(Effect::Unchanged),
            (_, BodyState::Readable(_)) => {}
            _ => {
                self.graph.set_body(id, body);
                return Ok(Effect::Changed);
            }
        }
        let is_head = self.graph.heads().contains(&id);
        if !is_head {
            // Descendants may kill what it adds, so they are folded again behind it.
            self.need_bodies(self.refolded(id))?;
        }
        self.graph.set_body(id, body);
        if is_head {
            self.fold_head(id)
        } else {
            self.refold(id)
        }
        Ok(Effect::Changed)
    }

    /// Lets go of the bytes of bodies that are folded.
    ///
    /// Everything goes on as before, but reading the past may need some of them back: [`BodiesNeeded`].
    pub fn forget_bodies(&mut self) {
        self.graph.forget_bodies();
        self.checkpoints.make_due();
    }

    /// What [`insert`](Self::insert) would say; changes nothing.
    pub fn admit(&self, version: &Version) -> Admission {
        self.judge(version).err().unwrap_or(Admission::Admitted)
    }

    /// The parents of a version that can be admitted.
    fn judge(&self, version: &Version) -> Result<Vec<NodeId>, Admission> {
        let header = version.header();
        if self.contains(version.cid()) {
            return Err(Admission::Known);
        }
        let same = |key: &DocumentKey| key.collection == header.collection && key.document == header.document;
        if !self.key.as_ref().is_none_or(same) || !version.cid().is(DAG_CBOR, self.hash) {
            return Err(Admission::Refused(Refusal::OtherDocument));
        }
        let mut parents = Vec::with_capacity(header.parents.len());
        let mut missing = Vec::new();
        for parent in &header.parents {
            match self.graph.find(parent) {
                Some(id) => parents.push(id),
                None => missing.push(parent.clone()),
            }
        }
        if !missing.is_empty() {
            return Err(Admission::Parked { missing });
        }
        if self.floor > 0 && !parents.iter().any(|parent| parent + 1 >= self.floor) {
            return Err(Admission::Refused(Refusal::Pruned));
        }
        let seen = self.graph.seen(&parents, &header.replica);
        let want = seen.map_or(1, |(dot, _)| dot.saturating_add(1));
        if header.first_dot != want {
            return Err(Admission::Refused(Refusal::FirstDot { got: header.first_dot, want }));
        }
        match seen {
            Some((_, last)) if header.stamp <= last => {
                Err(Admission::Refused(Refusal::Stamp { got: header.stamp, last }))
            }
            _ => Ok(parents),
        }
    }

    /// Folds one version into `fields`, which hold its ancestors and none of its descendants; gives the
    /// number of its operations that count.
    pub(super) fn fold(&self, fields: &mut Fields, id: NodeId) -> usize {
        let Some(node) = self.graph.node(id) else { return 0 };
        let BodyState::Readable(bytes) = &node.body else { return 0 };
        // A body that breaks the grammar or does not hold what the header says is a no-op whole.
        let Ok(body) = Body::decode(bytes) else { return 0 };
        if u64::try_from(body.operations.len()) != Ok(node.operations()) {
            return 0;
        }
        fields.apply(&self.graph, id, &body);
        body.operations.len()
    }
}
