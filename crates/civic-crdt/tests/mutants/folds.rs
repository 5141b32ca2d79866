use std::cmp::Ordering;
use std::collections::BTreeSet;

use civic_crdt::Admission;
use civic_crdt::document::{BodyState, Document};
use civic_crdt::laws::{FoldRules, Folder, Law, Model, Op, Shown, check_fold};
use civic_crdt::version::Version;
use civic_types::id::DeletePolicy;
use civic_types::{Cid, HashAlgorithm};

fn refused<F: Folder>(laws: &[Law]) {
    let violation = check_fold::<F>().expect_err("the kit takes it");
    assert!(laws.contains(&violation.law), "{violation}");
}

/// The text of the format with one rule read wrongly.
macro_rules! misread {
    ($($test:ident: $name:ident, $($law:ident)|+, { $($rule:item)* })*) => {$(
        #[test]
        fn $test() {
            refused::<Model<$name>>(&[$(Law::$law),+]);
        }

        #[derive(Clone, Debug, Default)]
        struct $name;

        impl FoldRules for $name {
            $($rule)*
        }
    )*};
}

misread! {
    kills_without_ancestry_are_refused: WithoutAncestry, FoldIsText, {
        fn kills(&self, killer: &Op, victim: &Op, _: bool) -> bool {
            self.reaches(killer, victim) && victim.kind != 6
        }
    }
    kills_at_any_path_are_refused: AnyPath, FoldIsText, {
        fn reaches(&self, killer: &Op, victim: &Op) -> bool {
            killer.path.segments().is_empty() == victim.path.segments().is_empty()
        }
    }
    kills_that_stop_at_their_path_are_refused: OnlyHere, FoldIsText, {
        fn reaches(&self, killer: &Op, victim: &Op) -> bool {
            killer.path == victim.path
        }
    }
    kills_across_presence_are_refused: AcrossPresence, FoldIsText, {
        fn reaches(&self, killer: &Op, victim: &Op) -> bool {
            victim.path.is_within(&killer.path)
        }
    }
    kills_of_grow_only_sets_are_refused: KillsGrowOnly, FoldIsText, {
        fn kills(&self, killer: &Op, victim: &Op, is_ancestor: bool) -> bool {
            is_ancestor && self.reaches(killer, victim)
        }
    }
    a_view_by_the_clock_is_refused: ByTheClock, FoldIsText, {
        fn counts(&self, op: &Op, _: &[Op]) -> bool {
            op.stamp.millis < 20
        }
    }
    a_fold_that_leaves_forks_out_is_refused: WithoutForks, FoldIsText, {
        fn counts(&self, op: &Op, all: &[Op]) -> bool {
            let is_twin = |other: &Op| other.dot == op.dot && other.version != op.version;
            !all.iter().any(is_twin)
        }
    }
    a_fold_that_takes_the_first_branch_of_a_fork_is_refused: FirstBranch, AnyOrder | FoldIsText, {
        fn counts(&self, op: &Op, all: &[Op]) -> bool {
            !all.iter().any(|other| other.dot == op.dot && other.arrival < op.arrival)
        }
    }
    heads_by_arrival_are_refused: HeadsByArrival, AnyOrder | FoldIsText, {
        fn heads(&self, heads: Vec<Cid>) -> Vec<Cid> {
            heads
        }
    }
    one_head_of_several_is_refused: LastHead, AnyOrder | FoldIsText, {
        fn heads(&self, mut heads: Vec<Cid>) -> Vec<Cid> {
            heads.split_off(heads.len().saturating_sub(1))
        }
    }
    registers_by_arrival_are_refused: RegistersByArrival, AnyOrder | FoldIsText, {
        fn order(&self, a: &Op, b: &Op) -> Ordering {
            (a.arrival, a.index).cmp(&(b.arrival, b.index))
        }
    }
    a_tie_of_registers_by_arrival_is_refused: TieByArrival, AnyOrder | FoldIsText, {
        fn order(&self, a: &Op, b: &Op) -> Ordering {
            (a.stamp, a.arrival, a.index).cmp(&(b.stamp, b.arrival, b.index))
        }
    }
    a_tie_of_registers_by_value_is_refused: TieByValue, FoldIsText, {
        fn order(&self, a: &Op, b: &Op) -> Ordering {
            (a.stamp, &a.argument, a.dot).cmp(&(b.stamp, &b.argument, b.dot))
        }
    }
    the_highest_rank_first_is_refused: HighestRank, FoldIsText, {
        fn shown_kind(&self, kinds: &BTreeSet<u64>) -> Option<u64> {
            kinds.last().copied()
        }
    }
    siblings_by_arrival_are_refused: SiblingsByArrival, AnyOrder | FoldIsText, {
        fn siblings(&self, a: &Op, b: &Op) -> Ordering {
            (a.arrival, a.index).cmp(&(b.arrival, b.index))
        }
    }
    siblings_by_time_are_refused: SiblingsByTime, FoldIsText, {
        fn siblings(&self, a: &Op, b: &Op) -> Ordering {
            (a.stamp, a.dot, &a.version).cmp(&(b.stamp, b.dot, &b.version))
        }
    }
    anchors_of_strangers_are_refused: StrangersAnchors, AnyOrder | FoldIsText, {
        fn may_anchor(&self, _: &Op, _: bool) -> bool {
            true
        }
    }
    anchors_of_ancestors_alone_are_refused: NoOwnAnchors, FoldIsText, {
        fn may_anchor(&self, anchor: &Op, is_seen: bool) -> bool {
            is_seen && anchor.index == 0
        }
    }
    deletes_of_what_was_not_seen_are_refused: HidesUnseen, FoldIsText, {
        fn may_hide(&self, _: &Op, _: bool) -> bool {
            true
        }
    }
    late_bodies_left_out_are_refused: NoLateBodies, LateBodies, {
        fn takes_late_bodies(&self) -> bool {
            false
        }
    }
    a_fold_that_takes_a_version_twice_is_refused: Twice, Admission, {
        fn takes_again(&self) -> bool {
            true
        }
    }
    a_fold_that_takes_versions_without_parents_is_refused: Orphans, Admission, {
        fn admits_orphans(&self) -> bool {
            true
        }
    }
    a_fold_that_does_not_count_dots_is_refused: AnyDot, Admission, {
        fn counts_dots(&self) -> bool {
            false
        }
    }
}

/// A document of which one more thing is wrong.
macro_rules! spoilt {
    ($($test:ident: $name:ident, $law:ident, { $($method:item)* })*) => {$(
        #[test]
        fn $test() {
            refused::<$name>(&[Law::$law]);
        }

        #[derive(Clone, Debug)]
        struct $name(Document);

        impl Folder for $name {
            fn start(policy: DeletePolicy, hash: HashAlgorithm) -> Self {
                Self(Document::new(policy, hash))
            }

            fn insert(&mut self, version: &Version, body: BodyState) -> Admission {
                self.0.insert(version, body)
            }

            fn body_arrived(&mut self, version: &Cid, body: BodyState) {
                Folder::body_arrived(&mut self.0, version, body);
            }

            fn shown(&self) -> Shown {
                self.0.shown()
            }

            $($method)*
        }
    )*};
}

spoilt! {
    a_past_that_shows_the_present_is_refused: Presentist, PastIsText, {
        fn at(&self, _: &[Cid]) -> Option<Shown> {
            Some(self.0.shown())
        }
    }
    a_document_that_saves_a_part_is_refused: HalfSaved, Admission, {
        fn reopened(&self) -> Option<Self> {
            let first = self.0.versions().next()?.cid().clone();
            Some(Self(self.0.checkout(&[first]).ok()?))
        }
    }
    pruning_by_the_smallest_head_is_refused: PrunedAtAHead, PruningKeeps, {
        fn pruned(&self) -> Option<(Cid, Self)> {
            let head = self.0.heads().into_iter().next()?;
            let snapshot = self.0.checkout(std::slice::from_ref(&head)).ok()?.snapshot().ok()??;
            Some((snapshot.version, Self(Document::from_snapshot(&snapshot.bytes).ok()?)))
        }
    }
    pruning_that_takes_back_what_was_pruned_is_refused: Resurrecting, PruningKeeps, {
        fn pruned(&self) -> Option<(Cid, Self)> {
            let (at, _) = self.0.pruned()?;
            Some((at, Self(Document::default())))
        }
    }
}
