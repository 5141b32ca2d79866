use civic_types::cbor::{Decoder, Encoder};

use super::delta::Part;
use super::{Key, OrSet, OrSetDelta};
use crate::clock::VersionVector;
use crate::decode::{self, DecodeError, MAX_EVENTS, MAX_REPLICAS};
use crate::element::Element;

impl<T: Element> OrSetDelta<T> {
    /// The bytes that travel: `[since, [[replica, count, [gap, length…], [gap, element…]]…]]`; the runs of old
    /// dots that are live, each by the dead dots before it and its own, then the new dots as in the set.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.since.write(out.array(2));
        out.array(self.parts.len());
        for part in &self.parts {
            out.array(4).bytes(part.replica.as_bytes()).uint(part.count).array(part.kept.len() * 2);
            let mut end = 0;
            for (first, last) in &part.kept {
                out.uint(first - end - 1).uint(last - first + 1);
                end = *last;
            }
            write_entries(
                &mut out,
                part.news.len(),
                part.news.iter().map(|(key, value)| (key.number, value)),
            );
        }
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
            let since = VersionVector::read(input)?;
            let (mut parts, mut last) = (Vec::new(), None);
            for _ in 0..decode::parts(input, MAX_REPLICAS)? {
                decode::fields(input, 4)?;
                let replica = decode::replica(input, &mut last)?;
                let count = decode::positive(input, MAX_EVENTS)?;
                let known = since.get(&replica);
                let kept = read_runs(input, known.min(count))?;
                let mut news = Vec::new();
                read_entries(input, count, |number, value| news.push((Key::new(number, &value), value)))?;
                if news.first().is_some_and(|(key, _)| key.number <= known) {
                    return Err(DecodeError::Contradiction { offset: input.offset() });
                }
                parts.push(Part { replica, count, kept, news });
            }
            Ok(Self { since, parts })
        })
    }
}

pub(super) fn encode<T: Element>(set: &OrSet<T>) -> Vec<u8> {
    let mut out = Encoder::new();
    out.array(set.logs.len());
    for (replica, log) in &set.logs {
        out.array(3).bytes(replica.as_bytes()).uint(log.count());
        write_entries(&mut out, log.len(), log.after(0).map(|(key, value)| (key.number, value)));
    }
    out.into_bytes()
}

pub(super) fn decode<T: Element>(bytes: &[u8]) -> Result<OrSet<T>, DecodeError> {
    decode::whole(bytes, |input| {
        let (mut set, mut keys, mut last) = (OrSet::new(), Vec::new(), None);
        for _ in 0..decode::parts(input, MAX_REPLICAS)? {
            decode::fields(input, 3)?;
            let log = set.log(decode::replica(input, &mut last)?);
            log.see(decode::positive(input, MAX_EVENTS)?);
            read_entries(input, log.count(), |number, value: T| {
                keys.push(log.push(Key::new(number, &value), value));
            })?;
        }
        set.index = keys.into_iter().collect();
        Ok(set)
    })
}

fn write_entries<'a, T: Element + 'a>(
    out: &mut Encoder,
    len: usize,
    entries: impl Iterator<Item = (u64, &'a T)>,
) {
    out.array(len * 2);
    let mut before = 0;
    for (number, value) in entries {
        value.write(out.uint(number - before));
        before = number;
    }
}

/// Reads `[gap, element…]` with numbers of `1..=count`.
fn read_entries<T: Element>(
    input: &mut Decoder<'_>,
    count: u64,
    mut entry: impl FnMut(u64, T),
) -> Result<(), DecodeError> {
    let mut number = 0;
    for _ in 0..pairs(input)? {
        number += decode::positive(input, count - number)?;
        entry(number, T::read(input)?);
    }
    Ok(())
}

/// Reads `[gap, length…]` of numbers of `1..=count`; no gap but the first is 0.
fn read_runs(input: &mut Decoder<'_>, count: u64) -> Result<Vec<(u64, u64)>, DecodeError> {
    let (mut runs, mut end) = (Vec::new(), 0);
    for nth in 0..pairs(input)? {
        let left = count - end;
        let gap = if nth == 0 { input.uint_up_to(left)? } else { decode::positive(input, left)? };
        let length = decode::positive(input, left - gap)?;
        runs.push((end + gap + 1, end + gap + length));
        end += gap + length;
    }
    Ok(runs)
}

/// Opens an array of pairs and gives their number.
fn pairs(input: &mut Decoder<'_>) -> Result<usize, DecodeError> {
    let offset = input.offset();
    match input.array()? {
        fields if fields % 2 == 0 => Ok(fields / 2),
        _ => Err(decode::range(offset).into()),
    }
}
