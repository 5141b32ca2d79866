//! What happens to the sets: 100 000 adds and 50 000 removes that all have seen, then 12 500 changes on each side.

use civic_benches_data::{Random, SEED};

const ADDS: usize = 100_000;
const REMOVES: usize = 50_000;
/// Adds and removes of each side; there are half as many adds of elements that are there.
const APART: usize = 5_000;

/// A change, and which of two sides makes it.
#[derive(Clone)]
pub struct Change {
    pub side: usize,
    pub remove: bool,
    pub element: String,
}

pub struct Workload {
    /// What both sides have seen: they take turns.
    pub common: Vec<Change>,
    /// What each side does alone: adds, removes, and adds of elements that are there.
    pub apart: [Vec<Change>; 2],
}

pub fn workload() -> Workload {
    let mut random = Random(SEED);
    let add = |n: usize, side| Change { side, remove: false, element: element(n) };
    let remove = |n: usize, side| Change { side, remove: true, element: element(n) };
    let mut present: Vec<usize> = (0..ADDS).collect();
    let mut common: Vec<_> = present.iter().map(|n| add(*n, n % 2)).collect();
    for turn in 0..REMOVES {
        let gone = present.swap_remove(random.below(present.len()));
        common.push(remove(gone, turn % 2));
    }
    let apart = [0, 1].map(|side| {
        let mut mine = present.clone();
        let mut changes = Vec::new();
        for n in 0..APART {
            changes.push(add(ADDS + side * APART + n, side));
            changes.push(remove(mine.swap_remove(random.below(mine.len())), side));
            if n % 2 == 0 {
                changes.push(add(mine.swap_remove(random.below(mine.len())), side));
            }
        }
        changes
    });
    Workload { common, apart }
}

/// About as long as a generated document id.
fn element(number: usize) -> String {
    format!("household/{number:08}")
}
