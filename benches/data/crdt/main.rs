//! Replicated types and clocks beside their peers: G1 to G5 and G12.
//!
//! `cargo bench --bench crdt -- set counter clock` runs only those parts. Workloads follow from [`SEED`], so byte
//! figures are the same in every run; times are the processor's.

mod clock;
mod counter;
mod live;
mod peers;
mod set;
mod workload;

use civic_figures::{Outcome, busy, figure};

/// Where every workload comes from.
pub const SEED: u64 = 0x0051_7065_6564;

#[global_allocator]
static LIVE: live::Counting = live::Counting;

fn main() -> Outcome {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let runs = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    if runs("set") {
        set::run()?;
    }
    if runs("counter") {
        counter::run()?;
    }
    if runs("clock") {
        clock::run()?;
    }
    figure("load", "processes that wanted to run at the end", "processes", &busy()?);
    Ok(())
}
