#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use civic_types::CollectionId;
use civic_types::cbor::{self, Decoder};
use civic_types::limits::MAX_SYNC_FRAME_BYTES;

use super::parts::MAX_FRAME_PROOFS;
use super::{Frame, LogHead, MAX_HEADS, MAX_SCOPES, Mode, PROTOCOL, ScopeFrame, Wanted};
use crate::table::Cursor;

/// Longest collection definition in a frame.
const MAX_SPEC_BYTES: usize = 512;

/// Elements of each frame, by its tag.
const ELEMENTS: [usize; 17] = [3, 2, 4, 5, 4, 5, 5, 4, 5, 5, 3, 3, 2, 4, 6, 4, 5];

impl Frame {
    /// Reads one frame.
    ///
    /// # Errors
    ///
    /// [`cbor::Error`] unless the bytes are at most 256 KiB and exactly what [`encode`](Self::encode) writes.
    pub fn decode(bytes: &Bytes) -> Result<Self, cbor::Error> {
        let mut input = Decoder::new(bytes);
        if bytes.len() > MAX_SYNC_FRAME_BYTES {
            return Err(range(&input));
        }
        let elements = input.array()?;
        let tag = input.uint()?;
        if usize::try_from(tag).ok().and_then(|tag| ELEMENTS.get(tag)) != Some(&elements) {
            return Err(range(&input));
        }
        let frame = Self::decode_body(tag, bytes, &mut input)?;
        input.finish()?;
        Ok(frame)
    }

    fn decode_body(tag: u64, all: &Bytes, input: &mut Decoder<'_>) -> Result<Self, cbor::Error> {
        match tag {
            0 if input.uint()? != PROTOCOL => return Err(range(input)),
            0 => return Ok(Self::Proof(list(input, MAX_FRAME_PROOFS, Decoder::byte_array)?)),
            1 => return Ok(Self::Nudge { token: input.uint()? }),
            13 => {
                let (collection, block) = (collection(input)?, input.link()?);
                return Ok(Self::WantBlock { collection, block, offset: input.uint()? });
            }
            14 => {
                let (collection, block, offset) = (collection(input)?, input.link()?, input.uint()?);
                let (total, bytes) = (input.uint()?, all.slice_ref(input.bytes()?));
                return Ok(Self::Block { collection, block, offset, total, bytes });
            }
            _ => {}
        }
        let round = input.uint()?;
        Ok(match tag {
            2 => Self::Hello { round, token: input.uint()?, summary: input.byte_array()? },
            3 => {
                let scopes = list(input, MAX_SCOPES, ScopeFrame::decode)?;
                let definitions = definitions(all, input)?;
                Self::Scopes { round, scopes, definitions, wanted: list(input, MAX_SCOPES, collection)? }
            }
            4 => {
                let modes = list(input, 2 * MAX_SCOPES, |input| {
                    exactly(input, 2)?;
                    Ok((input.uint()?, Mode::decode(input)?))
                })?;
                Self::Modes { round, modes, definitions: definitions(all, input)? }
            }
            11 => {
                let scopes = list(input, 2 * MAX_SCOPES, |input| {
                    exactly(input, 3)?;
                    Ok((input.uint()?, input.byte_array()?, Cursor::decode_from(input)?))
                })?;
                Self::Done { round, scopes }
            }
            12 => Self::Abort { round },
            _ => return Self::decode_scoped(tag, round, all, input),
        })
    }

    /// Frames about one scope of a round.
    fn decode_scoped(
        tag: u64,
        round: u64,
        all: &Bytes,
        input: &mut Decoder<'_>,
    ) -> Result<Self, cbor::Error> {
        let scope = input.uint()?;
        Ok(match tag {
            5 => {
                let ids = all.slice_ref(input.bytes()?);
                Self::List { round, scope, ids, last: input.bool()? }
            }
            6 => {
                let start = input.uint()?;
                Self::Symbols { round, scope, start, symbols: all.slice_ref(input.bytes()?) }
            }
            7 => Self::More { round, scope, count: input.uint()? },
            8 => {
                let bits = input.bool()?;
                let wanted = all.slice_ref(input.bytes()?);
                let wanted = if bits { Wanted::Bits(wanted) } else { Wanted::Ids(wanted) };
                Self::Want { round, scope, wanted }
            }
            9 => {
                let pack = if input.try_null() { None } else { Some(all.slice_ref(input.bytes()?)) };
                Self::Data { round, scope, pack, last: input.bool()? }
            }
            10 => Self::Ack { round, scope },
            15 => Self::Heads { round, scope, ids: all.slice_ref(input.bytes()?) },
            16 => {
                let wanted = all.slice_ref(input.bytes()?);
                Self::Logs { round, scope, wanted, logs: list(input, MAX_HEADS, LogHead::decode)? }
            }
            _ => return Err(range(input)),
        })
    }
}

fn definitions(all: &Bytes, input: &mut Decoder<'_>) -> Result<Vec<Bytes>, cbor::Error> {
    list(input, MAX_SCOPES, |input| {
        let bytes = input.bytes()?;
        if bytes.len() > MAX_SPEC_BYTES { Err(range(input)) } else { Ok(all.slice_ref(bytes)) }
    })
}

fn collection(input: &mut Decoder<'_>) -> Result<CollectionId, cbor::Error> {
    Ok(CollectionId::from_bytes(input.byte_array()?))
}

pub(super) fn exactly(input: &mut Decoder<'_>, elements: usize) -> Result<(), cbor::Error> {
    if input.array()? == elements { Ok(()) } else { Err(range(input)) }
}

fn list<'a, T>(
    input: &mut Decoder<'a>,
    limit: usize,
    mut one: impl FnMut(&mut Decoder<'a>) -> Result<T, cbor::Error>,
) -> Result<Vec<T>, cbor::Error> {
    let count = input.array()?;
    if count > limit {
        return Err(range(input));
    }
    (0..count).map(|_| one(input)).collect()
}

pub(super) fn range(input: &Decoder<'_>) -> cbor::Error {
    cbor::Error { kind: cbor::ErrorKind::Range, offset: input.offset() }
}
