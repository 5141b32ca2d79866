//! Inline bodies without what a receiver can work out: replicas stand for their record's number, dots for
//! their distance from the version's first.
#![warn(clippy::indexing_slicing)]

use civic_types::ReplicaId;
use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::limits::{MAX_INLINE_BODY_BYTES, MAX_KILLS, MAX_OPERATIONS};

use super::wire::{Input, Output};
use super::{MAX_PACK_REPLICAS, PackError, count};

/// The short form of a body; `None` if it breaks the grammar or names a replica without a number.
pub(super) fn shorten(
    body: &[u8],
    first_dot: u64,
    number_of: impl Fn(&ReplicaId) -> Option<usize>,
) -> Option<Output> {
    let input = &mut Decoder::new(body);
    let mut out = Output::default();
    array_of(input, 2).ok()?;
    let replicas = input.array().ok()?;
    out.uint(count(replicas));
    for _ in 0..replicas {
        out.uint(count(number_of(&ReplicaId::from_bytes(input.byte_array().ok()?))?));
    }
    let operations = input.array().ok()?;
    out.uint(count(operations));
    for _ in 0..operations {
        shorten_operation(input, body, first_dot, &mut out).ok()?;
    }
    input.clone().finish().ok()?;
    Some(out)
}

/// The body that a short form stands for.
pub(super) fn restore(
    input: &mut Input<'_>,
    first_dot: u64,
    replica_of: impl Fn(u64) -> Option<ReplicaId>,
) -> Result<Option<Vec<u8>>, PackError> {
    let mut out = Encoder::with_capacity(EXPECTED_BYTES);
    let replicas = input.count("replicas of a body", MAX_PACK_REPLICAS)?;
    out.array(2).array(replicas);
    for _ in 0..replicas {
        let Some(replica) = replica_of(input.uint()?) else { return Ok(None) };
        out.bytes(replica.as_bytes());
    }
    let operations =
        input.count("operations of a body", usize::try_from(MAX_OPERATIONS).unwrap_or(usize::MAX))?;
    out.array(operations);
    for _ in 0..operations {
        let start = input.prefixed("bytes of an inline body", MAX_INLINE_BODY_BYTES)?;
        let kills = input.count("kills of a body", MAX_KILLS)?;
        out.array(5).raw(start).array(kills);
        for _ in 0..kills {
            let replica = input.uint()?;
            out.array(2).uint(replica).uint(first_dot.wrapping_sub(unfold(input.uint()?)));
        }
        if out.as_bytes().len() > MAX_INLINE_BODY_BYTES {
            return Err(PackError::Limit { what: "bytes of an inline body", limit: MAX_INLINE_BODY_BYTES });
        }
    }
    Ok(Some(out.into_bytes()))
}

fn shorten_operation(
    input: &mut Decoder<'_>,
    body: &[u8],
    first_dot: u64,
    out: &mut Output,
) -> Result<(), cbor::Error> {
    array_of(input, 5)?;
    let start = input.offset();
    for _ in 0..4 {
        input.raw()?;
    }
    out.prefixed(body.get(start..input.offset()).unwrap_or_default());
    let kills = input.array()?;
    out.uint(count(kills));
    for _ in 0..kills {
        array_of(input, 2)?;
        out.uint(input.uint()?);
        out.uint(fold(first_dot.wrapping_sub(input.uint()?)));
    }
    Ok(())
}

fn array_of(input: &mut Decoder<'_>, length: usize) -> Result<(), cbor::Error> {
    let offset = input.offset();
    let wrong = cbor::Error { kind: cbor::ErrorKind::Type, offset };
    if input.array()? == length { Ok(()) } else { Err(wrong) }
}

/// 0, -1, 1, -2 … in 64 bits, where -1 is 2^64 - 1, as 0, 1, 2, 3 …
const fn fold(difference: u64) -> u64 {
    (difference << 1) ^ 0_u64.wrapping_sub(difference >> 63)
}

const fn unfold(folded: u64) -> u64 {
    (folded >> 1) ^ 0_u64.wrapping_sub(folded & 1)
}

/// Bytes that nearly every body of a plain edit fits.
const EXPECTED_BYTES: usize = 128;
