//! The laws: of the primitives, of types that must be refused, and of documents.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and its numbers are small"
)]

#[path = "../common/mod.rs"]
mod common;
mod documents;
mod history;
mod model;
#[cfg(feature = "laws")]
mod primitives;
