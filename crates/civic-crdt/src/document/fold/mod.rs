//! The dot store: which operations are live, by path.

mod field;
mod meaning;
mod sequence;
mod state;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use civic_types::{FieldPath, ReplicaId};

pub(super) use field::{Field, Live};
pub(super) use meaning::{FALSE, NULL, TRUE, read};
pub(super) use sequence::{Deletion, InsertNumber, Insertion, Sequence, Side, Span, named_inserts, shorten};
pub(super) use state::StateError;

use self::meaning::Meaning;
use self::sequence::Anchor;
use super::ancestry::Ancestry;
use super::graph::{Graph, NodeId};
use crate::clock::Dot;
use crate::version::{Body, Kind, Operation};

/// An operation: its version and its index there.
pub(super) type OperationId = (NodeId, u16);

/// The live operations of a document, and where the dead ones of texts and lists stood.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    fields: BTreeMap<Arc<FieldPath>, Field>,
    /// Where each live operation stands, so that a kill costs no search.
    places: BTreeMap<OperationId, Arc<FieldPath>>,
    /// Inserts placed and ranges deleted so far: what may be kept of texts and lists beside what lives.
    kept: usize,
}

impl Fields {
    /// Folds one version whose ancestors are folded and whose descendants are not.
    pub(super) fn apply(&mut self, graph: &Graph, id: NodeId, body: &Body) {
        let Some(writer) = graph.node(id).and_then(|node| graph.replica_id(node.replica)) else { return };
        let ancestry = graph.ancestry(id);
        for (index, operation) in (0_u16..).zip(&body.operations) {
            let Some(meaning) = Meaning::of(operation, writer) else { continue };
            let seen = Seen { graph, ancestry: &ancestry, id: (id, index), writer };
            self.apply_one(&seen, operation, meaning);
        }
    }

    /// What stands at exactly this path, if anything is live there.
    pub(super) fn at(&self, path: &FieldPath) -> Option<&Field> {
        self.fields.get(path).filter(|field| field.is_live())
    }

    /// The text or the list at exactly this path, dead elements included.
    pub(super) fn sequence(&self, path: &FieldPath, kind: Kind) -> Option<&Sequence> {
        self.fields.get(path)?.sequence(kind)
    }

    /// Paths with something live at this path or below, ascending.
    pub(super) fn within<'a>(
        &'a self,
        path: &'a FieldPath,
    ) -> impl Iterator<Item = (&'a FieldPath, &'a Field)> {
        let range = self.fields.range::<FieldPath, _>((Bound::Included(path), Bound::Unbounded));
        let within = range.take_while(|(other, _)| other.is_within(path));
        within.map(|(path, field)| (&**path, field)).filter(|(_, field)| field.is_live())
    }

    /// Everything live, ascending by path.
    pub(super) fn all(&self) -> impl Iterator<Item = (&FieldPath, &Field)> {
        self.fields.iter().map(|(path, field)| (&**path, field)).filter(|(_, field)| field.is_live())
    }

    /// About how much is kept: live operations, and the dead inserts and hidden ranges of texts and lists.
    pub(super) fn len(&self) -> usize {
        self.places.len().saturating_add(self.kept)
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = OperationId> + '_ {
        self.places.keys().copied()
    }

    /// Everything that is kept: what is live, and what texts and lists need for their order.
    pub(super) fn needed(&self) -> impl Iterator<Item = OperationId> + '_ {
        let placed = self.fields.values().flat_map(Field::kept).flat_map(|(_, sequence)| sequence.inserts());
        self.operations().chain(placed)
    }

    /// The same of a graph in which the nodes have other numbers.
    pub(super) fn renumbered(&self, number: impl Fn(NodeId) -> NodeId) -> Self {
        let new = |(node, index): OperationId| (number(node), index);
        let fields = self.fields.iter().map(|(path, field)| (path.clone(), field.renumbered(&new)));
        let places = self.places.iter().map(|(id, path)| (new(*id), path.clone()));
        Self { fields: fields.collect(), places: places.collect(), kept: self.kept }
    }

    fn apply_one(&mut self, seen: &Seen<'_>, operation: &Operation, meaning: Meaning) {
        // Nothing may change before it is known that an insert has a place.
        let anchor = match &meaning {
            Meaning::Insert(kind, insertion) => {
                let Some(anchor) = self.resolve(seen, &operation.path, *kind, insertion) else { return };
                anchor
            }
            _ => None,
        };
        if let Meaning::Put(kind) = meaning {
            // Before the kills, so that a field that is written over stays where it is.
            let live = Live { id: seen.id, kind, argument: operation.argument.clone() };
            self.live(seen.id, &operation.path).add(live);
        }
        self.kill(seen, operation);
        match meaning {
            Meaning::Kill | Meaning::Put(_) => {}
            Meaning::Delete(kind, ranges) => {
                self.hide(seen, &operation.path, kind, &ranges);
                self.kept += ranges.len();
            }
            Meaning::Create(kind) => {
                let field = self.live(seen.id, &operation.path);
                field.sequence_mut(kind).into_iter().for_each(|sequence| sequence.create(seen.id));
            }
            Meaning::Insert(kind, insertion) => {
                let field = self.live(seen.id, &operation.path);
                if let Some(sequence) = field.sequence_mut(kind) {
                    sequence.place(seen.id, anchor, insertion);
                    self.kept += 1;
                }
            }
        }
    }

    /// The element that an insert is anchored on, `Some(None)` for the beginning; `None` if there is none.
    fn resolve(
        &self,
        seen: &Seen<'_>,
        path: &FieldPath,
        kind: Kind,
        insertion: &Insertion,
    ) -> Option<Option<Anchor>> {
        let Some((dot, offset)) = insertion.anchor else { return Some(None) };
        let sequence = self.sequence(path, kind)?;
        let found = |id: OperationId| sequence.resolve(id, offset, insertion.side);
        if let Some(own) = seen.own(dot) {
            return found(own).map(Some);
        }
        let cid = |node: NodeId| seen.graph.node(node).map(|node| &node.cid);
        let named = seen.named(dot).filter_map(|id| Some((cid(id.0), found(id)?)));
        named.min_by_key(|(cid, _)| *cid).map(|(_, anchor)| Some(anchor))
    }

    fn hide(&mut self, seen: &Seen<'_>, path: &FieldPath, kind: Kind, ranges: &[Deletion]) {
        if self.sequence(path, kind).is_none() {
            return;
        }
        let Some(sequence) = self.fields.get_mut(path).and_then(|field| field.sequence_mut(kind)) else {
            return;
        };
        for ranges in ranges.chunk_by(|a, b| a.insert == b.insert) {
            let Some(first) = ranges.first() else { continue };
            for id in seen.named(first.insert) {
                ranges.iter().for_each(|range| sequence.hide(id, range.from, range.to));
            }
        }
    }

    /// The field at a path, for a new operation that is live there.
    fn live(&mut self, id: OperationId, path: &FieldPath) -> &mut Field {
        let shared = match self.fields.get_key_value(path) {
            Some((shared, _)) => shared.clone(),
            None => Arc::new(path.clone()),
        };
        self.places.insert(id, shared.clone());
        self.fields.entry(shared).or_default()
    }

    fn kill(&mut self, seen: &Seen<'_>, operation: &Operation) {
        for dot in &operation.kills {
            seen.named(*dot).for_each(|id| self.kill_one(id, operation));
        }
    }

    fn kill_one(&mut self, id: OperationId, operation: &Operation) {
        let Some(path) = self.places.get(&id) else { return };
        let presence = path.segments().is_empty();
        // Presence and fields never kill each other; what is not presence lives at the path or below.
        let reaches = if presence {
            operation.path.segments().is_empty() && operation.kind == Kind::Register.number()
        } else {
            let by_presence = operation.path.segments().is_empty() && operation.kind != Kind::Map.number();
            path.is_within(&operation.path) && !by_presence
        };
        if !reaches {
            return;
        }
        let Some(field) = self.fields.get_mut(path) else { return };
        if field.kill(id) {
            if field.is_empty() {
                self.fields.remove(path);
            }
            self.places.remove(&id);
        }
    }
}

/// An operation that is folded, and what its version has seen.
struct Seen<'a> {
    graph: &'a Graph,
    ancestry: &'a Ancestry<'a>,
    id: OperationId,
    writer: ReplicaId,
}

impl Seen<'_> {
    /// The operations with this dot in ancestors of the version.
    fn named(&self, dot: Dot) -> impl Iterator<Item = OperationId> + '_ {
        let replica = self.graph.replica_number(&dot.replica);
        let nodes = replica.into_iter().flat_map(move |replica| self.ancestry.named(replica, dot.number));
        nodes.filter_map(move |node| {
            let first = self.graph.node(node)?.first_dot;
            Some((node, u16::try_from(dot.number.checked_sub(first)?).ok()?))
        })
    }

    /// The operation with this dot earlier in the same body.
    fn own(&self, dot: Dot) -> Option<OperationId> {
        let (node, index) = self.id;
        let first = self.graph.node(node)?.first_dot;
        let number = dot.number.checked_sub(first).filter(|_| dot.replica == self.writer)?;
        u16::try_from(number).ok().filter(|number| *number < index).map(|number| (node, number))
    }
}

#[cfg(test)]
mod tests;
