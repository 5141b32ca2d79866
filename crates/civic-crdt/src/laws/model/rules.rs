use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Debug;

use civic_types::Cid;

use super::Op;

/// Where the text of the fold can be read wrongly. Every default is the text; a mutant overrides one.
pub trait FoldRules: Clone + Debug + Default {
    /// Whether a version that is known is taken once more: never.
    fn takes_again(&self) -> bool {
        false
    }

    /// Whether a version is admitted without its parents: never.
    fn admits_orphans(&self) -> bool {
        false
    }

    /// Whether the first dot must follow the greatest of the replica among the ancestors.
    fn counts_dots(&self) -> bool {
        true
    }

    /// Whether a body that becomes readable later is judged anew.
    fn takes_late_bodies(&self) -> bool {
        true
    }

    /// The heads as told, of those in order of arrival: ascending.
    fn heads(&self, mut heads: Vec<Cid>) -> Vec<Cid> {
        heads.sort();
        heads
    }

    /// Whether an operation counts at all beside all others that mean something: each does.
    fn counts(&self, _op: &Op, _all: &[Op]) -> bool {
        true
    }

    /// Whether an operation that names another one kills it: it does if that one is of an ancestor, is within
    /// reach, and is no add of a grow-only set.
    fn kills(&self, killer: &Op, victim: &Op, is_ancestor: bool) -> bool {
        is_ancestor && self.reaches(killer, victim) && victim.kind != 6
    }

    /// Whether a kill reaches from one place to another: to its path and below, but that a register at the
    /// empty path reaches what is there alone, and nothing else does.
    fn reaches(&self, killer: &Op, victim: &Op) -> bool {
        match (killer.path.segments(), killer.kind) {
            ([], 5) => victim.path.segments().is_empty(),
            _ => !victim.path.segments().is_empty() && victim.path.is_within(&killer.path),
        }
    }

    /// Which of two live register operations is greater: by time, replica, index and the value's bytes.
    fn order(&self, a: &Op, b: &Op) -> Ordering {
        let key = |op: &Op| (op.stamp, op.dot.replica, op.index);
        key(a).cmp(&key(b)).then_with(|| a.argument.cmp(&b.argument))
    }

    /// Which of the kinds at one path is shown: the lowest.
    fn shown_kind(&self, kinds: &BTreeSet<u64>) -> Option<u64> {
        kinds.first().copied()
    }

    /// Whether an insert may stand beside an element: of an ancestor, or earlier in the same body.
    fn may_anchor(&self, _anchor: &Op, is_seen: bool) -> bool {
        is_seen
    }

    /// Whether a range counts for an insert: of an ancestor.
    fn may_hide(&self, _insert: &Op, is_ancestor: bool) -> bool {
        is_ancestor
    }

    /// The order of elements on one side of another, by the inserts that they belong to: by replica, dot
    /// number and CID of the version.
    fn siblings(&self, a: &Op, b: &Op) -> Ordering {
        a.dot.cmp(&b.dot).then_with(|| a.version.cmp(&b.version))
    }
}

/// The text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Literal;

impl FoldRules for Literal {}
