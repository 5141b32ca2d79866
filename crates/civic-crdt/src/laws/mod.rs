//! The law kit: does a type keep the laws of [`Crdt`](crate::Crdt)?
//!
//! [`check`] plays random histories of three to five replicas that change, merge, send deltas early, late and
//! twice, save, load and start again under a new id, and tries every [`Law`] on the states on the way. It
//! answers with the law that broke and the shortest history found, so that a test can also ask for a wrong
//! type to be refused.
//!
//! ```
//! use civic_crdt::{PnCounter, laws};
//! laws::check::<PnCounter>()?;
//! # Ok::<(), laws::Violation>(())
//! ```
//!
//! [`check_fold`] plays random histories of honest and hostile devices that write one document, and compares a
//! [`Folder`] with the [`Model`], which is the text of the format word for word.
//!
//! [`check_clock`] does so for hybrid logical clocks.
//!
//! Every run tries the same [`CASES`] histories; `CIVIC_LAW_CASES` asks for more, `CIVIC_LAW_SEED` for others.

mod clock;
mod fold;
mod law;
mod model;
mod own;
mod state;

pub use clock::{KeptGenerator, LawfulClock, check_clock};
pub use fold::{Folder, Shown, Trace, broken_fold, check_fold, trace_of};
pub use law::{CASES, CASES_VARIABLE, Law, SEED_VARIABLE, Violation};
pub use model::{FoldRules, Literal, Model, Op, Placement};
pub use state::{Event, Lawful, Seen, check};
