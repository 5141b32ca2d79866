//! Kinds 1 and 2: a tree of elements, read from left to right.

use civic_types::limits::MAX_ARGUMENT_DEPTH;
use civic_types::{ReplicaId, Value};

use super::op::is_ancestor;
use super::{FoldRules, Held, Op, Placement};
use crate::clock::Dot;

/// Elements `from..end` of the inserts with a dot.
#[derive(Clone, Debug)]
pub(super) struct Range {
    insert: Dot,
    from: u64,
    end: u64,
}

/// Where an insert puts its elements; `None` if its argument is wrong or what it stands beside is not there.
pub(super) fn placed<R: FoldRules>(
    rules: &R,
    op: &Op,
    argument: &Value,
    before: &[Op],
    held: &[Held],
) -> Option<Placement> {
    let [anchor, side, content] = argument.as_list()? else { return None };
    let side = side.as_u64().filter(|side| *side <= 1)?;
    let elements = elements(op.kind, content)?;
    let anchor = match anchor {
        Value::Null if side == 1 => None,
        Value::Null => return None,
        _ => Some(anchored(rules, op, anchor, before, held)?),
    };
    Some(Placement { anchor, side, elements, hidden: Vec::new(), live: false })
}

/// The ranges of a delete; `None` if its argument is wrong.
pub(super) fn ranges(argument: &Value, writer: ReplicaId) -> Option<Vec<Range>> {
    let range = |range: &Value| {
        let (insert, rest) = named(range, writer)?;
        let [from, count] = rest else { return None };
        let (from, count) = (from.as_u64()?, count.as_u64().filter(|count| *count >= 1)?);
        Some(Range { insert, from, end: from.checked_add(count)? })
    };
    let list = argument.as_list().filter(|list| !list.is_empty())?;
    list.iter().map(range).collect()
}

/// Which elements of an insert the ranges of all operations hide.
pub(super) fn hidden<'a, R: FoldRules>(
    rules: &R,
    insert: &Op,
    all: impl Iterator<Item = &'a Op>,
    held: &[Held],
) -> Vec<u64> {
    let Some(placement) = &insert.placement else { return Vec::new() };
    let deletes = all.filter(|op| {
        op.path == insert.path
            && op.kind == insert.kind
            && rules.may_hide(insert, is_ancestor(held, insert.arrival, op.arrival))
    });
    let ranges: Vec<&Range> =
        deletes.flat_map(|op| &op.ranges).filter(|range| range.insert == insert.dot).collect();
    let hides = |offset: &u64| ranges.iter().any(|range| (range.from..range.end).contains(offset));
    (0..length(placement)).filter(hides).collect()
}

/// The shown elements of the inserts among `all` that `is_here` picks, in order.
pub(super) fn shown<R: FoldRules>(
    rules: &R,
    all: &[(Op, bool)],
    is_here: impl Fn(&Op) -> bool,
) -> Vec<Value> {
    let tree = Tree {
        rules,
        all,
        here: (0..all.len()).filter(|at| all.get(*at).is_some_and(|(op, _)| is_here(op))).collect(),
    };
    let mut shown = Vec::new();
    let mut open: Vec<Visit> = tree.children(None, 1).into_iter().rev().map(Visit::Around).collect();
    while let Some(visit) = open.pop() {
        match visit {
            Visit::Around(element) => {
                open.extend(tree.children(Some(element), 1).into_iter().rev().map(Visit::Around));
                open.push(Visit::Itself(element));
                open.extend(tree.children(Some(element), 0).into_iter().rev().map(Visit::Around));
            }
            Visit::Itself((insert, offset)) => {
                let Some(placement) = tree.placement(insert) else { continue };
                if placement.live && !placement.hidden.contains(&offset) {
                    let element = usize::try_from(offset).ok().and_then(|at| placement.elements.get(at));
                    shown.extend(element.cloned());
                }
            }
        }
    }
    shown
}

/// An insert, by its place among all operations, and the offset of an element in it.
type Element = (usize, u64);

enum Visit {
    Around(Element),
    Itself(Element),
}

struct Tree<'a, R> {
    rules: &'a R,
    all: &'a [(Op, bool)],
    here: Vec<usize>,
}

impl<R: FoldRules> Tree<'_, R> {
    fn placement(&self, insert: usize) -> Option<&Placement> {
        self.all.get(insert)?.0.placement.as_ref()
    }

    /// Elements on one side of another, `None` being the beginning: the first of the inserts anchored there and,
    /// on the right, the next one of the same insert.
    fn children(&self, of: Option<Element>, side: u64) -> Vec<Element> {
        let stands = |at: &usize| self.placement(*at).is_some_and(|it| it.anchor == of && it.side == side);
        let mut children: Vec<Element> =
            self.here.iter().copied().filter(stands).map(|insert| (insert, 0)).collect();
        if let Some((insert, offset)) = of
            && side == 1
            && self.placement(insert).is_some_and(|it| offset + 1 < length(it))
        {
            children.push((insert, offset + 1));
        }
        children.sort_by(|(a, _), (b, _)| match (self.all.get(*a), self.all.get(*b)) {
            (Some((a, _)), Some((b, _))) => self.rules.siblings(a, b),
            _ => a.cmp(b),
        });
        children
    }
}

/// One scalar value of a text each, or one value of a list.
fn elements(kind: u64, content: &Value) -> Option<Vec<Value>> {
    let elements: Vec<Value> = match (kind, content) {
        (1, Value::Text(text)) => text.chars().map(|scalar| Value::Text(scalar.to_string())).collect(),
        (2, Value::List(values)) => values.clone(),
        _ => return None,
    };
    let fits = !elements.is_empty() && elements.iter().all(|value| value.depth() <= MAX_ARGUMENT_DEPTH);
    fits.then_some(elements)
}

/// The element that an anchor names: of several inserts that fit, of the version with the smallest CID.
fn anchored<R: FoldRules>(
    rules: &R,
    op: &Op,
    anchor: &Value,
    before: &[Op],
    held: &[Held],
) -> Option<Element> {
    let (dot, rest) = named(anchor, op.dot.replica)?;
    let [offset] = rest else { return None };
    let offset = offset.as_u64()?;
    let fits = |(_, insert): &(usize, &Op)| {
        let is_seen = insert.version == op.version || is_ancestor(held, insert.arrival, op.arrival);
        insert.dot == dot
            && insert.path == op.path
            && insert.kind == op.kind
            && insert.placement.as_ref().is_some_and(|it| offset < length(it))
            && rules.may_anchor(insert, is_seen)
    };
    let insert = before.iter().enumerate().filter(fits).min_by_key(|(_, insert)| &insert.version)?;
    Some((insert.0, offset))
}

/// A dot, in its short form of the same replica or in its long one, and what follows it.
fn named(list: &Value, writer: ReplicaId) -> Option<(Dot, &[Value])> {
    match list.as_list()? {
        [Value::Bytes(replica), number, rest @ ..] => {
            let replica = ReplicaId::from_bytes(replica.as_slice().try_into().ok()?);
            Some((Dot::new(replica, number.as_u64()?), rest))
        }
        [number, rest @ ..] => Some((Dot::new(writer, number.as_u64()?), rest)),
        [] => None,
    }
}

fn length(placement: &Placement) -> u64 {
    u64::try_from(placement.elements.len()).unwrap_or(u64::MAX)
}
