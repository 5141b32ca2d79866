//! From one list to another in few edits.

use std::ops::Range;

/// One edit: elements to remove at a place of the old list, and which of the new one to put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) at: usize,
    pub(super) remove: usize,
    pub(super) insert: Range<usize>,
}

/// The edits that make `new` of `old`, ascending and apart from each other.
///
/// What both begin and end with stays. Between, the fewest removals and insertions if [`MAX_STEPS`] of them
/// do, else all is replaced. Source: E. W. Myers, *An O(ND) Difference Algorithm and Its Variations*, 1986.
pub(super) fn edits<T: PartialEq>(old: &[T], new: &[T]) -> Vec<Edit> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (old.get(start..).unwrap_or_default(), new.get(start..).unwrap_or_default());
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let old = old.get(..old.len() - end).unwrap_or_default();
    let new = new.get(..new.len() - end).unwrap_or_default();
    if old.is_empty() && new.is_empty() {
        return Vec::new();
    }
    let whole = || vec![Edit { at: 0, remove: old.len(), insert: 0..new.len() }];
    let mut edits =
        if old.is_empty() || new.is_empty() { whole() } else { myers(old, new).unwrap_or_else(whole) };
    for edit in &mut edits {
        edit.at += start;
        edit.insert = edit.insert.start + start..edit.insert.end + start;
    }
    edits
}

/// The shortest way through the grid of both lists; `None` if it is longer than [`MAX_STEPS`].
fn myers<T: PartialEq>(old: &[T], new: &[T]) -> Option<Vec<Edit>> {
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for step in 0..=MAX_STEPS {
        let last = rows.last();
        let mut row = Vec::with_capacity(step + 1);
        for index in 0..=step {
            let x = last.map_or(0, |last| Move::to(last, index).end().0);
            let y = below(x, step, index);
            let (a, b) = (old.get(x..).unwrap_or_default(), new.get(y..).unwrap_or_default());
            let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
            if (x + same, y + same) == (old.len(), new.len()) {
                return Some(trace(&rows, index));
            }
            row.push(x + same);
        }
        rows.push(row);
    }
    None
}

/// One step to a diagonal, from the end of the best way to one of its neighbours.
///
/// The row of `n` steps holds how many old elements the best way to each diagonal −n, −n + 2, …, n has
/// passed; diagonal −n + 2 · index is where that many more old elements were passed than new ones.
#[derive(Clone, Copy)]
enum Move {
    Insert { from: usize, x: usize },
    Remove { from: usize, x: usize },
}

impl Move {
    /// The step that gets further, given the row before.
    fn to(last: &[usize], index: usize) -> Self {
        let before = index.checked_sub(1).and_then(|before| last.get(before)).copied();
        match (before, last.get(index).copied()) {
            (Some(left), Some(x)) if left < x => Self::Insert { from: index, x },
            (None, Some(x)) => Self::Insert { from: index, x },
            (Some(x), _) => Self::Remove { from: index - 1, x },
            (None, None) => Self::Insert { from: 0, x: 0 },
        }
    }

    const fn end(self) -> (usize, usize) {
        match self {
            Self::Insert { from, x } => (x, from),
            Self::Remove { from, x } => (x + 1, from),
        }
    }
}

/// The new elements passed where so many old ones were, on a diagonal of a row.
const fn below(x: usize, step: usize, index: usize) -> usize {
    (x + step).saturating_sub(2 * index)
}

/// The edits of the best way through these rows to a diagonal one step further.
fn trace(rows: &[Vec<usize>], mut index: usize) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for (step, last) in rows.iter().enumerate().rev() {
        let made = Move::to(last, index);
        index = made.end().1;
        let edit = match made {
            Move::Insert { from, x } => {
                let y = below(x, step, from);
                Edit { at: x, remove: 0, insert: y..y + 1 }
            }
            Move::Remove { from, x } => {
                let y = below(x, step, from);
                Edit { at: x, remove: 1, insert: y..y }
            }
        };
        match edits.last_mut() {
            Some(next) if edit.at + edit.remove == next.at && edit.insert.end == next.insert.start => {
                *next = Edit {
                    at: edit.at,
                    remove: edit.remove + next.remove,
                    insert: edit.insert.start..next.insert.end,
                };
            }
            _ => edits.push(edit),
        }
    }
    edits.reverse();
    edits
}

/// Longest way in single removals and insertions: bounds the time to this many passes over the lists and the
/// memory to its square, 1 MiB.
const MAX_STEPS: usize = 512;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn apply(old: &[u8], new: &[u8], edits: &[Edit]) -> Vec<u8> {
        let mut result = old.to_vec();
        for Edit { at, remove, insert } in edits.iter().rev() {
            result.splice(*at..at + remove, new[insert.clone()].iter().copied());
        }
        result
    }

    #[test]
    fn what_is_shared_stays_untouched() {
        let edits = |old: &str, new: &str| edits(old.as_bytes(), new.as_bytes());
        assert_eq!(edits("abc", "abc"), []);
        assert_eq!(edits("", "abc"), [Edit { at: 0, remove: 0, insert: 0..3 }]);
        assert_eq!(edits("aaa", "aa"), [Edit { at: 2, remove: 1, insert: 2..2 }]);
        let two = [Edit { at: 1, remove: 0, insert: 1..2 }, Edit { at: 3, remove: 1, insert: 4..4 }];
        assert_eq!(edits("abcde", "axbce"), two);
    }

    #[test]
    fn lists_with_little_in_common_are_replaced() {
        let (old, new): (Vec<u16>, Vec<u16>) = ((0..600).collect(), (1000..1600).collect());
        assert_eq!(edits(&old, &new), [Edit { at: 0, remove: 600, insert: 0..600 }]);
    }

    proptest! {
        #[test]
        fn edits_make_the_new_of_the_old(old in "[ab]{0,20}", new in "[abc]{0,20}") {
            let (old, new) = (old.as_bytes(), new.as_bytes());
            let edits = edits(old, new);
            prop_assert_eq!(apply(old, new, &edits), new);
            // As many as the longest common part leaves over.
            let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
            for (x, a) in old.iter().enumerate() {
                for (y, b) in new.iter().enumerate() {
                    common[x + 1][y + 1] =
                        if a == b { common[x][y] + 1 } else { common[x][y + 1].max(common[x + 1][y]) };
                }
            }
            let fewest = old.len() + new.len() - 2 * common[old.len()][new.len()];
            prop_assert_eq!(edits.iter().map(|e| e.remove + e.insert.len()).sum::<usize>(), fewest);
        }
    }
}
