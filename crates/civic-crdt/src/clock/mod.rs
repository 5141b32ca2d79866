//! Logical time: [`Dot`] names one event, [`VersionVector`] counts them, [`CausalContext`] holds any set of them;
//! [`HlcGenerator`] stamps them, and [`ClockTrust`] says whether its wall clock can be believed.

mod context;
mod dot;
mod generator;
mod trust;
mod vector;

pub use context::{CausalContext, MAX_EXCEPTIONS};
pub use dot::Dot;
pub use generator::{
    CRISIS_MAX_DRIFT, ClockError, ClockStanding, DEFAULT_MAX_DRIFT, HlcGenerator, Observed, RESERVED_AHEAD,
    Suspicion,
};
pub use trust::{ClockTrust, MAX_TRUSTED_PEERS, MIN_TRUSTED_PEERS};
pub use vector::VersionVector;
