//! From the tree to a line.

use civic_types::Cid;

use super::{Insert, InsertNumber, Sequence, Side};
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
    /// The first child of the beginning and of each insert, and what follows each child, in no order that
    /// means anything.
    first: Vec<Option<InsertNumber>>,
    next: Vec<Option<InsertNumber>>,
}

/// An insert as a child of the one that it is anchored on.
#[derive(Clone, Copy)]
struct Child {
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
        let count = sequence.inserts.len();
        let (mut first, mut next) = (vec![None; count + 1], vec![None; count]);
        for (number, insert) in (0..).zip(&sequence.inserts) {
            let parent = slot(insert.anchor.map(|anchor| anchor.insert));
            if let Some((first, next)) = first.get_mut(parent).zip(next.get_mut(number as usize)) {
                *next = first.replace(number);
            }
        }
        Self { sequence, graph, first, next }
    }

    fn run(&self) -> Vec<Span> {
        let mut spans = Vec::with_capacity(self.sequence.inserts.len());
        let (mut open, mut children, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        self.children_of(None, &mut children);
        steps.extend(children.iter().map(Child::step));
        loop {
            open.extend(steps.drain(..).rev());
            match open.pop() {
                None => return spans,
                Some(Step::Elements(span)) => spans.push(span),
                Some(Step::Insert(insert)) => {
                    self.children_of(Some(insert), &mut children);
                    self.expand(insert, &children, &mut steps);
                }
            }
        }
    }

    /// What an insert's elements and the inserts among and behind them are in order.
    fn expand(&self, insert: InsertNumber, children: &[Child], steps: &mut Vec<Step>) {
        let Some(Insert { length, content, .. }) = self.sequence.insert(insert) else { return };
        let shown = content.is_some();
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

    /// The inserts that hang on one, ascending by offset, side and rank.
    fn children_of(&self, parent: Option<InsertNumber>, out: &mut Vec<Child>) {
        out.clear();
        let mut child = self.first.get(slot(parent)).copied().flatten();
        while let Some(insert) = child {
            let anchor = self.sequence.insert(insert).and_then(|insert| insert.anchor);
            let (offset, side) = anchor.map_or((0, Side::Right), |anchor| (anchor.offset, anchor.side));
            out.push(Child { offset, side, insert });
            child = self.next.get(insert as usize).copied().flatten();
        }
        out.sort_unstable_by(|a, b| {
            let places = (a.offset, a.side).cmp(&(b.offset, b.side));
            places.then_with(|| self.rank(a.insert).cmp(&self.rank(b.insert)))
        });
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
    const fn step(&self) -> Step {
        Step::Insert(self.insert)
    }
}

/// Place of a parent in the list of first children.
const fn slot(parent: Option<InsertNumber>) -> usize {
    match parent {
        None => 0,
        Some(insert) => insert as usize + 1,
    }
}
