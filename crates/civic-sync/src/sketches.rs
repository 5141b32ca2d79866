//! [`Following`]: a collection's sketch, following its arrival log.

use std::sync::Arc;

use bytes::Bytes;
use civic_store::{Record, RecordScan, WriteOp};
use civic_types::CollectionId;

use crate::error::Error;
use crate::reconcile::Sketch;
use crate::table::{self, Arrival, Chain};

/// Arrivals between two sketches in the store: so many are read at most before the first session after a start.
pub(crate) const CHECKPOINT_EVERY: u64 = 4096;

/// Arrivals that the sketch in memory may lag behind before a commit takes it along.
pub(crate) const MAX_LAG: u64 = 256;

/// Bytes of a sketch in one record.
const PART_BYTES: usize = 36 * 1024;

/// A sketch of the arrivals 1..=seq. It is a function of the log, which only grows; the chain tells whether it
/// is of this log.
#[derive(Clone, Debug)]
pub(crate) struct Following {
    pub(crate) seq: u64,
    pub(crate) chain: Chain,
    pub(crate) sketch: Arc<Sketch>,
}

impl Following {
    /// At the beginning of a log.
    pub(crate) fn new(epoch: &[u8; 16], symbols: usize) -> Self {
        Self { seq: 0, chain: *epoch, sketch: Arc::new(Sketch::new(symbols)) }
    }

    /// The arrivals that come next.
    pub(crate) fn next(&self, collection: &CollectionId) -> RecordScan {
        let prefix = Bytes::copy_from_slice(collection.as_bytes());
        RecordScan::table(table::ARRIVAL).prefix(prefix).after(table::arrival_key(collection, self.seq))
    }

    /// Takes arrivals that come next, up to `end`.
    pub(crate) fn take(&mut self, arrivals: &[Record], end: u64) -> Result<(), Error> {
        let sketch = Arc::make_mut(&mut self.sketch);
        for record in arrivals {
            if self.seq >= end {
                break;
            }
            if table::arrival_seq(&record.key)? != self.seq + 1 {
                return Err(Error::Damaged { what: "the arrival log" });
            }
            let arrival = Arrival::decode(&record.value)?;
            sketch.add(arrival.short);
            (self.seq, self.chain) = (self.seq + 1, arrival.chain);
        }
        Ok(())
    }

    /// The records that keep it.
    pub(crate) fn checkpoint(&self, collection: &CollectionId) -> Vec<WriteOp> {
        let bytes = [&self.seq.to_be_bytes()[..], &self.chain, &self.sketch.to_bytes()].concat();
        let parts = (0_u32..).zip(bytes.chunks(PART_BYTES));
        parts
            .map(|(part, bytes)| {
                let key = table::key(&[collection.as_bytes(), &part.to_be_bytes()]);
                table::put(table::SKETCH, key, bytes.to_vec())
            })
            .collect()
    }

    /// Reads the records that keep one; none where there is none.
    pub(crate) fn from_checkpoint(parts: &[Record]) -> Option<Self> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.value.iter().copied()).collect();
        let (seq, rest) = bytes.split_first_chunk::<8>()?;
        let (chain, symbols) = rest.split_first_chunk::<16>()?;
        let sketch = Arc::new(Sketch::from_bytes(symbols)?);
        Some(Self { seq: u64::from_be_bytes(*seq), chain: *chain, sketch })
    }
}
