//! Three to ten devices over a lossy network in virtual time: whatever is lost, repeated, delayed, cut or
//! restarted, all end with equal roots and every acknowledged write.
//!
//! `CIVIC_SEED=17` runs one seed, `CIVIC_SEEDS=2000` so many.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

mod simulation {
    pub(crate) mod scenario;
    pub(crate) mod world;
}

use simulation::scenario;

const DEFAULT_SEEDS: u64 = 300;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn every_seed_converges_with_every_acknowledged_write() {
    let seeds = match from_environment("CIVIC_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_environment("CIVIC_SEEDS").unwrap_or(DEFAULT_SEEDS),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for seed in seeds {
        if let Err(why) = runtime.block_on(scenario::run(seed)) {
            panic!(
                "seed {seed}: {why}\nreplay: CIVIC_SEED={seed} cargo test -p civic-sync --test simulation"
            );
        }
    }
}

#[test]
fn one_seed_gives_the_same_run_twice() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let first = runtime.block_on(scenario::run(5)).unwrap();
    let second = runtime.block_on(scenario::run(5)).unwrap();
    assert_eq!(first, second);
    assert_ne!(first, runtime.block_on(scenario::run(6)).unwrap());
}

#[test]
fn without_the_last_heal_the_checks_fail() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = (0..10).filter(|seed| runtime.block_on(scenario::run_unhealed(*seed)).is_err()).count();
    assert_eq!(refused, 10, "the checks must notice devices that never met");
}
