//! The order of docs/wire-format.md word for word, element by element and without a thought for speed.

use std::collections::BTreeSet;

use civic_crdt::Dot;
use civic_crdt::document::BodyState;
use civic_crdt::version::{Body, Operation, Version};
use civic_types::{Cid, FieldPath, ReplicaId, Value, cbor};

/// An insert that has a place.
struct Insert {
    kind: u64,
    version: Cid,
    dot: Dot,
    /// Place of the insert that it is anchored on, with the offset there.
    anchor: Option<(usize, u64)>,
    side: u64,
    elements: Vec<Value>,
    live: bool,
    hidden: BTreeSet<u64>,
}

/// The text and the list at one path where nothing else is written.
#[derive(Default)]
pub(crate) struct Model {
    inserts: Vec<Insert>,
    creates: Vec<(u64, Cid, Dot)>,
}

impl Model {
    /// Of versions of which parents come before their children.
    pub(crate) fn new(path: &FieldPath, versions: &[(Version, BodyState)]) -> Self {
        let mut model = Self::default();
        for (version, body) in versions {
            let BodyState::Readable(bytes) = body else { continue };
            let header = version.header();
            let ancestors = ancestors(version, versions);
            for (number, op) in (header.first_dot..).zip(Body::decode(bytes).unwrap().operations) {
                if op.path == *path {
                    model.apply(version, Dot::new(header.replica, number), &op, &ancestors);
                }
            }
        }
        model
    }

    /// The shown elements; `None` if nothing lives.
    pub(crate) fn shown(&self, kind: u64) -> Option<Vec<Value>> {
        let mut out = Vec::new();
        let first = self.children(None, 1).into_iter().filter(|insert| self.inserts[*insert].kind == kind);
        first.for_each(|insert| self.visit(insert, 0, &mut out));
        let created = self.creates.iter().any(|(it, _, _)| *it == kind);
        let live = created || self.inserts.iter().any(|insert| insert.kind == kind && insert.live);
        live.then_some(out)
    }

    fn visit(&self, insert: usize, offset: u64, out: &mut Vec<Value>) {
        let it = &self.inserts[insert];
        for child in self.children(Some((insert, offset)), 0) {
            self.visit(child, 0, out);
        }
        if it.live && !it.hidden.contains(&offset) {
            out.push(it.elements[offset as usize].clone());
        }
        for child in self.children(Some((insert, offset)), 1) {
            self.visit(child, if child == insert { offset + 1 } else { 0 }, out);
        }
    }

    /// The inserts whose elements are the children on one side, the element's own insert among them.
    fn children(&self, anchor: Option<(usize, u64)>, side: u64) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.inserts.len())
            .filter(|i| self.inserts[*i].anchor == anchor && self.inserts[*i].side == side)
            .collect();
        if let Some((insert, offset)) = anchor
            && side == 1
            && offset + 1 < self.inserts[insert].elements.len() as u64
        {
            found.push(insert);
        }
        found.sort_by_key(|i| (self.inserts[*i].dot, self.inserts[*i].version.clone()));
        found
    }

    fn apply(&mut self, version: &Version, dot: Dot, op: &Operation, ancestors: &BTreeSet<Cid>) {
        let argument = cbor::decode(&op.argument).unwrap();
        match op.code {
            0 => {
                let Some(insert) = self.insert(version, dot, op.kind, &argument, ancestors) else { return };
                self.kill(op, ancestors);
                self.inserts.push(insert);
            }
            1 if argument.is_null() => self.kill(op, ancestors),
            2 if argument.is_null() => {
                self.kill(op, ancestors);
                self.creates.push((op.kind, version.cid().clone(), dot));
            }
            3 => {
                let Some(ranges) = ranges(&argument, dot.replica) else { return };
                self.kill(op, ancestors);
                for (named, from, to) in ranges {
                    for it in &mut self.inserts {
                        if it.kind == op.kind && it.dot == named && ancestors.contains(&it.version) {
                            it.hidden.extend(from..to.min(it.elements.len() as u64));
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn kill(&mut self, op: &Operation, ancestors: &BTreeSet<Cid>) {
        let killed = |version: &Cid, dot: &Dot| op.kills.contains(dot) && ancestors.contains(version);
        for it in &mut self.inserts {
            it.live &= !killed(&it.version, &it.dot);
        }
        self.creates.retain(|(_, version, dot)| !killed(version, dot));
    }

    fn insert(
        &self,
        version: &Version,
        dot: Dot,
        kind: u64,
        it: &Value,
        ancestors: &BTreeSet<Cid>,
    ) -> Option<Insert> {
        let [anchor, side, content] = it.as_list()? else { return None };
        let side = side.as_u64().filter(|side| *side == 1 || (*side == 0 && !anchor.is_null()))?;
        let elements: Vec<Value> = match content {
            Value::Text(text) if kind == 1 => text.chars().map(|c| Value::from(c.to_string())).collect(),
            Value::List(list) if kind == 2 && list.iter().all(|v| v.depth() <= 24) => list.clone(),
            _ => return None,
        };
        if elements.is_empty() {
            return None;
        }
        let anchor = if anchor.is_null() {
            None
        } else {
            let (named, rest) = named(anchor.as_list()?, dot.replica)?;
            let [offset] = rest else { return None };
            let offset = offset.as_u64()?;
            let fits = |i: &usize| {
                let it = &self.inserts[*i];
                let seen = ancestors.contains(&it.version) || it.version == *version.cid();
                it.kind == kind && it.dot == named && seen && offset < it.elements.len() as u64
            };
            let candidates = (0..self.inserts.len()).filter(fits);
            Some((candidates.min_by_key(|i| self.inserts[*i].version.clone())?, offset))
        };
        let version = version.cid().clone();
        Some(Insert { kind, version, dot, anchor, side, elements, live: true, hidden: BTreeSet::new() })
    }
}

fn ranges(argument: &Value, writer: ReplicaId) -> Option<Vec<(Dot, u64, u64)>> {
    let list = argument.as_list().filter(|list| !list.is_empty())?;
    let range = |range: &Value| {
        let (named, rest) = named(range.as_list()?, writer)?;
        let [from, count] = rest else { return None };
        let (from, count) = (from.as_u64()?, count.as_u64().filter(|count| *count > 0)?);
        Some((named, from, from.checked_add(count)?))
    };
    list.iter().map(range).collect()
}

/// A dot in its short or long form, and what follows it.
fn named(list: &[Value], writer: ReplicaId) -> Option<(Dot, &[Value])> {
    match list {
        [Value::Bytes(replica), number, rest @ ..] => {
            let replica: [u8; 16] = replica[..].try_into().ok()?;
            Some((Dot::new(ReplicaId::from_bytes(replica), number.as_u64()?), rest))
        }
        [number, rest @ ..] => Some((Dot::new(writer, number.as_u64()?), rest)),
        [] => None,
    }
}

fn ancestors(version: &Version, versions: &[(Version, BodyState)]) -> BTreeSet<Cid> {
    let mut found = BTreeSet::new();
    let mut open = version.header().parents.clone();
    while let Some(next) = open.pop() {
        let (parent, _) = versions.iter().find(|(version, _)| *version.cid() == next).unwrap();
        open.extend(parent.header().parents.iter().cloned());
        found.insert(next);
    }
    found
}
