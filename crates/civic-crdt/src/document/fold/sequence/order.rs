//! From the tree to a line.

use civic_types::Cid;

use super::{Anchor, Insert, InsertNumber, Sequence, Side};
use crate::clock::Dot;
use crate::document::graph::Graph;

/// Elements of one insert that follow each other: all shown or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::document) struct Span {
    pub(in crate::document) insert: InsertNumber,
    pub(in crate::document) from: u32,
    /// Greater than `from`.
    pub(in crate::document) to: u32,
    pub(in crate::document) shown: bool,
}

impl Sequence {
    /// All elements, in order. The spans of one insert ascend.
    pub(in crate::document) fn spans(&self, graph: &Graph) -> Vec<Span> {
        let mut spans = Vec::with_capacity(self.inserts.len());
        for span in Walk::new(self, graph).run() {
            self.cut(span, &mut spans);
        }
        spans
    }

    /// Parts a span where elements are hidden.
    fn cut(&self, span: Span, out: &mut Vec<Span>) {
        let Span { insert, mut from, to, .. } = span;
        if self.insert(insert).is_none_or(|insert| insert.content.is_none()) {
            return out.push(span);
        }
        let mut part = |from: u32, to: u32, shown| {
            if from < to {
                out.push(Span { insert, from, to, shown });
            }
        };
        let first = self.hidden_at(insert, from).filter(|range| range.start < from);
        for range in first.into_iter().chain(self.hidden_in(insert, from..to)) {
            let start = range.start.max(from);
            part(from, start, true);
            from = range.end.clamp(start, to);
            part(start, from, false);
        }
        part(from, to, true);
    }
}

/// The walk in order, without recursion: a hostile tree is as deep as the document is long.
struct Walk<'a> {
    sequence: &'a Sequence,
    graph: &'a Graph,
    /// Ascending by parent, offset, side and rank.
    children: Vec<Child>,
    /// Where the children of the beginning, then of each insert, start.
    starts: Vec<usize>,
}

/// An insert as a child of what it is anchored on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Child {
    parent: Option<InsertNumber>,
    offset: u32,
    side: Side,
    insert: InsertNumber,
}

enum Step {
    Elements(Span),
    Insert(InsertNumber),
}

impl<'a> Walk<'a> {
    fn new(sequence: &'a Sequence, graph: &'a Graph) -> Self {
        let mut walk = Self { sequence, graph, children: Vec::new(), starts: Vec::new() };
        let mut children: Vec<Child> = (0..).zip(&sequence.inserts).map(Child::new).collect();
        children.sort_by(|a, b| {
            let places = a.place().cmp(&b.place());
            places.then_with(|| walk.rank(a.insert).cmp(&walk.rank(b.insert)))
        });
        for (at, child) in children.iter().enumerate() {
            let slot = slot(child.parent);
            walk.starts.resize(walk.starts.len().max(slot + 1), at);
        }
        walk.starts.resize(sequence.inserts.len() + 2, children.len());
        walk.children = children;
        walk
    }

    fn run(&self) -> Vec<Span> {
        let mut spans = Vec::with_capacity(self.sequence.inserts.len());
        let mut open = Vec::new();
        let mut steps: Vec<Step> = self.children_of(None).iter().map(Child::step).collect();
        loop {
            open.extend(steps.drain(..).rev());
            match open.pop() {
                None => return spans,
                Some(Step::Elements(span)) => spans.push(span),
                Some(Step::Insert(insert)) => self.expand(insert, &mut steps),
            }
        }
    }

    /// What an insert's elements and the inserts among and behind them are in order.
    fn expand(&self, insert: InsertNumber, steps: &mut Vec<Step>) {
        let Some(Insert { length, content, .. }) = self.sequence.insert(insert) else { return };
        let shown = content.is_some();
        let children = self.children_of(Some(insert));
        // An element's right children are the next element of the insert and others. Those that rank
        // behind the next one stand behind all that hangs on it.
        let is_behind = |child: &&Child| {
            let is_last = child.offset + 1 == *length;
            child.side == Side::Right && (is_last || self.dot(child.insert) > self.dot(insert))
        };
        let mut done = 0;
        for child in children.iter().filter(|child| !is_behind(child)) {
            let to = child.offset + u32::from(child.side == Side::Right);
            if done < to {
                steps.push(Step::Elements(Span { insert, from: done, to, shown }));
                done = to;
            }
            steps.push(child.step());
        }
        steps.push(Step::Elements(Span { insert, from: done, to: *length, shown }));
        for group in children.chunk_by(|a, b| a.offset == b.offset).rev() {
            steps.extend(group.iter().filter(is_behind).map(Child::step));
        }
    }

    fn children_of(&self, parent: Option<InsertNumber>) -> &[Child] {
        let start = |slot: usize| self.starts.get(slot).copied().unwrap_or_default();
        let slot = slot(parent);
        self.children.get(start(slot)..start(slot + 1)).unwrap_or_default()
    }

    /// Among siblings on one side, the lower comes first.
    fn rank(&self, insert: InsertNumber) -> (Option<Dot>, Option<&Cid>) {
        let node = self.sequence.insert(insert).and_then(|insert| self.graph.node(insert.id.0));
        (self.dot(insert), node.map(|node| &node.cid))
    }

    fn dot(&self, insert: InsertNumber) -> Option<Dot> {
        let (node, index) = self.sequence.insert(insert)?.id;
        self.graph.dot(node, index)
    }
}

impl Child {
    fn new((insert, it): (InsertNumber, &Insert)) -> Self {
        let Some(Anchor { insert: parent, offset, side }) = it.anchor else {
            return Self { parent: None, offset: 0, side: Side::Right, insert };
        };
        Self { parent: Some(parent), offset, side, insert }
    }

    const fn place(&self) -> (Option<InsertNumber>, u32, Side) {
        (self.parent, self.offset, self.side)
    }

    const fn step(&self) -> Step {
        Step::Insert(self.insert)
    }
}

const fn slot(parent: Option<InsertNumber>) -> usize {
    match parent {
        None => 0,
        Some(insert) => insert as usize + 1,
    }
}
