//! Many versions at once, in whatever order they came.

use std::collections::BTreeMap;

use civic_types::Cid;

use super::{BodyState, Document};
use crate::version::{Admission, Refusal, Version};

/// What became of versions that came together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// Those that count from now on, in order of admission.
    pub admitted: Vec<Cid>,
    /// Those that wait, ascending, each with the parents that are not in the document, ascending; these may
    /// have been refused or wait themselves.
    pub parked: BTreeMap<Cid, Vec<Cid>>,
    /// Those that can never count, in order of refusal.
    pub refused: Vec<(Cid, Refusal)>,
}

impl Document {
    /// Inserts versions in any order, parents before children, as [`insert`](Self::insert) does each.
    ///
    /// Versions that are known already are not told. Takes time in proportion to the versions and their
    /// parents, not to the order.
    pub fn insert_all<'a>(
        &mut self,
        versions: impl IntoIterator<Item = (&'a Version, BodyState)>,
    ) -> Inserted {
        let mut inserted = Inserted::default();
        // Under the first parent that each lacks.
        let mut waiting: BTreeMap<Cid, Vec<(&Version, BodyState)>> = BTreeMap::new();
        for (version, body) in versions {
            let mut open = vec![(version, body)];
            while let Some((version, body)) = open.pop() {
                match self.insert(version, body.clone()) {
                    Admission::Admitted => {
                        inserted.admitted.push(version.cid().clone());
                        open.extend(waiting.remove(version.cid()).unwrap_or_default());
                    }
                    Admission::Known => {}
                    Admission::Parked { missing } => {
                        let Some(first) = missing.into_iter().next() else { continue };
                        waiting.entry(first).or_default().push((version, body));
                    }
                    Admission::Refused(refusal) => inserted.refused.push((version.cid().clone(), refusal)),
                }
            }
        }
        for (version, _) in waiting.into_values().flatten() {
            if let Admission::Parked { missing } = self.admit(version) {
                inserted.parked.insert(version.cid().clone(), missing);
            }
        }
        inserted
    }
}
