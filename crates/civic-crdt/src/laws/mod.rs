//! The law kit: does a type keep the laws of [`Crdt`](crate::Crdt)?
//!
//! [`check`] plays random histories of three replicas that change and merge their copies, and then tries
//! every law on the states they reach. It answers with the law that broke and the shortest history found,
//! so that a test can also ask for a wrong type to be refused.
//!
//! ```
//! use civic_crdt::{PnCounter, laws};
//! laws::check::<PnCounter>()?;
//! # Ok::<(), laws::Violation>(())
//! ```

mod kit;
mod own;

pub use kit::{CASES, Law, Lawful, Violation, check};
