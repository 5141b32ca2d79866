use std::cell::Cell;
use std::env;
use std::fmt::Debug;

use proptest::prelude::BoxedStrategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Histories tried for each type unless the environment says how many.
pub const CASES: u32 = 1000;

/// Environment variable with another number of histories, for long runs.
pub const CASES_VARIABLE: &str = "CIVIC_LAW_CASES";

/// Environment variable with the number that all histories are made from; 0 if it is not set.
pub const SEED_VARIABLE: &str = "CIVIC_LAW_SEED";

/// What the kit checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Law {
    /// A fold admits, parks and refuses by a version's ancestors alone, and knows what it has.
    Admission,
    /// The same versions show the same in whatever order they came.
    AnyOrder,
    /// `(a ∪ b) ∪ c = a ∪ (b ∪ c)`.
    Associative,
    /// Decoding takes exactly the bytes that encoding writes, and gives the state back.
    Canonical,
    /// A clock is after every time that it adopted since it started, and adopts what its wall clock has reached.
    ClockFollows,
    /// A clock is after all that it ever told, whatever the wall clock does and through restarts.
    ClockRises,
    /// Nobody else's time drags a clock further ahead than the drift that is allowed.
    ClockStays,
    /// `a ∪ b = b ∪ a`.
    Commutative,
    /// A delta gives what the full state gives, also one that comes late or was made for somebody behind.
    DeltaIsFull,
    /// `Changed` is told exactly when the canonical bytes differ.
    EffectIsTold,
    /// A fold shows what the text of the format says of its versions.
    FoldIsText,
    /// A delta for somebody further on does no harm: merging the full state still gives the union.
    GapIsHarmless,
    /// A local change only adds: merging what was before changes nothing.
    Growing,
    /// Merging again changes nothing.
    Idempotent,
    /// A body that comes late counts as if it had always been there.
    LateBodies,
    /// A replica shows what the changes that it has seen mean.
    Meaning,
    /// Reading the past gives what the text says of the ancestors alone.
    PastIsText,
    /// Pruned, a fold shows the same, and nothing that was pruned comes back.
    PruningKeeps,
    /// Saved and loaded, a fold goes on as if nothing had been.
    SavingKeeps,
    /// Of two states, one whose version dominates has nothing to learn: exchanging versions is enough to sync.
    VersionTells,
}

/// A law that a type broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the law {law:?} is broken (seed {seed}) by {history}")]
#[non_exhaustive]
pub struct Violation {
    /// The law.
    pub law: Law,
    /// What the histories were made from.
    pub seed: u64,
    /// The shortest history found that breaks it.
    pub history: String,
}

/// Tries histories until one breaks a law, and then shorter ones that break the same law.
///
/// Nothing here depends on the type that is checked, so that many types do not take long to compile.
pub(super) fn run<H: Debug + 'static>(
    histories: &BoxedStrategy<H>,
    broken: &dyn Fn(&H) -> Option<Law>,
) -> Result<(), Violation> {
    let seed = variable(SEED_VARIABLE).unwrap_or_default();
    let cases = variable(CASES_VARIABLE).and_then(|cases| u32::try_from(cases).ok()).unwrap_or(CASES);
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: SHRINK_STEPS, ..Config::default() };
    let bytes: Vec<u8> = seed.to_be_bytes().into_iter().cycle().take(32).collect();
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let first: Cell<Option<Law>> = Cell::default();
    let outcome = runner.run(histories, |history| match (broken(&history), first.get()) {
        (Some(law), None) => {
            first.set(Some(law));
            Err(TestCaseError::fail("broken"))
        }
        (Some(law), Some(same)) if law == same => Err(TestCaseError::fail("broken")),
        _ => Ok(()),
    });
    let (Err(error), Some(law)) = (outcome, first.get()) else { return Ok(()) };
    let history = match error {
        TestError::Fail(_, history) => format!("{history:?}"),
        TestError::Abort(reason) => reason.to_string(),
    };
    Err(Violation { law, seed, history })
}

/// Shorter histories tried after the first that breaks a law.
const SHRINK_STEPS: u32 = 2000;

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}
