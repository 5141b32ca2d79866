//! The arguments of inserts and deletes, to and from bytes.
#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use civic_types::ReplicaId;
use civic_types::cbor::{Decoder, Encoder};

use super::super::meaning::is_shallow;
use crate::clock::Dot;
use crate::version::{Code, Kind, Operation};

/// Which side of its anchor an insert stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::document) enum Side {
    Left = 0,
    Right = 1,
}

/// The argument of an insert: `[anchor, side, content]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::document) struct Insertion {
    /// The insert and the offset of the element in it; `None` for the beginning.
    pub(in crate::document) anchor: Option<(Dot, u64)>,
    pub(in crate::document) side: Side,
    /// Number of elements.
    pub(in crate::document) length: u32,
    /// The elements' canonical bytes: one text, or one list.
    pub(in crate::document) content: Bytes,
}

/// One range in the argument of a delete: elements of an insert from an offset on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::document) struct Deletion {
    pub(in crate::document) insert: Dot,
    pub(in crate::document) from: u64,
    /// Greater than `from`.
    pub(in crate::document) to: u64,
}

impl Insertion {
    /// Reads an argument that `writer` wrote; `None` if it is wrong.
    pub(in crate::document) fn read(kind: Kind, argument: &Bytes, writer: ReplicaId) -> Option<Self> {
        let input = &mut Decoder::new(argument);
        if input.array().ok()? != 3 {
            return None;
        }
        let anchor = if input.try_null() {
            None
        } else {
            let parts = input.array().ok()?;
            Some((dot(input, parts.checked_sub(2)?, writer)?, input.uint().ok()?))
        };
        let side = match input.uint().ok()? {
            0 if anchor.is_some() => Side::Left,
            1 => Side::Right,
            _ => return None,
        };
        let content = argument.slice_ref(input.raw().ok()?);
        let length = count(kind, &content).filter(|length| *length > 0)?;
        Some(Self { anchor, side, length, content })
    }

    /// The bytes as `writer` writes them.
    pub(in crate::document) fn write(&self, writer: Option<ReplicaId>) -> Bytes {
        let mut out = Encoder::new();
        out.array(3);
        match &self.anchor {
            Some((insert, offset)) => write_dot(&mut out, insert, 1, writer).uint(*offset),
            None => out.null(),
        };
        out.uint(self.side as u64).raw(&self.content);
        out.into_bytes().into()
    }
}

impl Deletion {
    /// Reads an argument that `writer` wrote, ascending; `None` if it is wrong.
    pub(in crate::document) fn read_all(argument: &[u8], writer: ReplicaId) -> Option<Vec<Self>> {
        let input = &mut Decoder::new(argument);
        let count = input.array().ok()?;
        let mut ranges = Vec::with_capacity(count);
        for _ in 0..count {
            let parts = input.array().ok()?;
            let insert = dot(input, parts.checked_sub(3)?, writer)?;
            let (from, count) = (input.uint().ok()?, input.uint().ok()?);
            ranges.push(Self { insert, from, to: from.checked_add(count).filter(|to| *to > from)? });
        }
        ranges.sort_unstable();
        (!ranges.is_empty()).then_some(ranges)
    }

    /// The bytes as `writer` writes them.
    pub(in crate::document) fn write_all(ranges: &[Self], writer: Option<ReplicaId>) -> Bytes {
        let mut out = Encoder::new();
        out.array(ranges.len());
        for Self { insert, from, to } in ranges {
            write_dot(&mut out, insert, 2, writer).uint(*from).uint(to.saturating_sub(*from));
        }
        out.into_bytes().into()
    }
}

/// The inserts that a planned insert or delete names: it does nothing to those that are no ancestors.
pub(in crate::document) fn named_inserts(operation: &Operation) -> Vec<Dot> {
    // A plan names every replica in full, so it does not matter who writes.
    let writer = ReplicaId::from_bytes([0; 16]);
    if let Some(kind) = sequence_kind(operation, Code::Put) {
        let insertion = Insertion::read(kind, &operation.argument, writer);
        insertion.and_then(|insertion| insertion.anchor).map(|(insert, _)| insert).into_iter().collect()
    } else if sequence_kind(operation, Code::Delete).is_some() {
        let ranges = Deletion::read_all(&operation.argument, writer).unwrap_or_default();
        ranges.into_iter().map(|range| range.insert).collect()
    } else {
        Vec::new()
    }
}

/// Rewrites the argument of an operation that names every replica in full as `writer` writes it.
pub(in crate::document) fn shorten(operation: &mut Operation, writer: ReplicaId) {
    if let Some(kind) = sequence_kind(operation, Code::Put) {
        if let Some(insertion) = Insertion::read(kind, &operation.argument, writer) {
            operation.argument = insertion.write(Some(writer));
        }
    } else if sequence_kind(operation, Code::Delete).is_some()
        && let Some(ranges) = Deletion::read_all(&operation.argument, writer)
    {
        operation.argument = Deletion::write_all(&ranges, Some(writer));
    }
}

/// The kind of an operation on a text or list with this code.
fn sequence_kind(operation: &Operation, code: Code) -> Option<Kind> {
    let kind = Kind::from_number(operation.kind)?;
    (kind.is_sequence() && operation.code == code.number()).then_some(kind)
}

/// A dot in one part, by the writer itself, or in two.
fn dot(input: &mut Decoder<'_>, parts: usize, writer: ReplicaId) -> Option<Dot> {
    let replica = match parts {
        0 => writer,
        1 => ReplicaId::from_bytes(input.byte_array().ok()?),
        _ => return None,
    };
    Some(Dot { replica, number: input.uint().ok()? })
}

/// Opens an array of a dot and so many numbers behind it, and writes the dot.
fn write_dot<'a>(
    out: &'a mut Encoder,
    dot: &Dot,
    behind: usize,
    writer: Option<ReplicaId>,
) -> &'a mut Encoder {
    if writer == Some(dot.replica) {
        out.array(1 + behind)
    } else {
        out.array(2 + behind).bytes(dot.replica.as_bytes())
    };
    out.uint(dot.number)
}

/// Number of elements that canonical bytes hold; `None` if they hold anything else.
pub(super) fn count(kind: Kind, content: &[u8]) -> Option<u32> {
    let input = &mut Decoder::new(content);
    if kind == Kind::Text {
        return u32::try_from(input.text().ok()?.chars().count()).ok();
    }
    let length = input.array().ok()?;
    for _ in 0..length {
        if !is_shallow(input.raw().ok()?) {
            return None;
        }
    }
    u32::try_from(length).ok()
}
