//! The laws of folds.

use civic_types::Cid;

use super::deliver::{deliver, start};
use super::past;
use super::trace::{Delivery, Trace};
use super::world::{Played, play};
use super::{Folder, Shown};
use crate::document::BodyState;
use crate::laws::{Law, Model};
use crate::version::{Admission, Version};

/// The first law that a fold breaks on a trace.
#[must_use]
pub fn broken_fold<F: Folder>(trace: &Trace) -> Option<Law> {
    let played = play(&trace.steps)?;
    check::<F>(&played, &trace.delivery).err()
}

fn check<F: Folder>(played: &Played, delivery: &Delivery) -> Result<(), Law> {
    let versions = &played.versions;
    let [first, second] = delivery.orders;
    let (mut here, mut there): (F, F) = (start(delivery), start(delivery));
    let middle = versions.len() / 2;
    deliver(&mut here, versions, first, |here, admitted| {
        if admitted.len() == middle {
            same(&here.shown(), &literal(versions, admitted, delivery))
        } else {
            Ok(())
        }
    })?;
    deliver(&mut there, versions, second, |_, _| Ok(()))?;
    let shown = here.shown();
    if shown != there.shown() {
        return Err(Law::AnyOrder);
    }
    let all: Vec<usize> = (0..versions.len()).collect();
    same(&shown, &literal(versions, &all, delivery))?;
    refuses(&mut there, &played.illegal, &shown)?;
    late::<F>(versions, delivery, &shown)?;
    past::reads(&here, versions, delivery)?;
    past::saves::<F>(versions, delivery, &shown)?;
    past::prunes(&here, versions, &shown)
}

/// What the text says of these versions, given by their numbers.
fn literal(versions: &[(Version, BodyState)], of: &[usize], delivery: &Delivery) -> Shown {
    let mut model: Model = start(delivery);
    // Parents come before children in the order of numbers.
    for (_, (version, body)) in versions.iter().enumerate().filter(|(at, _)| of.contains(at)) {
        let _is_known_to_be_admitted = model.insert(version, body.clone());
    }
    model.shown()
}

fn same(shown: &Shown, text: &Shown) -> Result<(), Law> {
    if shown == text { Ok(()) } else { Err(Law::FoldIsText) }
}

/// Versions whose ancestors forbid them are refused, and nothing is different afterwards.
fn refuses<F: Folder>(fold: &mut F, illegal: &[Version], before: &Shown) -> Result<(), Law> {
    for version in illegal {
        if !matches!(fold.insert(version, BodyState::of(version)), Admission::Refused(_)) {
            return Err(Law::Admission);
        }
    }
    if fold.shown() == *before { Ok(()) } else { Err(Law::Admission) }
}

/// Bodies that come later count as if they had always been there; until then they are left out.
fn late<F: Folder>(versions: &[(Version, BodyState)], delivery: &Delivery, shown: &Shown) -> Result<(), Law> {
    let is_late = |at: usize| delivery.late.rotate_right(u32::try_from(at).unwrap_or(0)) & 1 == 1;
    let without = |(at, (version, body)): (usize, &(Version, BodyState))| {
        (version.clone(), if is_late(at) { BodyState::Missing } else { body.clone() })
    };
    let without: Vec<_> = versions.iter().enumerate().map(without).collect();
    let [order, _] = delivery.orders;
    let mut fold: F = start(delivery);
    deliver(&mut fold, &without, order, |_, _| Ok(()))?;
    let all: Vec<usize> = (0..versions.len()).collect();
    same(&fold.shown(), &literal(&without, &all, delivery))?;
    let mut waiting: Vec<(&Cid, &BodyState)> =
        versions.iter().map(|(version, body)| (version.cid(), body)).collect();
    // By CID, which is no order that anybody made.
    waiting.sort_by_key(|(cid, _)| *cid);
    for (cid, body) in waiting {
        fold.body_arrived(cid, body.clone());
    }
    if fold.shown() == *shown { Ok(()) } else { Err(Law::LateBodies) }
}

#[cfg(test)]
mod tests;
