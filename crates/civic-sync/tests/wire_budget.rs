//! What finding a difference costs on the wire, against the budgets of docs/benchmarks.md (R1, R7): both ends'
//! frames but those that carry data, over sets of a million, with no store and no link between.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

mod wire_budget {
    pub(crate) mod model;
}

use wire_budget::model::{Bytes, Pair, ids};

/// n ids on both sides, of which so many are only on the leader's and so many only on the follower's.
fn pair(n: u64, leaders: u64, followers: u64, seed: u64) -> Pair {
    let common = ids(seed, n - leaders.max(followers));
    let leader = [&common[..], &ids(seed + 1000, leaders)].concat();
    let follower = [&common[..], &ids(seed + 2000, followers)].concat();
    Pair::new(leader, follower)
}

/// Bytes until both know what either lacks; the sets are equal afterwards.
fn identified(mut pair: Pair) -> Bytes {
    let bytes = pair.run();
    pair.assert_equal();
    bytes
}

#[test]
fn r1_a_difference_costs_by_its_size_and_not_by_that_of_the_sets() {
    let budgets = [(100, 2150), (1000, 18_500), (10_000, 183_000)];
    for n in [1000, 100_000, 1_000_000] {
        for (d, budget) in budgets.into_iter().filter(|(d, _)| *d < n) {
            for seed in 0..if n == 1_000_000 { 1 } else { 5 } {
                for (leaders, followers) in [(d / 2, d / 2), (d, 0), (0, d)] {
                    let spent = identified(pair(n, leaders, followers, seed)).identification;
                    println!("R1 n={n} d={leaders}+{followers} seed={seed}: {spent} B of {budget}");
                    assert!(spent <= budget, "n={n} d={leaders}+{followers} seed={seed}: {spent} B");
                }
            }
        }
    }
}

#[test]
fn r1_sets_that_differ_in_half_their_items_are_listed() {
    for seed in 0..5 {
        let spent = identified(pair(1000, 500, 500, seed)).identification;
        println!("R1 n=d=1000 seed={seed}: {spent} B of 4300");
        assert!(spent <= 4300, "seed={seed}: {spent} B");
    }
}

#[test]
fn r7_a_known_peer_is_sent_what_is_new_without_any_id() {
    let mut costs = Vec::new();
    for d in [1, 10, 100, 1000, 10_000] {
        let mut pair = pair(100_000, 1, 1, 7);
        pair.run();
        // Both remember how far they have read each other.
        pair.write(d, d / 2);
        let bytes = pair.run();
        pair.assert_equal();
        println!("R7 d={d}: {} B, {} B with the end", bytes.identification, bytes.identification + bytes.end);
        assert!(bytes.identification + bytes.end <= 320, "d={d}: {bytes:?}");
        costs.push(bytes.identification + bytes.end);
    }
    let spread = costs.iter().max().unwrap() - costs.iter().min().unwrap();
    assert!(spread <= 8, "flat but for the width of numbers: {costs:?}");
}

/// Negative control: the same count for a peer that is not known shows that the budget is not met by accident.
#[test]
fn without_a_cursor_the_same_difference_costs_more_than_the_budget_of_a_known_peer() {
    let spent = identified(pair(100_000, 1000, 500, 7)).identification;
    assert!(spent > 10 * 320, "{spent} B");
}

#[test]
fn equal_sets_are_found_equal_in_one_flight() {
    let mut pair = pair(100_000, 0, 0, 3);
    let bytes = pair.run();
    assert!(bytes.identification <= 64 && bytes.flights <= 2, "{bytes:?}");
}

#[test]
fn sets_of_every_proportion_become_equal_also_when_they_grow_meanwhile() {
    for seed in 0..60 {
        let n = [0, 1, 60, 900, 1100, 5000][usize::try_from(seed % 6).unwrap()];
        let (leaders, followers) = (seed * 37 % 400, seed * 91 % 700);
        let common = ids(seed, n);
        let mut pair = Pair::new(
            [&common[..], &ids(seed + 1000, leaders)].concat(),
            [&common[..], &ids(seed + 2000, followers)].concat(),
        );
        pair.growing = seed % 2 == 0;
        pair.run();
        pair.assert_equal();
    }
}

#[test]
fn a_poisoned_sketch_costs_time_and_is_found_out() {
    let mut pair = pair(5000, 50, 50, 1);
    pair.poisoned = true;
    let bytes = pair.run();
    pair.assert_equal();
    let list = 5000 * 5;
    assert!(bytes.identification < 4 * list, "{bytes:?}");
}
