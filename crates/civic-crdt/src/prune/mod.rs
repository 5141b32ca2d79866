//! Pruning: what every member has folded need not be kept as single versions any more.
//!
//! A member that holds a collection whole computes its index root (the frontier) and its snapshot and says
//! so in a [`Prune`]. Once every current member has said the same ([`complete`]), nobody can write anything
//! that has not seen the frontier, so the versions below it may go; a document goes on from its
//! snapshot. A silent member holds pruning up: to go on
//! without it, it must be removed first, by a signed decision and never by a timeout.

mod item;

pub use item::{MAX_MEMBERS, Members, Prune, PruneError, complete};
