use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use civic_store::{Record, RecordScan};
use civic_types::{Cid, CollectionId, PeerId, ReplicaId};

use super::Replicated;
use super::state::{all, record};
use crate::error::Error;
use crate::reconcile::{Prefixes, SHORT_ID_BITS, ShortId, head_id, prefix};
use crate::session::{CID_PREFIX, LogHead, LogRange, MAX_HEADS, NewestOf};
use crate::table::{self, Arrival, Cursor, LogEntry, Newest, Place};

/// Arrivals that a push reads at a time.
const PAGE: usize = 256;

/// Items that one prefix of a short id means at most: honest ones mean one, seldom two.
const MAX_MEANT: usize = 16;

/// What is to be pushed to a peer, in order of arrival, and how far that has come.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    source: Source,
    /// Versions that went ahead of their turn, as the proof of others.
    pub(super) ahead: BTreeSet<Cid>,
}

#[derive(Clone, Debug)]
enum Source {
    /// What arrived after `seq`, but for what came from that peer.
    Arrivals { seq: u64, page: VecDeque<Place>, more: bool, except: Option<PeerId> },
    /// These.
    Places(VecDeque<Place>),
}

impl Push {
    const fn new(source: Source) -> Self {
        Self { source, ahead: BTreeSet::new() }
    }

    /// Of places with their numbers in the arrival log.
    fn of(mut places: Vec<(u64, Place)>) -> Self {
        places.sort_unstable();
        places.dedup();
        Self::new(Source::Places(places.into_iter().map(|(_, place)| place).collect()))
    }

    pub(super) fn is_done(&self) -> bool {
        match &self.source {
            Source::Arrivals { page, more, .. } => page.is_empty() && !more,
            Source::Places(places) => places.is_empty(),
        }
    }
}

fn head_of(replica: ReplicaId, position: u64, cid: &Cid) -> LogHead {
    LogHead {
        replica,
        position,
        cid: cid.digest().and_then(|hash| hash.first_chunk()).copied().unwrap_or_default(),
    }
}

/// Whether the CID of these bytes has a hash that begins so.
fn begins(cid: &[u8], prefix: &[u8; CID_PREFIX]) -> bool {
    Cid::from_bytes(cid).is_ok_and(|cid| cid.digest().is_some_and(|hash| hash.starts_with(prefix)))
}

impl Replicated {
    /// All that arrived after a place in our log, but for what came from that peer.
    pub(crate) async fn push_after(
        &self,
        collection: &CollectionId,
        seq: u64,
        except: Option<&PeerId>,
    ) -> Result<Push, Error> {
        let (page, except) = (VecDeque::new(), except.copied());
        let mut push = Push::new(Source::Arrivals { seq, page, more: true, except });
        self.turn_page(collection, &mut push).await?;
        Ok(push)
    }

    /// Those of the named items that are here.
    pub(crate) async fn push_ids(&self, collection: &CollectionId, ids: &[ShortId]) -> Result<Push, Error> {
        let mut places = Vec::new();
        for id in ids {
            for row in all(&*self.store, table::SHORT, &table::short_key(collection, *id, None)).await? {
                let (_, seq, place) = table::short_row(&row)?;
                places.push((seq, place));
            }
        }
        Ok(Push::of(places))
    }

    /// All items whose short id starts with one of these, but no more than [`MAX_MEANT`] for each.
    pub(crate) async fn push_prefixes(
        &self,
        collection: &CollectionId,
        wanted: &Prefixes,
    ) -> Result<Push, Error> {
        let shift = SHORT_ID_BITS.saturating_sub(wanted.bits);
        let mut places = Vec::new();
        for value in &wanted.values {
            let first = value << shift;
            // The greatest key below the first.
            let before = match first.checked_sub(1) {
                Some(id) => table::short_key(collection, id, Some(u64::MAX)),
                None => Bytes::copy_from_slice(collection.as_bytes()),
            };
            let scan = RecordScan::table(table::SHORT)
                .prefix(Bytes::copy_from_slice(collection.as_bytes()))
                .after(before)
                .limit(MAX_MEANT);
            for row in self.store.records(&scan).await?.items {
                let (id, seq, place) = table::short_row(&row)?;
                if prefix(id, wanted.bits) != *value {
                    break;
                }
                places.push((seq, place));
            }
        }
        Ok(Push::of(places))
    }

    /// What follows in authors' logs. A log that has another version at the place where the peer's ends is a
    /// fork, of which nothing is pushed: the fingerprints then differ, and the next round compares items.
    pub(crate) async fn push_logs(
        &self,
        collection: &CollectionId,
        ranges: &[LogRange],
    ) -> Result<Push, Error> {
        let mut places = Vec::new();
        for range in ranges {
            let log = table::key(&[collection.as_bytes(), range.replica.as_bytes()]);
            let mut after = log.clone();
            if let Some((position, cid)) = range.after {
                let at = table::log_prefix(collection, &range.replica, position);
                let same = |row: &Record| row.key.get(56..).is_some_and(|id| begins(id, &cid));
                if !all(&*self.store, table::LOG, &at).await?.iter().any(same) {
                    tracing::warn!(%collection, replica = %range.replica, position, "a log has forked");
                    continue;
                }
                after = table::key(&[&at, &[0xff; 40]]);
            }
            let mut scan = RecordScan::table(table::LOG).prefix(log).after(after);
            loop {
                let page = self.store.records(&scan).await?;
                for row in &page.items {
                    let entry = LogEntry::decode(&row.value)?;
                    places.push((entry.seq, entry.place));
                }
                match (page.next, page.items.last()) {
                    (Some(_), Some(last)) => scan = scan.after(last.key.clone()),
                    _ => break,
                }
            }
        }
        Ok(Push::of(places))
    }

    /// The newest versions of a collection's logs, ascending by their short ids; at most [`MAX_HEADS`].
    pub(crate) async fn heads(&self, collection: &CollectionId) -> Result<Arc<[NewestOf]>, Error> {
        let spec =
            self.shared.spec(collection).ok_or(Error::UnknownCollection { collection: *collection })?;
        let key = self.shared.scope_key(&spec)?;
        let prefix = Bytes::copy_from_slice(collection.as_bytes());
        let page =
            self.store.records(&RecordScan::table(table::LOG_HEAD).prefix(prefix).limit(MAX_HEADS)).await?;
        let head = |record: &Record| {
            let Newest { replica, position, cid } = Newest::decode(record)?;
            Ok(NewestOf {
                short: head_id(&key, &replica, position, &cid),
                head: head_of(replica, position, &cid),
            })
        };
        let mut heads = page.items.iter().map(head).collect::<Result<Vec<_>, Error>>()?;
        heads.sort_unstable_by_key(|head| head.short);
        Ok(heads.into())
    }

    /// Whether a peer's cursor names a prefix of our arrival log.
    pub(crate) async fn verifies(&self, collection: &CollectionId, cursor: &Cursor) -> Result<bool, Error> {
        if cursor.seq == 0 {
            return Ok(cursor.chain == self.shared.epoch);
        }
        let arrival =
            record(&*self.store, table::ARRIVAL, &table::arrival_key(collection, cursor.seq)).await?;
        let arrival = arrival.map(|bytes| Arrival::decode(&bytes)).transpose()?;
        Ok(arrival.is_some_and(|arrival| arrival.chain == cursor.chain))
    }

    /// The next place of a push.
    pub(super) async fn next_place(
        &self,
        collection: &CollectionId,
        push: &mut Push,
    ) -> Result<Option<Place>, Error> {
        let next = match &mut push.source {
            Source::Arrivals { page, .. } | Source::Places(page) => page.pop_front(),
        };
        // So that it is known early whether there is more.
        self.turn_page(collection, push).await?;
        Ok(next)
    }

    /// Reads on in the arrival log when what was read of it is used up.
    async fn turn_page(&self, collection: &CollectionId, push: &mut Push) -> Result<(), Error> {
        let Source::Arrivals { seq, page, more, except } = &mut push.source else { return Ok(()) };
        while page.is_empty() && *more {
            let scan = RecordScan::table(table::ARRIVAL)
                .prefix(Bytes::copy_from_slice(collection.as_bytes()))
                .after(table::arrival_key(collection, *seq))
                .limit(PAGE);
            let records = self.store.records(&scan).await?.items;
            *more = records.len() == PAGE;
            for record in records {
                *seq = table::arrival_seq(&record.key)?;
                let arrival = Arrival::decode(&record.value)?;
                if except.is_none() || arrival.source != *except {
                    page.push_back(arrival.place);
                }
            }
        }
        Ok(())
    }
}
