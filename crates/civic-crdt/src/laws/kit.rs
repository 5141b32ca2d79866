use std::fmt::{self, Debug};

use civic_types::ReplicaId;
use proptest::prelude::{BoxedStrategy, Strategy, any};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::merge::{Crdt, Effect};

/// Histories tried for each type.
pub const CASES: u32 = 512;

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
}

/// The laws of [`Crdt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// `(a ∪ b) ∪ c = a ∪ (b ∪ c)`.
    Associative,
    /// `a ∪ b = b ∪ a`.
    Commutative,
    /// A delta gives what the full state gives.
    DeltaIsFull,
    /// `Changed` is told exactly when the canonical bytes differ.
    EffectIsTold,
    /// A delta for somebody further on does no harm: merging the full state still gives the union.
    GapIsHarmless,
    /// Merging again changes nothing.
    Idempotent,
}

/// A law that a type broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the law {law:?} is broken by {history}")]
#[non_exhaustive]
pub struct Violation {
    /// The law.
    pub law: Law,
    /// The shortest history found that breaks it.
    pub history: String,
}

/// Checks every law on the states that random histories reach; the same histories in every run.
///
/// # Errors
///
/// [`Violation`]: the first law found broken.
pub fn check<T: Lawful>() -> Result<(), Violation> {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let steps = proptest::collection::vec(step::<T>(), 0..24);
    let outcome = runner.run(&steps, |steps| {
        broken::<T>(&steps).map_or(Ok(()), |law| Err(TestCaseError::fail(format!("{law:?}"))))
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(_, steps)) => {
            let law = broken::<T>(&steps).unwrap_or(Law::Idempotent);
            Err(Violation { law, history: format!("{steps:?}") })
        }
        // No history is ever rejected, so this only says that the kit itself is at fault.
        Err(TestError::Abort(reason)) => Err(Violation { law: Law::Idempotent, history: reason.to_string() }),
    }
}

const REPLICAS: usize = 3;

#[derive(Clone)]
enum Step<C> {
    Change { replica: usize, change: C },
    Merge { into: usize, from: usize },
}

impl<C: Debug> Debug for Step<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change { replica, change } => write!(f, "{replica}: {change:?}"),
            Self::Merge { into, from } => write!(f, "{into} ∪= {from}"),
        }
    }
}

fn step<T: Lawful>() -> impl Strategy<Value = Step<T::Change>> {
    (0..REPLICAS, 0..REPLICAS, T::changes(), any::<bool>()).prop_map(|(replica, from, change, merge)| {
        if merge { Step::Merge { into: replica, from } } else { Step::Change { replica, change } }
    })
}

/// Plays a history and gives the first law that its states break.
fn broken<T: Lawful>(steps: &[Step<T::Change>]) -> Option<Law> {
    let mut states: [T; REPLICAS] = std::array::from_fn(|_| T::start());
    let ids: [ReplicaId; REPLICAS] = [1, 2, 3].map(|number| ReplicaId::from_bytes([number; 16]));
    for step in steps {
        match step {
            Step::Change { replica, change } => {
                if let (Some(state), Some(id)) = (states.get_mut(*replica), ids.get(*replica)) {
                    state.change(*id, change);
                }
            }
            Step::Merge { into, from } => {
                if let (Some(other), Some(state)) = (states.get(*from).cloned(), states.get_mut(*into)) {
                    state.merge(&other);
                }
            }
        }
    }
    let [a, b, c] = &states;
    let every = [(a, b), (b, c), (c, a), (b, a)];
    every.into_iter().find_map(|(a, b)| broken_by_two(a, b)).or_else(|| broken_by_three(a, b, c))
}

fn broken_by_two<T: Lawful>(a: &T, b: &T) -> Option<Law> {
    let (union, effect) = merged(a, b);
    if merged(b, a).0.encode_canonical() != union.encode_canonical() {
        return Some(Law::Commutative);
    }
    for again in [a, b, &union] {
        let (twice, effect) = merged(&union, again);
        if twice.encode_canonical() != union.encode_canonical() || effect.is_changed() {
            return Some(Law::Idempotent);
        }
    }
    if effect.is_changed() != (a.encode_canonical() != union.encode_canonical()) {
        return Some(Law::EffectIsTold);
    }
    let mut by_delta = a.clone();
    let effect = by_delta.apply(&b.delta_since(&a.version()));
    if by_delta.encode_canonical() != union.encode_canonical() {
        return Some(Law::DeltaIsFull);
    }
    if effect.is_changed() != (a.encode_canonical() != union.encode_canonical()) {
        return Some(Law::EffectIsTold);
    }
    let mut gapped = T::start();
    gapped.apply(&union.delta_since(&a.version()));
    if merged(&gapped, &union).0.encode_canonical() != union.encode_canonical() {
        return Some(Law::GapIsHarmless);
    }
    None
}

fn broken_by_three<T: Lawful>(a: &T, b: &T, c: &T) -> Option<Law> {
    let left = merged(&merged(a, b).0, c).0;
    let right = merged(a, &merged(b, c).0).0;
    (left.encode_canonical() != right.encode_canonical()).then_some(Law::Associative)
}

fn merged<T: Lawful>(a: &T, b: &T) -> (T, Effect) {
    let mut union = a.clone();
    let effect = union.merge(b);
    (union, effect)
}
