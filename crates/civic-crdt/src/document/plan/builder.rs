use std::collections::BTreeSet;

use bytes::Bytes;
use civic_types::limits::{MAX_ARGUMENT_DEPTH, MAX_KILLS, MAX_OPERATIONS};
use civic_types::value::Int;
use civic_types::{FieldPath, Value, cbor};

use super::draft::Drafts;
use super::kinds::Kinds;
use super::{Plan, PlanError};
use crate::clock::Dot;
use crate::document::Past;
use crate::document::fold::{FALSE, Field, NULL, OperationId, TRUE, read};
use crate::document::view::{self, Shape};
use crate::version::{Code, Kind, Operation};

/// Collects the operations of one version on top of what was seen.
///
/// Operations of one body cannot kill each other. So a change that ends an earlier one of the same plan
/// takes it out again and inherits its kills.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    pub(super) seen: &'a Past<'a>,
    /// Seen operations that the plan ends.
    pub(super) ended: BTreeSet<OperationId>,
    /// Seen texts and lists that the plan ends.
    pub(super) ended_sequences: BTreeSet<(FieldPath, Kind)>,
    /// Texts and lists that the plan edits; they become operations at the end.
    pub(super) drafts: Drafts,
    pub(super) pending: Vec<Operation>,
    pub(super) kinds: Kinds<'a>,
}

/// A live operation, seen or pending, as a question about it sees it; a text or list is one, without an
/// argument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) path: &'a FieldPath,
    pub(super) kind: Kind,
    pub(super) argument: &'a [u8],
}

impl<'a> Builder<'a> {
    pub(super) fn new(seen: &'a Past<'a>) -> Self {
        Self {
            seen,
            ended: BTreeSet::new(),
            ended_sequences: BTreeSet::new(),
            drafts: Drafts::default(),
            pending: Vec::new(),
            kinds: Kinds::Shown,
        }
    }

    /// Puts an operation in, ending whatever `ends` picks at the path and below. Grow-only sets stay.
    pub(super) fn put_ending(
        &mut self,
        path: &FieldPath,
        kind: Kind,
        argument: &Value,
        ends: impl Fn(Candidate<'_>) -> bool,
    ) -> Result<(), PlanError> {
        if argument.depth() > MAX_ARGUMENT_DEPTH {
            return Err(PlanError::TooDeep { path: path.clone() });
        }
        let argument = cbor::encode(argument).map_err(|_| PlanError::TooDeep { path: path.clone() })?;
        let kills = self.end(path, ends);
        self.push(path, kind, Code::Put, Bytes::from(argument), kills)
    }

    /// Ends whatever `ends` picks at the path and below; no operation is needed where nothing was seen.
    pub(super) fn kill(
        &mut self,
        path: &FieldPath,
        kind: Kind,
        ends: impl Fn(Candidate<'_>) -> bool,
    ) -> Result<(), PlanError> {
        let kills = self.end(path, ends);
        if kills.is_empty() {
            return Ok(());
        }
        self.push(path, kind, Code::Kill, Bytes::from_static(NULL), kills)
    }

    /// The kind that is shown at a path, the plan's own operations included.
    pub(super) fn shown(&self, path: &FieldPath) -> Option<Kind> {
        Shape::of(path, self.within(path).map(|candidate| (candidate.path, candidate.kind))).shown()
    }

    /// Everything live at the path or below, the plan's own operations included.
    pub(super) fn within<'b>(&'b self, path: &'b FieldPath) -> impl Iterator<Item = Candidate<'b>> {
        let seen = self.seen.fields.within(path).flat_map(move |(path, field)| {
            let live = field.operations().iter().filter(|live| !self.ended.contains(&live.id));
            let live = live.map(move |live| Candidate { path, kind: live.kind, argument: &live.argument });
            live.chain(self.sequences(path, field))
        });
        let drafts = self.drafts.created().filter(move |candidate| candidate.path.is_within(path));
        let pending = self.pending.iter().filter(move |op| op.path.is_within(path)).filter_map(candidate);
        // Presence stands at the empty path and is no field.
        seen.chain(drafts).chain(pending).filter(|candidate| !candidate.path.segments().is_empty())
    }

    /// The value at a path before the plan, for comparing; the plan's own operations are not in it.
    pub(super) fn value(&self, path: &FieldPath) -> Option<Value> {
        if path.segments().is_empty() {
            return Some(Value::Map(view::fields(&self.seen.fields, &self.seen.document.graph)));
        }
        view::field(&self.seen.fields, &self.seen.document.graph, path)
    }

    /// The exact sum of the counter at a path, the plan's own operations included.
    pub(super) fn sum(&self, path: &FieldPath) -> i128 {
        let counters = self.within(path).filter(|c| c.path == path && c.kind == Kind::Counter);
        counters.map(|counter| read(counter.argument).as_i64().map_or(0, i128::from)).sum()
    }

    /// Closes the plan with the document present.
    pub(super) fn present(mut self) -> Result<Plan, PlanError> {
        self.close_drafts()?;
        let kills: usize = self.pending.iter().map(|op| op.kills.len()).sum();
        let changes = !self.pending.is_empty() || !self.seen.present();
        let presence = self.presence(TRUE);
        if kills + presence.kills.len() > MAX_KILLS {
            return Err(PlanError::TooManyKills);
        }
        self.pending.insert(0, presence);
        Ok(Plan { operations: self.pending, changes })
    }

    /// The plan that says only that the document is not present.
    pub(super) fn absent(self) -> Plan {
        Plan { operations: vec![self.presence(FALSE)], changes: self.seen.present() }
    }

    fn presence(&self, value: &'static [u8]) -> Operation {
        let root = FieldPath::root();
        let live = self.seen.fields.at(&root).map(Field::operations).unwrap_or_default();
        let mut kills: Vec<Dot> = live.iter().filter_map(|live| self.dot(live.id)).collect();
        kills.sort_unstable();
        kills.dedup();
        Operation {
            path: root,
            kind: Kind::Register.number(),
            code: Code::Put.number(),
            argument: Bytes::from_static(value),
            kills,
        }
    }

    /// Ends whatever `ends` picks at the path and below, and gives the kills that this takes.
    pub(super) fn end(&mut self, path: &FieldPath, ends: impl Fn(Candidate<'_>) -> bool) -> BTreeSet<Dot> {
        let ends = |candidate: Candidate<'_>| candidate.kind != Kind::GSet && ends(candidate);
        let seen = self.seen;
        let mut kills = BTreeSet::new();
        let root = FieldPath::root();
        for (at, field) in seen.fields.within(path).filter(|(at, _)| **at != root) {
            for live in field.operations() {
                let candidate = Candidate { path: at, kind: live.kind, argument: &live.argument };
                if !self.ended.contains(&live.id) && ends(candidate) {
                    self.ended.insert(live.id);
                    kills.extend(self.dot(live.id));
                }
            }
            let ended: Vec<Kind> =
                self.sequences(at, field).filter(|it| ends(*it)).map(|it| it.kind).collect();
            for sequence in ended.iter().filter_map(|kind| field.sequence(*kind)) {
                kills.extend(sequence.operations().filter_map(|id| self.dot(id)));
            }
            self.ended_sequences.extend(ended.into_iter().map(|kind| (at.clone(), kind)));
        }
        self.drafts.end(path, ends, &mut kills);
        self.pending.retain(|op| {
            let ended = op.path.is_within(path) && candidate(op).is_some_and(&ends);
            if ended {
                kills.extend(op.kills.iter().copied());
            }
            !ended
        });
        kills
    }

    /// The seen texts and lists of a field that the plan has not ended.
    fn sequences<'b>(&'b self, path: &'b FieldPath, field: &'b Field) -> impl Iterator<Item = Candidate<'b>> {
        let kinds = field.sequences().map(|(kind, _)| kind);
        let left = kinds.filter(|kind| !self.ended_sequences.contains(&(path.clone(), *kind)));
        left.map(|kind| Candidate { path, kind, argument: &[] })
    }

    pub(super) fn push(
        &mut self,
        path: &FieldPath,
        kind: Kind,
        code: Code,
        argument: Bytes,
        kills: BTreeSet<Dot>,
    ) -> Result<(), PlanError> {
        let room = u64::try_from(self.pending.len() + 1).is_ok_and(|length| length < MAX_OPERATIONS);
        if !room {
            return Err(PlanError::TooManyOperations);
        }
        let kills = kills.into_iter().collect();
        self.pending.push(Operation {
            path: path.clone(),
            kind: kind.number(),
            code: code.number(),
            argument,
            kills,
        });
        Ok(())
    }

    /// The dot of a seen operation.
    pub(super) fn dot(&self, (node, index): OperationId) -> Option<Dot> {
        self.seen.document.graph.dot(node, index)
    }
}

/// An integer as an argument.
pub(super) fn integer(by: i64) -> Value {
    Value::Int(Int::from(by))
}

/// A pending operation as a live one; `None` for those that only kill.
fn candidate(operation: &Operation) -> Option<Candidate<'_>> {
    let kind = Kind::from_number(operation.kind).filter(|_| operation.code == Code::Put.number())?;
    Some(Candidate { path: &operation.path, kind, argument: &operation.argument })
}
