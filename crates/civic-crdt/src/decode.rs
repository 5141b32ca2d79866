//! Reading states back: the one error, and the bounds that every type shares.

use civic_types::ReplicaId;
use civic_types::cbor::{self, Decoder, ErrorKind, Limits};
use civic_types::limits::MAX_VALUE_BYTES;

/// Longest state or delta in bytes that decoding takes: that of a value that stands alone.
pub const MAX_STATE_BYTES: usize = MAX_VALUE_BYTES;

/// Most replicas of one state that decoding takes: a city's devices, and a megabyte of their ids.
pub const MAX_REPLICAS: usize = 65_536;

/// Most events of one replica that decoding takes: half of what can be counted, so that no bytes from outside
/// keep a writer from counting on.
pub const MAX_EVENTS: u64 = u64::MAX / 2;

/// Why bytes are not a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not canonical CBOR, or not the fields of this type.
    #[error("not the fields of this type")]
    Cbor(#[from] cbor::Error),
    /// Fields that contradict each other: no replica could have written them.
    #[error("contradictory state at byte {offset}")]
    Contradiction {
        /// Offset in bytes of the part at fault.
        offset: usize,
    },
    /// Parts that must strictly ascend and do not.
    #[error("parts out of order at byte {offset}")]
    Order {
        /// Offset in bytes of the part at fault.
        offset: usize,
    },
    /// More parts than one state may have.
    #[error("{got} parts where a state may have {limit}")]
    TooMany {
        /// Parts announced.
        got: usize,
        /// Parts taken at most.
        limit: usize,
    },
}

/// Reads exactly one state.
pub(crate) fn whole<T>(
    bytes: &[u8],
    read: impl FnOnce(&mut Decoder<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut input = Decoder::with_limits(bytes, &Limits::DEPTH_ONLY.with_bytes(MAX_STATE_BYTES))?;
    let state = read(&mut input)?;
    input.finish()?;
    Ok(state)
}

/// Opens an array of exactly `len` fields.
pub(crate) fn fields(input: &mut Decoder<'_>, len: usize) -> Result<(), DecodeError> {
    let offset = input.offset();
    if input.array()? == len { Ok(()) } else { Err(range(offset).into()) }
}

/// Opens an array of at most `limit` parts and gives their number.
pub(crate) fn parts(input: &mut Decoder<'_>, limit: usize) -> Result<usize, DecodeError> {
    let got = input.array()?;
    if got > limit { Err(DecodeError::TooMany { got, limit }) } else { Ok(got) }
}

/// A replica that comes after `last`, which it replaces.
pub(crate) fn replica(
    input: &mut Decoder<'_>,
    last: &mut Option<ReplicaId>,
) -> Result<ReplicaId, DecodeError> {
    let offset = input.offset();
    let next = ReplicaId::from_bytes(input.byte_array()?);
    if last.is_some_and(|last| last >= next) {
        return Err(DecodeError::Order { offset });
    }
    *last = Some(next);
    Ok(next)
}

/// A number of `1..=max`.
pub(crate) fn positive(input: &mut Decoder<'_>, max: u64) -> Result<u64, DecodeError> {
    let offset = input.offset();
    match input.uint_up_to(max)? {
        0 => Err(range(offset).into()),
        number => Ok(number),
    }
}

pub(crate) const fn range(offset: usize) -> cbor::Error {
    cbor::Error { kind: ErrorKind::Range, offset }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Crdt, OrSet};

    #[test]
    fn a_state_that_is_too_long_is_refused_before_it_is_read() {
        let bytes = vec![0x80; MAX_STATE_BYTES + 1];
        let error = cbor::Error { kind: ErrorKind::Size, offset: MAX_STATE_BYTES };
        assert_eq!(OrSet::<u64>::decode_canonical(&bytes).unwrap_err(), DecodeError::Cbor(error));
    }

    #[test]
    fn bytes_behind_a_state_are_refused() {
        assert!(OrSet::<u64>::decode_canonical(&[0x80]).is_ok());
        let error = cbor::Error { kind: ErrorKind::Trailing, offset: 1 };
        assert_eq!(OrSet::<u64>::decode_canonical(&[0x80, 0x80]).unwrap_err(), DecodeError::Cbor(error));
    }
}
