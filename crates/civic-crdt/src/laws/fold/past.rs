//! The past, saving and pruning, of folds that have them.

use std::collections::BTreeSet;

use civic_types::Cid;

use super::deliver::{deliver, start};
use super::trace::Delivery;
use super::{Folder, Shown};
use crate::document::BodyState;
use crate::laws::{Law, Model};
use crate::version::Version;

type Versions = [(Version, BodyState)];

/// Reading the past gives what the text says of the ancestors alone.
pub(super) fn reads<F: Folder>(fold: &F, versions: &Versions, delivery: &Delivery) -> Result<(), Law> {
    let pick = |number: &usize| versions.get(number.checked_rem(versions.len())?);
    let mut heads: Vec<Cid> =
        delivery.past.iter().filter_map(pick).map(|(version, _)| version.cid().clone()).collect();
    heads.sort();
    heads.dedup();
    let Some(shown) = fold.at(&heads) else { return Ok(()) };
    let mut model: Model = start(delivery);
    for (version, body) in versions {
        let _is_known_to_be_admitted = model.insert(version, body.clone());
    }
    if Some(shown) == model.at(&heads) { Ok(()) } else { Err(Law::PastIsText) }
}

/// Saving and loading half way changes nothing.
pub(super) fn saves<F: Folder>(versions: &Versions, delivery: &Delivery, shown: &Shown) -> Result<(), Law> {
    let [_, order] = delivery.orders;
    let mut fold: F = start(delivery);
    let when = versions.len() / 3;
    deliver(&mut fold, versions, order, |fold, admitted| {
        if admitted.len() == when
            && let Some(reopened) = fold.reopened()
        {
            *fold = reopened;
        }
        Ok(())
    })?;
    if fold.shown() == *shown { Ok(()) } else { Err(Law::SavingKeeps) }
}

/// Without what it was pruned of, a fold shows the same, and what comes back of it changes nothing.
pub(super) fn prunes<F: Folder>(fold: &F, versions: &Versions, shown: &Shown) -> Result<(), Law> {
    let Some((at, mut pruned)) = fold.pruned() else { return Ok(()) };
    let gone = ancestry(versions, &at);
    let (old, new): (Vec<_>, Vec<_>) = versions.iter().partition(|(version, _)| gone.contains(version.cid()));
    for (version, body) in new.into_iter().chain(old.clone()) {
        let _may_be_refused = pruned.insert(version, body.clone());
    }
    for (version, body) in old {
        pruned.body_arrived(version.cid(), body.clone());
    }
    if pruned.shown() == *shown { Ok(()) } else { Err(Law::PruningKeeps) }
}

/// A version and its ancestors.
fn ancestry(versions: &Versions, of: &Cid) -> BTreeSet<Cid> {
    let mut seen = BTreeSet::from([of.clone()]);
    // Parents come before children.
    for (version, _) in versions.iter().rev() {
        if seen.contains(version.cid()) {
            seen.extend(version.header().parents.iter().cloned());
        }
    }
    seen
}
