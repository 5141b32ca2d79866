//! Agreement with the vectors of the formats, which an independent implementation made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and its numbers are small"
)]

mod admission;
mod common;
mod documents;
mod index;
mod sequences;
mod versions;
