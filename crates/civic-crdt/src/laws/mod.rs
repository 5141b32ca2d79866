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
//! Every run tries the same [`CASES`] histories; `CIVIC_LAW_CASES` asks for more, `CIVIC_LAW_SEED` for others.

mod law;
mod own;
mod state;

pub use law::{CASES, CASES_VARIABLE, Law, SEED_VARIABLE, Violation};
pub use state::{Event, Lawful, Seen, check};
