use civic_types::limits::MAX_ARGUMENT_DEPTH;
use civic_types::time::Stamp;
use civic_types::{Cid, FieldPath, Value, cbor};

use super::sequence::{self, Range};
use super::{FoldRules, Held};
use crate::clock::Dot;
use crate::document::BodyState;
use crate::version::{Body, Operation};

/// An operation that means something.
#[derive(Clone, Debug)]
pub struct Op {
    /// The version it stands in.
    pub version: Cid,
    /// How many versions had arrived before that one: what no rule may look at.
    pub arrival: usize,
    /// Its author's claim of where that version stands in his log.
    pub position: u64,
    /// When that version was written.
    pub stamp: Stamp,
    /// Its place in the body, from 0.
    pub index: usize,
    /// Its name.
    pub dot: Dot,
    /// Where.
    pub path: FieldPath,
    /// The kind's number, 0..=6.
    pub kind: u64,
    /// The code's number, 0..=3.
    pub code: u64,
    /// The argument's canonical bytes.
    pub argument: Vec<u8>,
    /// The dots that it ends.
    pub kills: Vec<Dot>,
    /// Of an insert into a text or list: where its elements stand.
    pub placement: Option<Placement>,
    pub(super) ranges: Vec<Range>,
}

/// Where the elements of an insert stand.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The insert, by its place among all operations, and the element in it; `None` is the beginning.
    pub anchor: Option<(usize, u64)>,
    /// 0 for left of it, 1 for right.
    pub side: u64,
    /// The elements: text of one scalar value each, or values.
    pub elements: Vec<Value>,
    /// Elements that a range hides, by their offset.
    pub hidden: Vec<u64>,
    /// Whether the insert is not killed.
    pub live: bool,
}

impl Op {
    pub(super) fn value(&self) -> Value {
        value(&self.argument).unwrap_or_default()
    }

    /// Whether it is alive after it was written: a delete and whatever has code 1 never is.
    const fn leaves_a_dot(&self) -> bool {
        matches!(self.code, 0 | 2)
    }
}

/// The operations that mean something, and whether each is live.
pub(super) fn live<R: FoldRules>(rules: &R, held: &[Held]) -> Vec<(Op, bool)> {
    let mut ops: Vec<Op> = Vec::new();
    for (arrival, version) in held.iter().enumerate() {
        for (index, operation) in operations(version).into_iter().enumerate() {
            let op = op(version, arrival, index, operation);
            if let Some(op) = meant(rules, op, &ops, held) {
                ops.push(op);
            }
        }
    }
    let counts: Vec<bool> = ops.iter().map(|op| rules.counts(op, &ops)).collect();
    let counting = || ops.iter().zip(&counts).filter(|(_, counts)| **counts).map(|(op, _)| op);
    let kills = |killer: &Op, victim: &Op| {
        killer.kills.contains(&victim.dot)
            && rules.kills(killer, victim, is_ancestor(held, victim.arrival, killer.arrival))
    };
    let live: Vec<bool> = ops
        .iter()
        .zip(&counts)
        .map(|(victim, counts)| {
            *counts && victim.leaves_a_dot() && !counting().any(|killer| kills(killer, victim))
        })
        .collect();
    let hidden: Vec<Vec<u64>> =
        ops.iter().map(|insert| sequence::hidden(rules, insert, counting(), held)).collect();
    for ((op, live), hidden) in ops.iter_mut().zip(&live).zip(hidden) {
        if let Some(placement) = &mut op.placement {
            placement.live = *live;
            placement.hidden = hidden;
        }
    }
    ops.into_iter().zip(live).collect()
}

/// Whether the version that arrived as `earlier` is an ancestor of the one that arrived as `later`.
pub(super) fn is_ancestor(held: &[Held], earlier: usize, later: usize) -> bool {
    held.get(later).is_some_and(|held| held.ancestors.contains(&earlier))
}

pub(super) fn value(argument: &[u8]) -> Option<Value> {
    cbor::decode_with(argument, &cbor::Limits::DEPTH_ONLY).ok()
}

/// The operations of a version; none where the body cannot be read, breaks the grammar or is not `n` long.
fn operations(held: &Held) -> Vec<Operation> {
    let BodyState::Readable(bytes) = &held.body else { return Vec::new() };
    let operations = Body::decode(bytes).map(|body| body.operations).unwrap_or_default();
    let is_whole = u64::try_from(operations.len()) == Ok(held.version.header().operations);
    if is_whole { operations } else { Vec::new() }
}

fn op(held: &Held, arrival: usize, index: usize, operation: Operation) -> Op {
    let header = held.version.header();
    Op {
        version: held.version.cid().clone(),
        arrival,
        position: header.position,
        stamp: header.stamp,
        index,
        dot: header.dot(u64::try_from(index).unwrap_or(u64::MAX)),
        path: operation.path,
        kind: operation.kind,
        code: operation.code,
        argument: operation.argument.to_vec(),
        kills: operation.kills,
        placement: None,
        ranges: Vec::new(),
    }
}

/// The operation, if kind and code are known and the argument is right.
fn meant<R: FoldRules>(rules: &R, op: Op, before: &[Op], held: &[Held]) -> Option<Op> {
    let argument = value(&op.argument)?;
    if op.path.segments().is_empty() {
        let presence = (op.kind, op.code) == (5, 0) && argument.as_bool().is_some();
        let clear = (op.kind, op.code) == (0, 1) && argument.is_null();
        return (presence || clear).then_some(op);
    }
    match (op.kind, op.code) {
        (0, 0) | (0..=6, 1) | (1 | 2, 2) => argument.is_null().then_some(op),
        (4, 0) => argument.as_i64().map(|_| op),
        (3 | 5 | 6, 0) => (argument.depth() <= MAX_ARGUMENT_DEPTH).then_some(op),
        (1 | 2, 0) => {
            let placement = sequence::placed(rules, &op, &argument, before, held)?;
            Some(Op { placement: Some(placement), ..op })
        }
        (1 | 2, 3) => Some(Op { ranges: sequence::ranges(&argument, op.dot.replica)?, ..op }),
        _ => None,
    }
}
