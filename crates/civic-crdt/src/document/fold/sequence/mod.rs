//! [`Sequence`]: the elements of one text or one list, in the order of Fugue.
//!
//! Elements form a tree, which grows and never changes: where an insert stands was settled by its writer.
//! Folding only notes it; the order is made in one walk of the tree when somebody reads. So an insert
//! costs the same wherever it stands, and no shape of tree is worse than another. Source: M. Weidner and
//! M. Kleppmann, *The Art of the Fugue: Minimizing Interleaving in Collaborative Text Editing*, 2023.

mod argument;
mod order;
mod read;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;

use super::OperationId;
use crate::document::graph::Graph;

pub(in crate::document) use argument::{Deletion, Insertion, Side, named_inserts, shorten};
pub(in crate::document) use order::Span;

/// All inserts of one kind at one path, those that no longer live included: others may be anchored on them.
#[derive(Clone, Debug, Default)]
pub(in crate::document) struct Sequence {
    /// In order of placing, so anchors come before what is anchored on them.
    inserts: Vec<Insert>,
    numbers: BTreeMap<OperationId, InsertNumber>,
    /// Live creates.
    creates: BTreeSet<OperationId>,
    /// Number of live inserts.
    live: usize,
    /// Hidden elements of live inserts: ranges by insert and start, with their end; they neither overlap
    /// nor touch.
    hidden: BTreeMap<(InsertNumber, u32), u32>,
}

/// Place in the list of inserts.
pub(in crate::document) type InsertNumber = u32;

#[derive(Clone, Debug)]
struct Insert {
    id: OperationId,
    /// `None` for the beginning, which is always on the right.
    anchor: Option<Anchor>,
    /// Number of elements, at least one.
    length: u32,
    /// The elements' canonical bytes while the insert lives.
    content: Option<Bytes>,
}

/// Where an insert stands: beside an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::document) struct Anchor {
    pub(in crate::document) insert: InsertNumber,
    pub(in crate::document) offset: u32,
    pub(in crate::document) side: Side,
}

impl Sequence {
    /// Places an insert, which lives until it is killed. The anchor was [resolved](Self::resolve) here.
    pub(super) fn place(&mut self, id: OperationId, anchor: Option<Anchor>, insertion: Insertion) {
        let number = InsertNumber::try_from(self.inserts.len()).unwrap_or(InsertNumber::MAX);
        let Insertion { length, content, .. } = insertion;
        self.inserts.push(Insert { id, anchor, length, content: Some(content) });
        self.numbers.insert(id, number);
        self.live += 1;
    }

    pub(super) fn create(&mut self, id: OperationId) {
        self.creates.insert(id);
    }

    /// Whether the operation is placed or a live create.
    pub(super) fn holds(&self, id: OperationId) -> bool {
        self.numbers.contains_key(&id) || self.creates.contains(&id)
    }

    /// Ends a live operation and says whether it did. An insert keeps its place.
    pub(super) fn kill(&mut self, id: OperationId) -> bool {
        let Some(number) = self.numbers.get(&id).copied() else { return self.creates.remove(&id) };
        let killed = self.insert_mut(number).is_some_and(|insert| insert.content.take().is_some());
        if killed {
            self.live -= 1;
            let hidden: Vec<u32> = self.hidden_in(number, 0..u32::MAX).map(|range| range.start).collect();
            for from in hidden {
                self.hidden.remove(&(number, from));
            }
        }
        killed
    }

    /// The element at an offset of a placed insert; `None` if there is none.
    pub(super) fn resolve(&self, id: OperationId, offset: u64, side: Side) -> Option<Anchor> {
        let insert = *self.numbers.get(&id)?;
        let offset = u32::try_from(offset).ok()?;
        (offset < self.insert(insert)?.length).then_some(Anchor { insert, offset, side })
    }

    /// Hides elements of an insert, as far as it is placed here, lives and has them.
    pub(super) fn hide(&mut self, id: OperationId, from: u64, to: u64) {
        let Some(number) = self.numbers.get(&id).copied() else { return };
        let Some(insert) = self.insert(number).filter(|insert| insert.content.is_some()) else { return };
        let within = |offset: u64| u32::try_from(offset).map_or(insert.length, |it| it.min(insert.length));
        let (mut from, mut to) = (within(from), within(to));
        if from >= to {
            return;
        }
        if let Some(before) = self.hidden_at(number, from) {
            (from, to) = (before.start, to.max(before.end));
        }
        // Ranges that start inside or at the end of the new one become part of it.
        while let Some((&(insert, start), &end)) = self.hidden.range((number, from)..=(number, to)).next() {
            self.hidden.remove(&(insert, start));
            to = to.max(end);
        }
        self.hidden.insert((number, from), to);
    }

    /// Whether anything lives: an empty text that was created does.
    pub(in crate::document) fn is_live(&self) -> bool {
        self.live > 0 || !self.creates.is_empty()
    }

    /// Number of inserts and of hidden ranges.
    pub(super) fn kept(&self) -> usize {
        self.inserts.len() + self.hidden.len()
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.inserts.is_empty() && self.creates.is_empty()
    }

    /// The operations that live.
    pub(in crate::document) fn operations(&self) -> impl Iterator<Item = OperationId> {
        let inserts = self.inserts.iter().filter(|insert| insert.content.is_some());
        self.creates.iter().copied().chain(inserts.map(|insert| insert.id))
    }

    /// All placed inserts, dead ones too.
    pub(in crate::document) fn inserts(&self) -> impl Iterator<Item = OperationId> {
        self.inserts.iter().map(|insert| insert.id)
    }

    /// The same with other names of the operations.
    pub(super) fn renumbered(&self, new: &impl Fn(OperationId) -> OperationId) -> Self {
        let mut renumbered = self.clone();
        renumbered.inserts.iter_mut().for_each(|insert| insert.id = new(insert.id));
        renumbered.numbers = self.numbers.iter().map(|(id, number)| (new(*id), *number)).collect();
        renumbered.creates = self.creates.iter().map(|id| new(*id)).collect();
        renumbered
    }

    /// The operation and length of a placed insert.
    pub(in crate::document) fn placed(&self, number: InsertNumber) -> Option<(OperationId, u32)> {
        self.insert(number).map(|insert| (insert.id, insert.length))
    }

    /// Whether an anchor with this insert's dot means it, for whoever has seen just what is here: after a
    /// fork it may mean another.
    pub(in crate::document) fn is_meant(&self, graph: &Graph, insert: InsertNumber, offset: u32) -> bool {
        let Some((id, _)) = self.placed(insert) else { return false };
        let forked = |id: OperationId| graph.writer(graph.node(id.0)?.replica).map(|writer| writer.forked);
        if forked(id) == Some(false) {
            return true;
        }
        let dot = graph.dot(id.0, id.1);
        let twins = self.inserts.iter().filter(|it| offset < it.length && graph.dot(it.id.0, it.id.1) == dot);
        let cid = |id: OperationId| graph.node(id.0).map(|node| &node.cid);
        twins.min_by_key(|twin| cid(twin.id)).is_some_and(|meant| meant.id == id)
    }

    /// Where the placed inserts stand; `None` for the beginning.
    pub(in crate::document) fn anchors(&self) -> impl Iterator<Item = Option<Anchor>> {
        self.inserts.iter().map(|insert| insert.anchor)
    }

    fn insert(&self, number: InsertNumber) -> Option<&Insert> {
        self.inserts.get(number as usize)
    }

    fn insert_mut(&mut self, number: InsertNumber) -> Option<&mut Insert> {
        self.inserts.get_mut(number as usize)
    }

    /// The hidden range that holds an element or ends before it.
    fn hidden_at(&self, number: InsertNumber, offset: u32) -> Option<Range<u32>> {
        let (&(insert, from), &to) = self.hidden.range(..=(number, offset)).next_back()?;
        (insert == number && to >= offset).then_some(from..to)
    }

    /// The hidden ranges that start among some elements of an insert, ascending.
    fn hidden_in(&self, number: InsertNumber, elements: Range<u32>) -> impl Iterator<Item = Range<u32>> {
        let found = self.hidden.range((number, elements.start)..(number, elements.end));
        found.map(|(&(_, from), &to)| from..to)
    }
}
