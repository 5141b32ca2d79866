//! The laws of replicated types and of documents.
#![cfg(feature = "laws")]
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
mod primitives;
