//! What operations mean, each by itself.

use civic_types::limits::MAX_ARGUMENT_DEPTH;
use civic_types::{ReplicaId, Value, cbor};

use super::sequence::{Deletion, Insertion};
use crate::version::{Code, Kind, Operation};

/// What an operation does that is not a no-op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Create(Kind),
    Delete(Kind, Vec<Deletion>),
    Insert(Kind, Insertion),
    Kill,
    Put(Kind),
}

impl Meaning {
    /// Of an operation that `writer` wrote; `None` for a no-op.
    pub(super) fn of(operation: &Operation, writer: ReplicaId) -> Option<Self> {
        let (kind, code) = (Kind::from_number(operation.kind)?, Code::from_number(operation.code)?);
        let root = operation.path.segments().is_empty();
        let argument = &operation.argument;
        let is_null = argument == NULL;
        match code {
            Code::Kill => (is_null && (!root || kind == Kind::Map)).then_some(Self::Kill),
            _ if kind.is_sequence() && root => None,
            Code::Put if kind.is_sequence() => {
                Some(Self::Insert(kind, Insertion::read(kind, argument, writer)?))
            }
            Code::Put => fits(kind, root, argument).then_some(Self::Put(kind)),
            _ if !kind.is_sequence() => None,
            Code::Create => is_null.then_some(Self::Create(kind)),
            Code::Delete => Some(Self::Delete(kind, Deletion::read_all(argument, writer)?)),
        }
    }
}

/// Whether a kind other than text and list takes the argument.
fn fits(kind: Kind, root: bool, argument: &[u8]) -> bool {
    match kind {
        Kind::Register if root => argument == FALSE || argument == TRUE,
        _ if root => false,
        Kind::Map => argument == NULL,
        Kind::Counter => read(argument).as_i64().is_some(),
        Kind::GSet | Kind::Register | Kind::Set => is_shallow(argument),
        Kind::List | Kind::Text => false,
    }
}

/// The value of a live operation's argument.
pub(in crate::document) fn read(argument: &[u8]) -> Value {
    // The whole body was walked before, so an argument always reads.
    cbor::decode(argument).unwrap_or_default()
}

/// Whether a value nests no deeper than an argument may.
pub(super) fn is_shallow(argument: &[u8]) -> bool {
    // Each level costs a byte, so short arguments need no look.
    argument.len() <= MAX_ARGUMENT_DEPTH || read(argument).depth() <= MAX_ARGUMENT_DEPTH
}

/// The canonical null, false and true.
pub(in crate::document) const NULL: &[u8] = &[0xf6];
pub(in crate::document) const FALSE: &[u8] = &[0xf4];
pub(in crate::document) const TRUE: &[u8] = &[0xf5];
