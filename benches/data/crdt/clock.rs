//! G12: a reading of the hybrid logical clock, on the system's clock.

use std::hint::black_box;
use std::sync::Arc;

use civic_crdt::HlcGenerator;
use civic_figures::{Outcome, beside, cpu, rounds};
use civic_types::PeerId;
use civic_types::cell::MemoryCell;
use civic_types::time::{SystemClock, Timestamp};
use uhlc::HLC;

/// Readings in a round.
const TICKS: usize = 1_000_000;

pub fn run() -> Outcome {
    let peer = PeerId::from_bytes([7; 32]);
    let cell = Arc::new(MemoryCell::new());
    let ours = HlcGenerator::new(peer, Arc::new(SystemClock), cell, Timestamp::default())?;
    let theirs = HLC::default();
    for _ in 0..1000 {
        // Both must rise, or they do not do the same work.
        if ours.tick()? >= ours.tick()? || theirs.new_timestamp() >= theirs.new_timestamp() {
            return Err("a clock went back".into());
        }
    }
    let (a, b) = rounds(|| ticks(|| ours.tick()), || ticks(|| theirs.new_timestamp()));
    beside("G12", "hybrid logical clock: one reading", "ns", &a, "uhlc 0.9", &b);
    Ok(())
}

/// Nanoseconds a reading.
fn ticks<T>(tick: impl Fn() -> T) -> f64 {
    cpu(|| (0..TICKS).for_each(|_| drop(black_box(tick())))).1 / TICKS as f64
}
