//! Time as an argument: [`Timestamp`] and [`Tick`], [`Stamp`] and [`Hlc`], the seams [`Clock`] and
//! [`Timer`], and the only wall clock of the workspace, [`SystemClock`].

mod clock;
mod hlc;
mod manual;
#[cfg(feature = "tokio")]
mod tokio;

pub use clock::{Clock, Sleep, SystemClock, Tick, Timer, Timestamp};
pub use hlc::{Hlc, Stamp};
pub use manual::ManualClock;
#[cfg(feature = "tokio")]
pub use tokio::TokioTimer;
