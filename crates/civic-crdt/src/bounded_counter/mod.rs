//! [`BoundedCounter`]: a stock that many replicas spend from apart, and never below its bound.

mod codec;
mod row;

use civic_types::ReplicaId;

use crate::clock::VersionVector;
use crate::decode::DecodeError;
use crate::merge::{Crdt, Effect};
use crate::rows::Rows;
use row::Row;

/// A number that never falls below a bound, though replicas change it without asking each other.
///
/// What may be spent is divided into *rights*. Each replica holds those that its own increments created and
/// those that others transferred to it; a decrement spends the replica's own rights, and a replica that holds
/// too few is refused until somebody transfers some. So no schedule of partitions, repeats and reorderings
/// spends what is not there. Each replica id must be used by one writer only: a copy restored from a backup
/// would spend its rights again, and needs an id of its own.
///
/// ```
/// use civic_crdt::{BoundedCounter, Crdt};
/// use civic_types::ReplicaId;
///
/// let (a, b) = (ReplicaId::from_bytes([1; 16]), ReplicaId::from_bytes([2; 16]));
/// let mut here = BoundedCounter::at_least(0);
/// here.increment(a, 10)?;
/// here.transfer(a, b, 4)?;
/// let mut there = here.clone();
/// there.decrement(b, 4)?;
/// assert!(there.decrement(b, 1).is_err(), "its rights are spent, though 6 are left in all");
/// here.decrement(a, 6)?;
/// here.merge(&there);
/// assert_eq!(here.value(), 0);
/// # Ok::<(), civic_crdt::bounded_counter::RightsError>(())
/// ```
///
/// Source: Balegas et al., *Extending Eventually Consistent Cloud Databases for Enforcing Numeric Invariants*,
/// 2015.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundedCounter {
    bound: i64,
    rows: Rows<Row>,
}

/// What a [`BoundedCounter`] that is behind lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundedCounterDelta {
    since: VersionVector,
    news: BoundedCounter,
}

/// Why a counter was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RightsError {
    /// The replica holds fewer rights than the change needs.
    #[error("{needed} rights are needed and {held} are held")]
    Insufficient {
        /// Rights that the replica holds, as far as is known here.
        held: u64,
        /// Rights that the change needs.
        needed: u64,
    },
    /// A total of one replica would exceed 2^64 - 1.
    #[error("a total of the replica is full")]
    Overflow,
}

impl BoundedCounter {
    /// A counter that stands at its bound; every replica starts from the same bound.
    #[must_use]
    pub const fn at_least(bound: i64) -> Self {
        Self { bound, rows: Rows::new() }
    }

    /// Adds, and creates as many rights for `replica`.
    ///
    /// # Errors
    ///
    /// [`RightsError::Overflow`]; nothing changed.
    pub fn increment(&mut self, replica: ReplicaId, by: u64) -> Result<(), RightsError> {
        self.change(replica, |row| {
            row.created = row.created.checked_add(by)?;
            Some(())
        })
    }

    /// Takes away, and spends as many rights of `replica`.
    ///
    /// # Errors
    ///
    /// [`RightsError::Insufficient`] or [`RightsError::Overflow`]; nothing changed.
    pub fn decrement(&mut self, replica: ReplicaId, by: u64) -> Result<(), RightsError> {
        self.needs(&replica, by)?;
        self.change(replica, |row| {
            row.spent = row.spent.checked_add(by)?;
            Some(())
        })
    }

    /// Gives rights of `from`, on whose behalf this is, to another replica; giving to oneself changes nothing.
    ///
    /// # Errors
    ///
    /// [`RightsError::Insufficient`] or [`RightsError::Overflow`]; nothing changed.
    pub fn transfer(&mut self, from: ReplicaId, to: ReplicaId, amount: u64) -> Result<(), RightsError> {
        self.needs(&from, amount)?;
        if from == to || amount == 0 {
            return Ok(());
        }
        self.change(from, |row| {
            let given = row.given.entry(to).or_default();
            *given = given.checked_add(amount)?;
            Some(())
        })
    }

    /// The number: never below the bound.
    #[must_use]
    pub fn value(&self) -> i128 {
        // Exact: it would take 2^63 replicas to leave the range.
        let rights = self.rows.iter().map(|(_, row)| i128::from(row.created) - i128::from(row.spent));
        i128::from(self.bound) + rights.sum::<i128>()
    }

    /// The bound.
    #[must_use]
    pub const fn bound(&self) -> i64 {
        self.bound
    }

    /// What a replica may spend, as far as is known here; its own copy always knows best.
    #[must_use]
    pub fn rights(&self, replica: &ReplicaId) -> u64 {
        u64::try_from(self.balance(replica).max(0)).unwrap_or(u64::MAX)
    }

    /// Created and received less spent and given; below 0 only where the giver's row is not known yet.
    fn balance(&self, replica: &ReplicaId) -> i128 {
        let received = self.rows.iter().filter_map(|(_, row)| row.given.get(replica));
        let own = self.rows.get(replica).map_or(0, Row::balance);
        own + received.map(|amount| i128::from(*amount)).sum::<i128>()
    }

    fn needs(&self, replica: &ReplicaId, needed: u64) -> Result<(), RightsError> {
        let held = self.rights(replica);
        if held < needed { Err(RightsError::Insufficient { held, needed }) } else { Ok(()) }
    }

    fn change(
        &mut self,
        replica: ReplicaId,
        change: impl FnOnce(&mut Row) -> Option<()>,
    ) -> Result<(), RightsError> {
        let mut row = self.rows.get(&replica).cloned().unwrap_or_default();
        row.events = row.events.checked_add(1).ok_or(RightsError::Overflow)?;
        change(&mut row).ok_or(RightsError::Overflow)?;
        self.rows.set(replica, row);
        Ok(())
    }
}

/// Counters of different bounds are different counters; merged all the same they take the greater bound, so
/// that every order gives the same.
impl Crdt for BoundedCounter {
    type Delta = BoundedCounterDelta;

    fn merge(&mut self, other: &Self) -> Effect {
        let raised = other.bound > self.bound;
        self.bound = self.bound.max(other.bound);
        (self.rows.merge(&other.rows).is_changed() || raised).into()
    }

    /// Rows that spend what a row not in the delta gave are taken only where that row is known.
    fn apply(&mut self, delta: &BoundedCounterDelta) -> Effect {
        if self.version().dominates(&delta.since) { self.merge(&delta.news) } else { Effect::Unchanged }
    }

    fn delta_since(&self, since: &VersionVector) -> BoundedCounterDelta {
        let rows = self.rows.filtered(|replica, row| row.events > since.get(replica));
        BoundedCounterDelta { since: since.clone(), news: Self { bound: self.bound, rows } }
    }

    fn version(&self) -> VersionVector {
        self.rows.iter().map(|(replica, row)| (*replica, row.events)).collect()
    }

    /// `[bound, [[replica, events, created, spent, [[to, amount]…]]…]]`, ascending.
    fn encode_canonical(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// A state in which a replica has spent or given more than its rights is refused.
    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes)
    }
}

#[cfg(test)]
mod tests;
