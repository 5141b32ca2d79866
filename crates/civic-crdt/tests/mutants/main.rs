//! Deliberately wrong types, each of which the kit must refuse by the law that it breaks, and beside each kind a
//! right one of the same making that it must not.
#![cfg(feature = "laws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and its numbers are small"
)]

mod clocks;
mod counters;
mod dots;
mod folds;
mod registers;
mod toy;
