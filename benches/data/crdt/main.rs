//! Replicated types, documents and clocks beside their peers: G1 to G8 and G12.
//!
//! `cargo bench --bench crdt -- set counter documents clock` runs only those parts. Workloads follow from a seed, so
//! byte figures are the same in every run; times are the processor's.

mod clock;
mod counter;
mod documents;
mod live;
mod peers;
mod set;
mod workload;

use civic_figures::{Outcome, busy, figure};

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
    if runs("documents") {
        documents::run()?;
    }
    if runs("clock") {
        clock::run()?;
    }
    figure("load", "processes that wanted to run at the end", "processes", &busy()?);
    Ok(())
}
