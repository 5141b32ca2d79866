//! The dot store: which operations are live, by path.

mod state;

pub(super) use state::StateError;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use civic_types::limits::MAX_ARGUMENT_DEPTH;
use civic_types::{FieldPath, Value, cbor};

use super::ancestry::Ancestry;
use super::graph::{Graph, NodeId};
use crate::version::{Body, Code, Kind, Operation};

/// An operation: its version and its index there.
pub(super) type OperationId = (NodeId, u16);

/// The live operations of a document.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    live: BTreeMap<Arc<FieldPath>, Vec<Live>>,
    /// Where each live operation stands, so that a kill costs no search.
    places: BTreeMap<OperationId, Arc<FieldPath>>,
}

/// One live operation.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) id: OperationId,
    pub(super) kind: Kind,
    pub(super) argument: Bytes,
}

impl Fields {
    /// Folds one version whose ancestors are folded and whose descendants are not.
    pub(super) fn apply(&mut self, graph: &Graph, id: NodeId, body: &Body) {
        let ancestry = graph.ancestry(id);
        for (index, operation) in (0_u16..).zip(&body.operations) {
            let Some(meaning) = Meaning::of(operation) else { continue };
            self.kill(graph, &ancestry, operation);
            if let Meaning::Put(kind) = meaning {
                self.add(
                    Live { id: (id, index), kind, argument: operation.argument.clone() },
                    &operation.path,
                );
            }
        }
    }

    /// Live operations at exactly this path, in order of admission.
    pub(super) fn at(&self, path: &FieldPath) -> &[Live] {
        self.live.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    /// Paths with live operations at this path or below, ascending.
    pub(super) fn within<'a>(
        &'a self,
        path: &'a FieldPath,
    ) -> impl Iterator<Item = (&'a FieldPath, &'a [Live])> {
        let range = self.live.range::<FieldPath, _>((Bound::Included(path), Bound::Unbounded));
        range.take_while(|(other, _)| other.is_within(path)).map(|(path, live)| (&**path, live.as_slice()))
    }

    /// Everything live, ascending by path.
    pub(super) fn all(&self) -> impl Iterator<Item = (&FieldPath, &[Live])> {
        self.live.iter().map(|(path, live)| (&**path, live.as_slice()))
    }

    /// Number of live operations.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = OperationId> + '_ {
        self.places.keys().copied()
    }

    fn add(&mut self, live: Live, path: &FieldPath) {
        let shared = match self.live.get_key_value(path) {
            Some((shared, _)) => shared.clone(),
            None => Arc::new(path.clone()),
        };
        self.places.insert(live.id, shared.clone());
        let at_path = self.live.entry(shared).or_default();
        let at = at_path.partition_point(|other| other.id < live.id);
        at_path.insert(at, live);
    }

    fn kill(&mut self, graph: &Graph, ancestry: &Ancestry<'_>, operation: &Operation) {
        for dot in &operation.kills {
            let Some(replica) = graph.replica_number(&dot.replica) else { continue };
            for node in ancestry.named(replica, dot.number) {
                let first = graph.node(node).map(|node| node.first_dot).unwrap_or_default();
                let Ok(index) = u16::try_from(dot.number - first) else { continue };
                self.kill_one((node, index), operation);
            }
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
        let Some(live) = self.live.get_mut(path) else { return };
        let Ok(at) = live.binary_search_by_key(&id, |live| live.id) else { return };
        if live.get(at).is_some_and(|live| live.kind == Kind::GSet) {
            return;
        }
        live.remove(at);
        if live.is_empty() {
            self.live.remove(path);
        }
        self.places.remove(&id);
    }
}

/// What an operation does that is not a no-op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Kill,
    Put(Kind),
}

impl Meaning {
    fn of(operation: &Operation) -> Option<Self> {
        let kind = Kind::from_number(operation.kind)?;
        let root = operation.path.segments().is_empty();
        if operation.code == Code::Kill.number() {
            let allowed = operation.argument == NULL && (!root || kind == Kind::Map);
            return allowed.then_some(Self::Kill);
        }
        if operation.code != Code::Put.number() {
            return None;
        }
        let fits = match kind {
            Kind::Register if root => operation.argument == FALSE || operation.argument == TRUE,
            _ if root => false,
            Kind::Map => operation.argument == NULL,
            Kind::Counter => read(&operation.argument).as_i64().is_some(),
            Kind::GSet | Kind::Register | Kind::Set => is_shallow(&operation.argument),
        };
        fits.then_some(Self::Put(kind))
    }
}

/// The value of a live operation's argument.
pub(super) fn read(argument: &[u8]) -> Value {
    // The whole body was walked before, so an argument always reads.
    cbor::decode(argument).unwrap_or_default()
}

/// The canonical null, false and true.
pub(super) const NULL: &[u8] = &[0xf6];
pub(super) const FALSE: &[u8] = &[0xf4];
pub(super) const TRUE: &[u8] = &[0xf5];

fn is_shallow(argument: &[u8]) -> bool {
    // Each level costs a byte, so short arguments need no look.
    argument.len() <= MAX_ARGUMENT_DEPTH || read(argument).depth() <= MAX_ARGUMENT_DEPTH
}
