//! A sequence as bytes, part of the dot store's.
#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use civic_types::cbor::{Decoder, Encoder};

use super::super::state::{StateError, array_of, read_id};
use super::argument::count;
use super::{Anchor, Insert, InsertNumber, Sequence, Side};
use crate::document::graph::NodeId;
use crate::version::Kind;

impl Sequence {
    /// Writes `[[[node, index]…], [[node, index, anchor, length, content or null]…], [[insert, from, to]…]]`:
    /// the live creates, the inserts and what is hidden of them, ascending. An anchor is null or `[insert,
    /// offset, side]`; inserts are named by their place in this list.
    pub(in crate::document::fold) fn write(&self, out: &mut Encoder) {
        out.array(3).array(self.creates.len());
        for (node, index) in &self.creates {
            out.array(2).uint(u64::from(*node)).uint(u64::from(*index));
        }
        // Late bodies may have been placed late; what is written does not tell.
        let mut places: Vec<InsertNumber> = vec![0; self.inserts.len()];
        for (place, number) in (0..).zip(self.numbers.values()) {
            places.get_mut(*number as usize).into_iter().for_each(|it| *it = place);
        }
        let place =
            |number: InsertNumber| u64::from(places.get(number as usize).copied().unwrap_or_default());
        out.array(self.inserts.len());
        for Insert { id: (node, index), anchor, length, content } in
            self.numbers.values().filter_map(|number| self.insert(*number))
        {
            out.array(5).uint(u64::from(*node)).uint(u64::from(*index));
            match anchor {
                Some(Anchor { insert, offset, side }) => {
                    out.array(3).uint(place(*insert)).uint(u64::from(*offset)).uint(*side as u64)
                }
                None => out.null(),
            };
            out.uint(u64::from(*length));
            match content {
                Some(content) => out.raw(content),
                None => out.null(),
            };
        }
        let mut hidden: Vec<_> =
            self.hidden.iter().map(|((insert, from), to)| (place(*insert), *from, *to)).collect();
        hidden.sort_unstable();
        out.array(hidden.len());
        for (insert, from, to) in hidden {
            out.array(3).uint(insert).uint(u64::from(from)).uint(u64::from(to));
        }
    }

    /// Reads what [`write`](Self::write) wrote.
    pub(in crate::document::fold) fn read(
        kind: Kind,
        input: &mut Decoder<'_>,
        bytes: &Bytes,
        versions: NodeId,
    ) -> Result<Self, StateError> {
        let mut sequence = Self::default();
        array_of(input, 3)?;
        for _ in 0..input.array()? {
            array_of(input, 2)?;
            let id = read_id(input, versions, sequence.creates.last().copied())?;
            sequence.create(id);
        }
        for _ in 0..input.array()? {
            let insert = sequence.read_insert(kind, input, bytes, versions)?;
            let number = InsertNumber::try_from(sequence.inserts.len()).map_err(|_| StateError::Operation)?;
            sequence.numbers.insert(insert.id, number);
            sequence.live += usize::from(insert.content.is_some());
            sequence.inserts.push(insert);
        }
        let mut last = None;
        for _ in 0..input.array()? {
            let (insert, from, to) = sequence.read_hidden(input)?;
            if last.is_some_and(|last| last >= (insert, from)) {
                return Err(StateError::Order);
            }
            sequence.hidden.insert((insert, from), to);
            last = Some((insert, to));
        }
        if sequence.is_empty() { Err(StateError::Operation) } else { Ok(sequence) }
    }

    fn read_insert(
        &self,
        kind: Kind,
        input: &mut Decoder<'_>,
        bytes: &Bytes,
        versions: NodeId,
    ) -> Result<Insert, StateError> {
        array_of(input, 5)?;
        let id = read_id(input, versions, self.inserts.last().map(|last| last.id))?;
        let anchor = if input.try_null() {
            None
        } else {
            array_of(input, 3)?;
            let (insert, offset) = (number(input)?, number(input)?);
            let side = match input.uint()? {
                0 => Side::Left,
                1 => Side::Right,
                _ => return Err(StateError::Operation),
            };
            let on = self.insert(insert).filter(|on| offset < on.length);
            Some(on.map(|_| Anchor { insert, offset, side }).ok_or(StateError::Operation)?)
        };
        let length = number(input)?;
        let content = if input.try_null() {
            (length > 0).then_some(None)
        } else {
            let content = bytes.slice_ref(input.raw()?);
            (count(kind, &content) == Some(length) && length > 0).then_some(Some(content))
        };
        Ok(Insert { id, anchor, length, content: content.ok_or(StateError::Operation)? })
    }

    fn read_hidden(&self, input: &mut Decoder<'_>) -> Result<(InsertNumber, u32, u32), StateError> {
        array_of(input, 3)?;
        let (insert, from, to) = (number(input)?, number(input)?, number(input)?);
        let on = self.insert(insert).filter(|on| on.content.is_some() && from < to && to <= on.length);
        on.map(|_| (insert, from, to)).ok_or(StateError::Operation)
    }
}

fn number(input: &mut Decoder<'_>) -> Result<u32, StateError> {
    u32::try_from(input.uint()?).map_err(|_| StateError::Operation)
}
