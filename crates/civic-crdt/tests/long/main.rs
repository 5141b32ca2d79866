//! Long histories: the past without replay, opening without bodies, batches in any order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and its numbers are small"
)]

mod batch;
#[path = "../common/mod.rs"]
mod common;
#[path = "../laws/history.rs"]
mod history;
mod opened;
mod past;
mod shapes;
