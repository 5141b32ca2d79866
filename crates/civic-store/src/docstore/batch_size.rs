//! Bounds of batches.

use civic_types::{Cid, FieldOp, Value};

use crate::batch::{Folded, MAX_BATCH_BYTES, MAX_BATCH_OPS, WriteBatch, WriteOp};
use crate::error::Error;

/// How many times more operations a hook may make of a batch: a version, its item, its index rows and the
/// fold for each one, with room to spare.
const HOOK_OPS_GROWTH: usize = 16;

/// How many times more bytes a hook may make of a batch.
const HOOK_BYTES_GROWTH: usize = 4;

/// Bytes that every operation costs besides its content.
const OP_BYTES: usize = 64;

/// Checks a batch as its caller gave it, and says how many bytes it has.
pub(super) fn check(batch: &WriteBatch) -> Result<usize, Error> {
    if batch.ops.iter().any(|(op, _)| matches!(op, WriteOp::Fold { .. })) {
        return Err(Error::InvalidRequest { what: "only a hook may fold" });
    }
    measure(batch, MAX_BATCH_OPS, MAX_BATCH_BYTES)
}

/// Checks a batch after its hook.
pub(super) fn check_hooked(batch: &WriteBatch) -> Result<(), Error> {
    measure(batch, MAX_BATCH_OPS * HOOK_OPS_GROWTH, MAX_BATCH_BYTES * HOOK_BYTES_GROWTH).map(drop)
}

fn measure(batch: &WriteBatch, ops: usize, bytes: usize) -> Result<usize, Error> {
    if batch.ops.len() > ops {
        return Err(Error::Limit { what: "operations of a batch", got: batch.ops.len(), limit: ops });
    }
    let got = batch.ops.iter().map(|(op, _)| OP_BYTES + op_bytes(op)).sum();
    if got > bytes { Err(Error::Limit { what: "bytes of a batch", got, limit: bytes }) } else { Ok(got) }
}

fn op_bytes(op: &WriteOp) -> usize {
    let document = op.document().map_or(0, |key| key.document.as_str().len());
    document
        + match op {
            WriteOp::Blob { bytes, .. } => bytes.len(),
            WriteOp::Fold { state: Some(Folded { value, heads, .. }), .. } => {
                value_bytes(value) + heads.iter().map(|head| head.as_bytes().len()).sum::<usize>()
            }
            WriteOp::Patch { ops, .. } => ops.iter().map(field_bytes).sum(),
            WriteOp::Put { value, base, .. } => {
                value_bytes(value)
                    + base.iter().flatten().map(|head: &Cid| head.as_bytes().len()).sum::<usize>()
            }
            WriteOp::Record { table, key, value } => {
                table.len() + key.len() + value.as_ref().map_or(0, |value| value.len())
            }
            _ => 0,
        }
}

fn field_bytes(op: &FieldOp) -> usize {
    let path: usize = op.path().segments().iter().map(String::len).sum();
    path + match op {
        FieldOp::Add { value, .. }
        | FieldOp::Append { value, .. }
        | FieldOp::Remove { value, .. }
        | FieldOp::Set { value, .. } => value_bytes(value),
        FieldOp::Splice { insert, .. } => 16 + insert.iter().map(value_bytes).sum::<usize>(),
        FieldOp::SpliceText { insert, .. } => 16 + insert.len(),
        _ => 8,
    }
}

/// What a value takes, about; cheaper than encoding it.
fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) => 5 + text.len(),
        Value::Bytes(bytes) => 5 + bytes.len(),
        Value::List(values) => 5 + values.iter().map(value_bytes).sum::<usize>(),
        Value::Map(map) => {
            5 + map.iter().map(|(key, value)| 5 + key.len() + value_bytes(value)).sum::<usize>()
        }
        Value::Link(cid) => 5 + cid.as_bytes().len(),
        _ => 9,
    }
}
