//! The writer: one thread per store that commits in groups.
//!
//! It takes all batches that wait, runs each over the state that the earlier ones left, writes the whole
//! group with one sync, and then answers all. So the price of a sync is shared by whoever waits for one.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use super::feed::seq_of;
use super::keys::meta;
use super::layer::{Changes, Layer};
use super::reader::Reader;
use super::reply::Answerer;
use super::row::{self, LogRow};
use super::transaction::Transaction;
use super::{FORMAT, Shared, batch_size};
use crate::adapter::{Maintain, ReadView, Report};
use crate::batch::{Commit, Durability, Origin, Precondition, WriteBatch};
use crate::engine::{Engine, KeyRange, Snapshot, Table};
use crate::error::Error;

/// Commits over the retention before the writer shortens the log by itself: trimming in steps costs less.
const TRIM_STEP: u64 = 256;

/// Most commits that leave the log with one group, so that no group waits long for it.
const MAX_TRIM: usize = 1024;

/// What the writer is asked.
#[derive(Debug)]
pub(super) enum Request {
    Commit(Submitted),
    Maintain(Maintain, Answerer<Result<Report, Error>>),
}

/// A batch on its way.
#[derive(Debug)]
pub(super) struct Submitted {
    pub(super) batch: WriteBatch,
    pub(super) origin: Origin,
    pub(super) reply: Answerer<Result<Commit, Error>>,
}

/// Runs until the store closes and everything handed over is done.
pub(super) fn run<E: Engine>(shared: &Shared<E>) {
    // Should this thread die against all care, nobody may wait for it for ever.
    let _guard = Guard(shared);
    while let Some(requests) = shared.queue.take_all() {
        let mut group = VecDeque::new();
        for request in requests {
            match request {
                Request::Commit(submitted) => group.push_back(submitted),
                Request::Maintain(task, reply) => {
                    shared.commit_group(std::mem::take(&mut group));
                    reply.answer(shared.maintain(task));
                }
            }
        }
        shared.commit_group(group);
    }
}

struct Guard<'a, E: Engine>(&'a Shared<E>);

impl<E: Engine> Drop for Guard<'_, E> {
    fn drop(&mut self) {
        self.0.queue.close();
        self.0.queue.clear();
        self.0.finish();
    }
}

impl<E: Engine> Shared<E> {
    fn commit_group(&self, group: VecDeque<Submitted>) {
        if group.is_empty() {
            return;
        }
        let attempt = catch_unwind(AssertUnwindSafe(|| self.attempt(&group)));
        let error = match attempt {
            Ok(Ok(outcomes)) => {
                group
                    .into_iter()
                    .zip(outcomes)
                    .for_each(|(submitted, outcome)| submitted.reply.answer(outcome));
                return;
            }
            Ok(Err(error)) => error,
            Err(_) => Error::backend(self.engine.name(), "the writer panicked"),
        };
        let alone = group.len() == 1;
        let mut first = Some(error);
        for submitted in group {
            // What made the group fail may concern one batch only, such as one that is too large for the
            // medium: each gets its own attempt and its own answer.
            match first.take_if(|_| alone) {
                Some(error) => submitted.reply.answer(Err(error)),
                None => self.commit_group(VecDeque::from([submitted])),
            }
        }
    }

    /// Runs the batches in order and writes what they changed; an error is the whole group's.
    fn attempt(&self, group: &VecDeque<Submitted>) -> Result<Vec<Result<Commit, Error>>, Error> {
        let (head, floor) = self.feed.reach();
        let base = self.engine.snapshot()?;
        let mut layer = Layer::new(&*base);
        let (mut seq, mut durability, mut outcomes) =
            (head, Durability::Relaxed, Vec::with_capacity(group.len()));
        for submitted in group {
            let outcome = self.transact(&layer, submitted, seq + 1);
            outcomes.push(outcome.map(|(commit, changes)| {
                if let Some(changes) = changes {
                    seq += 1;
                    layer.absorb(changes);
                }
                // A replayed batch must be as durable as it asks for, too.
                if submitted.batch.durability == Durability::Full {
                    durability = Durability::Full;
                }
                commit
            }));
        }
        let floor = if (seq + 1).saturating_sub(floor) >= self.config.log_retention.saturating_add(TRIM_STEP)
        {
            // A damaged log must not stop writes; `Maintain::Trim` says what is wrong with it.
            trim(&mut layer, seq, self.config.log_retention).unwrap_or(floor)
        } else {
            floor
        };
        if seq > head {
            if head == 0 {
                layer.set(Table::Meta, Bytes::from_static(meta::FORMAT), Some(number(&FORMAT.to_be_bytes())));
            }
            layer.set(Table::Meta, Bytes::from_static(meta::HEAD), Some(number(&seq.to_be_bytes())));
            let ops = layer.into_ops();
            // An open snapshot would keep the engine from cleaning up behind the write.
            drop(base);
            self.engine.write(&ops, durability)?;
            self.feed.advance(seq, floor);
        } else if durability == Durability::Full && outcomes.iter().any(Result::is_ok) {
            self.engine.maintain(Maintain::Flush)?;
        }
        Ok(outcomes)
    }

    /// Runs one batch; no changes when it had been committed before.
    fn transact(
        &self,
        before: &dyn Snapshot,
        submitted: &Submitted,
        seq: u64,
    ) -> Result<(Commit, Option<Changes>), Error> {
        let batch = &submitted.batch;
        let view = Reader { snapshot: before, keys: &self.keys };
        if let Some(key) = &batch.idempotency
            && let Some(done) = before.get(Table::Idempotency, key)?
        {
            return Ok((Commit { seq: row::decode_seq(&done)?, replayed: true }, None));
        }
        check_preconditions(batch, &view)?;
        let hooked = batch.hook.as_ref().map(|hook| {
            let mut hooked = WriteBatch { hook: None, ..batch.clone() };
            match catch_unwind(AssertUnwindSafe(|| hook.on_commit(&view, &mut hooked))) {
                Ok(done) => done.and_then(|()| batch_size::check_hooked(&hooked)).map(|()| hooked),
                Err(_) => Err(Error::hook("the hook panicked")),
            }
        });
        let hooked = hooked.transpose()?;
        let mut transaction = Transaction::new(before, &self.keys, seq);
        for (op, _) in &hooked.as_ref().unwrap_or(batch).ops {
            transaction.apply(op)?;
        }
        let changes = transaction.finish(submitted.origin, batch.idempotency);
        Ok((Commit { seq, replayed: false }, Some(changes)))
    }

    /// Shortens the log to its retention, in steps; gives how many commits left it.
    pub(super) fn trim_log(&self) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let (head, floor) = self.feed.reach();
            let base = self.engine.snapshot()?;
            let mut layer = Layer::new(&*base);
            let kept = trim(&mut layer, head, self.config.log_retention)?;
            if kept <= floor {
                return Ok(removed);
            }
            let ops = layer.into_ops();
            drop(base);
            self.engine.write(&ops, Durability::Full)?;
            self.feed.advance(head, kept);
            removed += kept - floor;
        }
    }
}

fn check_preconditions(batch: &WriteBatch, view: &dyn ReadView) -> Result<(), Error> {
    for (op, precondition) in &batch.ops {
        if *precondition == Precondition::None {
            continue;
        }
        let Some(key) = op.document() else {
            return Err(Error::InvalidRequest { what: "a precondition needs a document" });
        };
        let found = view.document(key)?;
        let holds = match precondition {
            Precondition::None => true,
            Precondition::Exists => found.is_some(),
            Precondition::NotExists => found.is_none(),
            Precondition::RevIs(rev) => found.is_some_and(|stored| stored.rev == *rev),
        };
        if !holds {
            return Err(Error::Precondition { key: key.clone() });
        }
    }
    Ok(())
}

/// Removes the oldest commits beyond the retention and gives the oldest that stays.
///
/// A commit's idempotency key leaves with it.
fn trim(layer: &mut Layer<'_>, head: u64, retention: u64) -> Result<u64, Error> {
    let keep_from = (head + 1).saturating_sub(retention).max(1);
    let rows = layer.scan(Table::Log, &KeyRange::all(), MAX_TRIM)?;
    let mut floor = 1;
    for (key, row) in rows {
        let Some(seq) = seq_of(&key) else { return Err(Error::Corrupt { what: "change log" }) };
        floor = seq;
        if seq >= keep_from {
            break;
        }
        if let Some(idempotency) = LogRow::decode(seq, &row)?.idempotency {
            layer.set(Table::Idempotency, Bytes::copy_from_slice(&idempotency), None);
        }
        layer.set(Table::Log, key, None);
        floor = seq + 1;
    }
    Ok(floor)
}

fn number(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
