use std::collections::{BTreeMap, BTreeSet};

use civic_types::id::DeletePolicy;
use civic_types::value::Int;
use civic_types::{Cid, FieldPath, Map, Value};

use super::{FoldRules, Op, op, sequence};
use crate::clock::Dot;

/// What lives, for reading.
#[derive(Debug)]
pub(super) struct Fields<'a, R> {
    rules: &'a R,
    all: Vec<(Op, bool)>,
}

impl<'a, R: FoldRules> Fields<'a, R> {
    pub(super) const fn new(rules: &'a R, all: Vec<(Op, bool)>) -> Self {
        Self { rules, all }
    }

    /// Ascending by dot, then by CID.
    pub(super) fn live(&self) -> Vec<(Dot, Cid)> {
        let mut dots: Vec<_> = self.ops().map(|op| (op.dot, op.version.clone())).collect();
        dots.sort();
        dots
    }

    pub(super) fn view(&self, policy: DeletePolicy) -> Option<Value> {
        let presence = || self.ops().filter(|op| op.path.segments().is_empty());
        let is_true = |op: &Op| op.value().as_bool() == Some(true);
        let present = match policy {
            DeletePolicy::AddWins => presence().any(is_true),
            DeletePolicy::Lww => presence().max_by(|a, b| self.rules.order(a, b)).is_some_and(is_true),
        };
        present.then(|| self.map_at(&[]))
    }

    /// The paths but the empty one with more than one live kind or more than one live register operation.
    pub(super) fn conflicts(&self) -> Vec<FieldPath> {
        let paths: BTreeSet<&FieldPath> = self.ops().map(|op| &op.path).collect();
        let conflicted = |path: &&FieldPath| {
            let registers = self.own(path.segments(), 5).count();
            !path.segments().is_empty() && (self.kinds(path.segments()).len() > 1 || registers > 1)
        };
        paths.into_iter().filter(conflicted).cloned().collect()
    }

    fn ops(&self) -> impl Iterator<Item = &Op> {
        self.all.iter().filter(|(_, live)| *live).map(|(op, _)| op)
    }

    fn own(&self, path: &[String], kind: u64) -> impl Iterator<Item = &Op> {
        self.ops().filter(move |op| op.path.segments() == path && op.kind == kind)
    }

    fn below(&self, path: &[String]) -> impl Iterator<Item = &Op> {
        self.ops()
            .filter(move |op| op.path.segments().len() > path.len() && op.path.segments().starts_with(path))
    }

    /// The live kinds at a path, an implied map among them.
    fn kinds(&self, path: &[String]) -> BTreeSet<u64> {
        let mut kinds: BTreeSet<u64> =
            self.ops().filter(|op| op.path.segments() == path).map(|op| op.kind).collect();
        let has_others = kinds.iter().any(|kind| *kind != 0);
        if self.below(path).any(|op| op.kind != 6 || !has_others) {
            kinds.insert(0);
        }
        kinds
    }

    fn map_at(&self, path: &[String]) -> Value {
        let names: BTreeSet<&String> =
            self.below(path).filter_map(|op| op.path.segments().get(path.len())).collect();
        let child =
            |name: &String| Some((name.clone(), self.at(&[path, std::slice::from_ref(name)].concat())?));
        Value::Map(names.into_iter().filter_map(child).collect::<Map>())
    }

    fn at(&self, path: &[String]) -> Option<Value> {
        let is_here = |kind: u64| move |op: &Op| op.path.segments() == path && op.kind == kind;
        Some(match self.rules.shown_kind(&self.kinds(path))? {
            0 => self.map_at(path),
            1 => {
                let elements = sequence::shown(self.rules, &self.all, is_here(1));
                Value::Text(elements.iter().filter_map(Value::as_str).collect())
            }
            2 => Value::List(sequence::shown(self.rules, &self.all, is_here(2))),
            4 => {
                let sum: i128 = self.own(path, 4).filter_map(|op| op.value().as_i64()).map(i128::from).sum();
                let clamped = sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
                Value::Int(Int::try_from(clamped).ok()?)
            }
            5 => self.own(path, 5).max_by(|a, b| self.rules.order(a, b))?.value(),
            kind => {
                let distinct: BTreeMap<&[u8], Value> = self
                    .own(path, kind)
                    .filter_map(|op| Some((op.argument.as_slice(), op::value(&op.argument)?)))
                    .collect();
                Value::List(distinct.into_values().collect())
            }
        })
    }
}
