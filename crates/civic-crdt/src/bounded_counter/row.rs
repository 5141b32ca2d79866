use std::collections::BTreeMap;

use civic_types::ReplicaId;

use crate::rows;

/// What one replica has done. Every number only grows, and that replica alone writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) events: u64,
    pub(super) created: u64,
    pub(super) spent: u64,
    /// Rights given to others, in all.
    pub(super) given: BTreeMap<ReplicaId, u64>,
}

impl Row {
    /// Created less spent and given.
    pub(super) fn balance(&self) -> i128 {
        let given: i128 = self.given.values().map(|amount| i128::from(*amount)).sum();
        i128::from(self.created) - i128::from(self.spent) - given
    }
}

impl rows::Row for Row {
    fn join(&mut self, other: &Self) -> bool {
        if self == other {
            return false;
        }
        let before = self.clone();
        self.events = self.events.max(other.events);
        self.created = self.created.max(other.created);
        self.spent = self.spent.max(other.spent);
        for (to, amount) in &other.given {
            let held = self.given.entry(*to).or_default();
            *held = (*held).max(*amount);
        }
        *self != before
    }
}
