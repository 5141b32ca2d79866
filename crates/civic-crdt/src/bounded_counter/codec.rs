use std::collections::BTreeMap;

use civic_types::ReplicaId;
use civic_types::cbor::{Decoder, Encoder};

use super::{BoundedCounter, BoundedCounterDelta, Row};
use crate::clock::VersionVector;
use crate::decode::{self, DecodeError, MAX_EVENTS, MAX_REPLICAS};
use crate::element::Element;
use crate::rows::Rows;

impl BoundedCounterDelta {
    /// The bytes that travel: `[since, counter with the rows that are news]`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.since.write(out.array(2));
        write(&self.news, &mut out);
        out.into_bytes()
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for any other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::whole(bytes, |input| {
            decode::fields(input, 2)?;
            Ok(Self { since: VersionVector::read(input)?, news: read(input)? })
        })
    }
}

pub(super) fn encode(counter: &BoundedCounter) -> Vec<u8> {
    let mut out = Encoder::new();
    write(counter, &mut out);
    out.into_bytes()
}

pub(super) fn decode(bytes: &[u8]) -> Result<BoundedCounter, DecodeError> {
    decode::whole(bytes, |input| {
        let offset = input.offset();
        let counter = read(input)?;
        if sound(&counter) { Ok(counter) } else { Err(DecodeError::Contradiction { offset }) }
    })
}

fn write(counter: &BoundedCounter, out: &mut Encoder) {
    counter.bound.write(out.array(2));
    out.array(counter.rows.iter().len());
    for (replica, row) in counter.rows.iter() {
        out.array(5).bytes(replica.as_bytes()).uint(row.events).uint(row.created).uint(row.spent);
        out.array(row.given.len());
        for (to, amount) in &row.given {
            out.array(2).bytes(to.as_bytes()).uint(*amount);
        }
    }
}

fn read(input: &mut Decoder<'_>) -> Result<BoundedCounter, DecodeError> {
    decode::fields(input, 2)?;
    let bound = i64::read(input)?;
    let (mut rows, mut last) = (Rows::new(), None);
    for _ in 0..decode::parts(input, MAX_REPLICAS)? {
        decode::fields(input, 5)?;
        let replica = decode::replica(input, &mut last)?;
        let events = decode::positive(input, MAX_EVENTS)?;
        let (created, spent) = (input.uint()?, input.uint()?);
        let given = read_given(input, replica)?;
        rows.push_greatest(replica, Row { events, created, spent, given });
    }
    Ok(BoundedCounter { bound, rows })
}

fn read_given(input: &mut Decoder<'_>, giver: ReplicaId) -> Result<BTreeMap<ReplicaId, u64>, DecodeError> {
    let (mut given, mut last) = (BTreeMap::new(), None);
    for _ in 0..decode::parts(input, MAX_REPLICAS)? {
        let offset = input.offset();
        decode::fields(input, 2)?;
        let to = decode::replica(input, &mut last)?;
        if to == giver {
            return Err(DecodeError::Contradiction { offset });
        }
        given.insert(to, decode::positive(input, u64::MAX)?);
    }
    Ok(given)
}

/// Whether no replica has spent or given more than its rights.
fn sound(counter: &BoundedCounter) -> bool {
    let mut balances: BTreeMap<_, i128> = BTreeMap::new();
    for (replica, row) in counter.rows.iter() {
        *balances.entry(*replica).or_default() += row.balance();
        for (to, amount) in &row.given {
            *balances.entry(*to).or_default() += i128::from(*amount);
        }
    }
    balances.values().all(|balance| *balance >= 0)
}
