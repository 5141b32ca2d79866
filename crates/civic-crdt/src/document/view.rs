//! Reading the dot store: the plain view, presence and conflicts.

use std::collections::BTreeSet;

use civic_types::id::DeletePolicy;
use civic_types::time::Stamp;
use civic_types::value::Int;
use civic_types::{FieldPath, Map, ReplicaId, Value};

use super::fold::{Field, Fields, Live, TRUE, read};
use super::graph::Graph;
use crate::version::Kind;

/// The kinds at one path, and what lives strictly below it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    kinds: BTreeSet<Kind>,
    below: bool,
    g_set_below: bool,
}

impl Shape {
    /// Of the live operations at `path` and below, given in any order.
    pub(super) fn of<'a>(path: &FieldPath, within: impl IntoIterator<Item = (&'a FieldPath, Kind)>) -> Self {
        let mut shape = Self::default();
        for (at, kind) in within {
            shape.add(at.segments().len() > path.segments().len(), kind);
        }
        shape
    }

    /// All kinds at the path, an implied map included.
    pub(super) fn kinds(mut self) -> BTreeSet<Kind> {
        // Grow-only sets below make a map only of a path where nothing else lives.
        if self.below || (self.g_set_below && self.kinds.iter().all(|kind| *kind == Kind::Map)) {
            self.kinds.insert(Kind::Map);
        }
        self.kinds
    }

    /// The kind that is shown.
    pub(super) fn shown(self) -> Option<Kind> {
        self.kinds().first().copied()
    }

    fn add(&mut self, below: bool, kind: Kind) {
        match (below, kind) {
            (false, kind) => drop(self.kinds.insert(kind)),
            (true, Kind::GSet) => self.g_set_below = true,
            (true, _) => self.below = true,
        }
    }
}

type Entry<'a> = (&'a FieldPath, &'a Field);

/// The plain view of all fields, whether the document is present or not.
pub(super) fn fields(fields: &Fields, graph: &Graph) -> Map {
    let entries: Vec<Entry<'_>> = fields.all().filter(|(path, _)| !path.segments().is_empty()).collect();
    children(&entries, 0, graph)
}

/// The plain view at one path; `None` where nothing lives.
pub(super) fn field(fields: &Fields, graph: &Graph, path: &FieldPath) -> Option<Value> {
    let entries: Vec<Entry<'_>> = fields.within(path).collect();
    if entries.is_empty() { None } else { Some(shown(&entries, path.segments().len(), graph)) }
}

/// Whether the document is present.
pub(super) fn present(fields: &Fields, graph: &Graph, policy: DeletePolicy) -> bool {
    let live = fields.at(&FieldPath::root()).map(Field::operations).unwrap_or_default();
    match policy {
        DeletePolicy::AddWins => live.iter().any(|live| live.argument == TRUE),
        DeletePolicy::Lww => greatest(live.iter(), graph).is_some_and(|live| live.argument == TRUE),
    }
}

/// Paths with more than one kind or more than one register.
pub(super) fn conflicts(fields: &Fields) -> Vec<FieldPath> {
    let mut paths: BTreeSet<FieldPath> = BTreeSet::new();
    for (path, field) in fields.all().filter(|(path, _)| !path.segments().is_empty()) {
        let registers = field.operations().iter().filter(|live| live.kind == Kind::Register).count();
        let within = fields.within(path).flat_map(|(at, field)| field.kinds().map(move |kind| (at, kind)));
        if registers > 1 || Shape::of(path, within).kinds().len() > 1 {
            paths.insert(path.clone());
        }
    }
    paths.into_iter().collect()
}

/// The exact sum of the counter operations.
pub(super) fn sum<'a>(live: impl IntoIterator<Item = &'a Live>) -> i128 {
    let counters = live.into_iter().filter(|live| live.kind == Kind::Counter);
    counters.map(|live| read(&live.argument).as_i64().map_or(0, i128::from)).sum()
}

fn children(mut entries: &[Entry<'_>], depth: usize, graph: &Graph) -> Map {
    let mut pairs: Vec<(&str, Value)> = Vec::new();
    while let Some(segment) = entries.first().and_then(|(path, _)| path.segments().get(depth)) {
        let end = entries.partition_point(|(path, _)| path.segments().get(depth) == Some(segment));
        let (child, rest) = entries.split_at(end);
        pairs.push((segment, shown(child, depth + 1, graph)));
        entries = rest;
    }
    pairs.into_iter().collect()
}

/// The value at the path that all entries share in their first `depth` segments.
fn shown(entries: &[Entry<'_>], depth: usize, graph: &Graph) -> Value {
    let (field, below) = match entries.split_first() {
        Some(((path, field), below)) if path.segments().len() == depth => (Some(*field), below),
        _ => (None, entries),
    };
    let own = field.map(Field::operations).unwrap_or_default();
    let mut shape = Shape::default();
    field.into_iter().flat_map(Field::kinds).for_each(|kind| shape.add(false, kind));
    below.iter().flat_map(|(_, field)| field.kinds()).for_each(|kind| shape.add(true, kind));
    match shape.shown() {
        Some(Kind::Map) => Value::Map(children(below, depth, graph)),
        Some(kind @ (Kind::List | Kind::Text)) => {
            let sequence = field.and_then(|field| field.sequence(kind));
            sequence.map(|sequence| sequence.value(kind, graph)).unwrap_or_default()
        }
        Some(kind @ (Kind::GSet | Kind::Set)) => {
            let values: BTreeSet<&[u8]> =
                own.iter().filter(|live| live.kind == kind).map(|live| &*live.argument).collect();
            Value::List(values.into_iter().map(read).collect())
        }
        Some(Kind::Counter) => {
            let clamped =
                i64::try_from(sum(own)).unwrap_or_else(|_| if sum(own) < 0 { i64::MIN } else { i64::MAX });
            Value::Int(Int::from(clamped))
        }
        Some(Kind::Register) => {
            let registers = own.iter().filter(|live| live.kind == Kind::Register);
            greatest(registers, graph).map(|live| read(&live.argument)).unwrap_or_default()
        }
        None => Value::Null,
    }
}

/// The register that is read: greatest by stamp, replica, operation index, canonical bytes.
fn greatest<'a>(live: impl Iterator<Item = &'a Live>, graph: &Graph) -> Option<&'a Live> {
    live.max_by_key(|live| {
        let node = graph.node(live.id.0);
        let writer: Option<(Stamp, Option<ReplicaId>)> =
            node.map(|node| (node.stamp, graph.replica_id(node.replica)));
        (writer, live.id.1, live.argument.clone())
    })
}
