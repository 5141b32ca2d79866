//! The dot store as bytes, for snapshots that this device keeps for itself.
#![warn(clippy::indexing_slicing)]

use std::sync::Arc;

use bytes::Bytes;
use civic_types::FieldPath;
use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::patch::PathError;

use super::{Fields, Live};
use crate::document::graph::NodeId;
use crate::version::Kind;

impl Fields {
    /// Writes `[[[segment…], [[node, index, kind, argument]…]]…]`, ascending.
    pub(in crate::document) fn write(&self, out: &mut Encoder) {
        out.array(self.live.len());
        for (path, live) in &self.live {
            out.array(2).array(path.segments().len());
            path.segments().iter().fold(&mut *out, |out, segment| out.text(segment));
            out.array(live.len());
            for Live { id: (node, index), kind, argument } in live {
                out.array(4).uint(u64::from(*node)).uint(u64::from(*index)).uint(kind.number()).raw(argument);
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
            array_of(input, 2)?;
            let segments =
                (0..input.array()?).map(|_| Ok(input.text()?)).collect::<Result<Vec<_>, StateError>>()?;
            let path = Arc::new(FieldPath::new(segments)?);
            if fields.live.last_key_value().is_some_and(|(last, _)| *last >= path) {
                return Err(StateError::Order);
            }
            let mut live: Vec<Live> = Vec::new();
            for _ in 0..input.array()? {
                array_of(input, 4)?;
                let node = NodeId::try_from(input.uint()?).ok().filter(|node| *node < versions);
                let index = u16::try_from(input.uint()?).ok();
                let id = node.zip(index).ok_or(StateError::Operation)?;
                let kind = Kind::from_number(input.uint()?).ok_or(StateError::Operation)?;
                if live.last().is_some_and(|last| last.id >= id) {
                    return Err(StateError::Order);
                }
                live.push(Live { id, kind, argument: bytes.slice_ref(input.raw()?) });
                fields.places.insert(id, path.clone());
            }
            fields.live.insert(path, live);
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
    /// An operation of no version, or of an unknown kind.
    #[error("an operation is malformed")]
    Operation,
    /// Paths or operations are not strictly ascending.
    #[error("paths or operations are not strictly ascending")]
    Order,
    /// A path is malformed.
    #[error("a path is malformed")]
    Path(#[from] PathError),
}

fn array_of(input: &mut Decoder<'_>, length: usize) -> Result<(), StateError> {
    if input.array()? == length { Ok(()) } else { Err(StateError::Operation) }
}
