//! Types of which replicas merge whole states.

mod history;
mod join;
mod play;
mod step;

use std::fmt::Debug;

use civic_types::{ReplicaId, Value};
use proptest::prelude::BoxedStrategy;

use super::law::{self, Violation};
use crate::merge::Crdt;
pub use history::{Event, Seen};

/// A type that the kit can drive.
pub trait Lawful: Crdt + Debug {
    /// One local change.
    type Change: Clone + Debug + 'static;

    /// The state that every replica starts from.
    fn start() -> Self;

    /// Any local change; few distinct values make concurrent changes meet.
    fn changes() -> BoxedStrategy<Self::Change>;

    /// Makes a local change on behalf of a replica.
    fn change(&mut self, replica: ReplicaId, change: &Self::Change);

    /// What a user sees; `None` if the type does not say what its changes mean.
    fn shown(&self) -> Option<Value> {
        None
    }

    /// What a user must see after the changes that a replica has seen; said without merging.
    ///
    /// Source: Burckhardt et al., *Replicated Data Types: Specification, Verification, Optimality*, 2014.
    fn meant(_seen: &Seen<'_, Self::Change>) -> Option<Value> {
        None
    }
}

/// Checks every law of states on what random histories reach; the same histories in every run.
///
/// # Errors
///
/// [`Violation`]: the first law found broken.
pub fn check<T: Lawful>() -> Result<(), Violation> {
    law::run(&step::histories::<T::Change>(T::changes()), &play::broken::<T>)
}
