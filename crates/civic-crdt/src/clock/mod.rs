//! Logical time: [`Dot`] names one event, [`VersionVector`] counts them, [`HlcGenerator`] stamps them.

mod dot;
mod generator;
mod vector;

pub use dot::Dot;
pub use generator::{ClockError, DEFAULT_MAX_DRIFT, HlcGenerator, Observed, RESERVED_AHEAD};
pub use vector::VersionVector;
