use civic_types::ReplicaId;

use crate::merge::Effect;

/// One row for each replica, ascending: what that replica alone writes, in a type whose merge goes row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rows<R>(Vec<(ReplicaId, R)>);

/// Rows that merge by themselves.
pub(crate) trait Row: Clone {
    /// Takes in what a copy of the row knows, and says whether that changed it.
    fn join(&mut self, other: &Self) -> bool;
}

impl<R> Rows<R> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&ReplicaId, &R)> {
        self.0.iter().map(|(replica, row)| (replica, row))
    }

    pub(crate) fn get(&self, replica: &ReplicaId) -> Option<&R> {
        let at = self.0.binary_search_by(|(held, _)| held.cmp(replica)).ok()?;
        self.0.get(at).map(|(_, row)| row)
    }

    /// Replaces the row of a replica.
    pub(crate) fn set(&mut self, replica: ReplicaId, row: R) {
        match self.0.binary_search_by(|(held, _)| held.cmp(&replica)) {
            Ok(at) => {
                if let Some((_, held)) = self.0.get_mut(at) {
                    *held = row;
                }
            }
            Err(at) => self.0.insert(at, (replica, row)),
        }
    }

    /// Appends a row whose replica the caller knows to be greater than all others.
    pub(crate) fn push_greatest(&mut self, replica: ReplicaId, row: R) {
        self.0.push((replica, row));
    }
}

impl<R: Row> Rows<R> {
    /// Joins row by row, in one pass over both.
    pub(crate) fn merge(&mut self, other: &Self) -> Effect {
        let (mut changed, mut lacking) = (false, Vec::new());
        let mut ours = self.0.iter_mut().peekable();
        for (replica, row) in &other.0 {
            // Most rows stand side by side, and equality is told faster than order.
            let mut held = ours.next_if(|(held, _)| held == replica);
            if held.is_none() {
                while ours.next_if(|(held, _)| held < replica).is_some() {}
                held = ours.next_if(|(held, _)| held == replica);
            }
            match held {
                Some((_, held)) => changed |= held.join(row),
                None => lacking.push((*replica, row.clone())),
            }
        }
        if !lacking.is_empty() {
            changed = true;
            self.0.append(&mut lacking);
            // Two ascending runs, which a stable sort joins in one pass.
            self.0.sort_by_key(|(replica, _)| *replica);
        }
        changed.into()
    }
}

impl<R: Clone> Rows<R> {
    /// The rows that `wanted` takes.
    pub(crate) fn filtered(&self, wanted: impl Fn(&ReplicaId, &R) -> bool) -> Self {
        Self(self.0.iter().filter(|(replica, row)| wanted(replica, row)).cloned().collect())
    }
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self::new()
    }
}
