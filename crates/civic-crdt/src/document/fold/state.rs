//! The dot store as bytes, for snapshots that this device keeps for itself.
#![warn(clippy::indexing_slicing)]

use std::sync::Arc;

use bytes::Bytes;
use civic_types::FieldPath;
use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::patch::PathError;

use super::{Field, Fields, Live, OperationId, Sequence};
use crate::document::graph::NodeId;
use crate::version::Kind;

impl Fields {
    /// Writes `[[[segment…], [[node, index, kind, argument]…], [[kind, sequence]…]]…]`, ascending.
    pub(in crate::document) fn write(&self, out: &mut Encoder) {
        out.array(self.fields.len());
        for (path, field) in &self.fields {
            out.array(3).array(path.segments().len());
            for segment in path.segments() {
                out.text(segment);
            }
            out.array(field.operations().len());
            for Live { id: (node, index), kind, argument } in field.operations() {
                out.array(4).uint(u64::from(*node)).uint(u64::from(*index)).uint(kind.number()).raw(argument);
            }
            out.array(field.kept().count());
            for (kind, sequence) in field.kept() {
                out.array(2).uint(kind.number());
                sequence.write(out);
            }
        }
    }

    /// Reads what [`write`](Self::write) wrote of a document with that many versions. Arguments share the
    /// memory of `bytes`, which `input` reads.
    pub(in crate::document) fn read(
        input: &mut Decoder<'_>,
        bytes: &Bytes,
        versions: NodeId,
    ) -> Result<Self, StateError> {
        let mut fields = Self::default();
        for _ in 0..input.array()? {
            array_of(input, 3)?;
            let segments =
                (0..input.array()?).map(|_| Ok(input.text()?)).collect::<Result<Vec<_>, StateError>>()?;
            let path = Arc::new(FieldPath::new(segments)?);
            if fields.fields.last_key_value().is_some_and(|(last, _)| *last >= path) {
                return Err(StateError::Order);
            }
            let field = read_field(input, bytes, versions)?;
            fields.kept += field.kept().map(|(_, sequence)| sequence.kept()).sum::<usize>();
            let sequences = field.kept().flat_map(|(_, sequence)| sequence.operations());
            let live = field.operations().iter().map(|live| live.id).chain(sequences);
            for id in live {
                if fields.places.insert(id, path.clone()).is_some() {
                    return Err(StateError::Operation);
                }
            }
            fields.fields.insert(path, field);
        }
        Ok(fields)
    }
}

/// Why bytes are no dot store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::document) enum StateError {
    /// Not canonical, or a part of another type.
    #[error("not canonical or a part has another type")]
    Cbor(#[from] cbor::Error),
    /// An operation of no version, in two places, without a place or of a kind that does not belong there.
    #[error("an operation is malformed")]
    Operation,
    /// Paths, operations or ranges are not strictly ascending.
    #[error("paths, operations or ranges are not strictly ascending")]
    Order,
    /// A path is malformed.
    #[error("a path is malformed")]
    Path(#[from] PathError),
}

pub(super) fn array_of(input: &mut Decoder<'_>, length: usize) -> Result<(), StateError> {
    if input.array()? == length { Ok(()) } else { Err(StateError::Operation) }
}

/// An operation of one of that many versions, above `last`.
pub(super) fn read_id(
    input: &mut Decoder<'_>,
    versions: NodeId,
    last: Option<OperationId>,
) -> Result<OperationId, StateError> {
    let node = NodeId::try_from(input.uint()?).ok().filter(|node| *node < versions);
    let index = u16::try_from(input.uint()?).ok();
    let id = node.zip(index).ok_or(StateError::Operation)?;
    if last.is_some_and(|last| last >= id) { Err(StateError::Order) } else { Ok(id) }
}

fn read_field(input: &mut Decoder<'_>, bytes: &Bytes, versions: NodeId) -> Result<Field, StateError> {
    let mut field = Field::default();
    let mut last = None;
    for _ in 0..input.array()? {
        array_of(input, 4)?;
        let id = read_id(input, versions, last)?;
        let kind = Kind::from_number(input.uint()?).filter(|kind| !kind.is_sequence());
        let kind = kind.ok_or(StateError::Operation)?;
        field.add(Live { id, kind, argument: bytes.slice_ref(input.raw()?) });
        last = Some(id);
    }
    let mut last = None;
    for _ in 0..input.array()? {
        array_of(input, 2)?;
        let kind = Kind::from_number(input.uint()?).filter(|kind| last < Some(*kind));
        let kind = kind.ok_or(StateError::Order)?;
        let slot = field.sequence_mut(kind).ok_or(StateError::Operation)?;
        *slot = Sequence::read(kind, input, bytes, versions)?;
        last = Some(kind);
    }
    if field.is_empty() { Err(StateError::Operation) } else { Ok(field) }
}
