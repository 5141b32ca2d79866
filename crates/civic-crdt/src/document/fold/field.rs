use std::sync::Arc;

use bytes::Bytes;

use super::{OperationId, Sequence};
use crate::version::Kind;

/// What stands at one path.
#[derive(Clone, Debug, Default)]
pub(in crate::document) struct Field {
    /// Live operations of all kinds but text and list, in order of admission.
    operations: Vec<Live>,
    /// Shared, so that copies of a dot store cost a sequence only once it changes.
    text: Option<Arc<Sequence>>,
    list: Option<Arc<Sequence>>,
}

/// One live operation.
#[derive(Clone, Debug)]
pub(in crate::document) struct Live {
    pub(in crate::document) id: OperationId,
    pub(in crate::document) kind: Kind,
    pub(in crate::document) argument: Bytes,
}

impl Field {
    /// Live operations of all kinds but text and list, in order of admission.
    pub(in crate::document) fn operations(&self) -> &[Live] {
        &self.operations
    }

    /// The text or the list, dead elements included.
    pub(in crate::document) fn sequence(&self, kind: Kind) -> Option<&Sequence> {
        match kind {
            Kind::Text => self.text.as_deref(),
            Kind::List => self.list.as_deref(),
            _ => None,
        }
    }

    /// The text and the list, each if it is live.
    pub(in crate::document) fn sequences(&self) -> impl Iterator<Item = (Kind, &Sequence)> {
        self.kept().filter(|(_, sequence)| sequence.is_live())
    }

    /// The text and the list, live or dead.
    pub(super) fn kept(&self) -> impl Iterator<Item = (Kind, &Sequence)> {
        let both = [(Kind::Text, &self.text), (Kind::List, &self.list)];
        both.into_iter().filter_map(|(kind, sequence)| Some((kind, sequence.as_deref()?)))
    }

    /// The kinds of everything live, some of them more than once.
    pub(in crate::document) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.operations.iter().map(|live| live.kind).chain(self.sequences().map(|(kind, _)| kind))
    }

    /// The same with other names of the operations.
    pub(super) fn renumbered(&self, new: &impl Fn(OperationId) -> OperationId) -> Self {
        let mut operations = self.operations.clone();
        operations.iter_mut().for_each(|live| live.id = new(live.id));
        operations.sort_unstable_by_key(|live| live.id);
        let sequence = |sequence: &Arc<Sequence>| Arc::new(sequence.renumbered(new));
        Self { operations, text: self.text.as_ref().map(sequence), list: self.list.as_ref().map(sequence) }
    }

    /// Whether anything is live.
    pub(in crate::document) fn is_live(&self) -> bool {
        !self.operations.is_empty() || self.sequences().next().is_some()
    }

    /// Whether nothing is kept, not even dead elements.
    pub(super) const fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.text.is_none() && self.list.is_none()
    }

    pub(super) fn add(&mut self, live: Live) {
        let at = self.operations.partition_point(|other| other.id < live.id);
        if self.operations.len() < FEW {
            self.operations.reserve_exact(1);
        }
        self.operations.insert(at, live);
    }

    /// Ends a live operation and says whether it did; grow-only sets lose nothing.
    pub(super) fn kill(&mut self, id: OperationId) -> bool {
        let Ok(at) = self.operations.binary_search_by_key(&id, |live| live.id) else {
            return self.kill_in_sequence(id);
        };
        if self.operations.get(at).is_some_and(|live| live.kind == Kind::GSet) {
            return false;
        }
        self.operations.remove(at);
        true
    }

    /// The text or the list, made if it is not there; `None` for other kinds.
    pub(super) fn sequence_mut(&mut self, kind: Kind) -> Option<&mut Sequence> {
        let sequence = match kind {
            Kind::Text => &mut self.text,
            Kind::List => &mut self.list,
            _ => return None,
        };
        Some(Arc::make_mut(sequence.get_or_insert_default()))
    }

    fn kill_in_sequence(&mut self, id: OperationId) -> bool {
        for slot in [&mut self.text, &mut self.list] {
            if let Some(sequence) = slot.as_mut().filter(|sequence| sequence.holds(id)) {
                let killed = Arc::make_mut(sequence).kill(id);
                if sequence.is_empty() {
                    *slot = None;
                }
                return killed;
            }
        }
        false
    }
}

/// Up to so many operations a field takes exactly their room: nearly all have one, and one more while it is
/// written over.
const FEW: usize = 2;
