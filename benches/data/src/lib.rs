//! What several benches share: where chance comes from, households of eight fields, and who writes them.

mod author;
pub mod automerge;
mod household;
pub mod loro;
mod random;

pub use author::{Author, insert_all, shown};
pub use household::{Change, FIELDS, Fields, Scalar, edits, household};
pub use random::Random;

/// Where every workload comes from.
pub const SEED: u64 = 0x0051_7065_6564;
