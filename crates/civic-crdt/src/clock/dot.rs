use std::fmt;

use civic_types::ReplicaId;

/// One event of one replica. Ordered by replica, then number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dot {
    /// Whose event.
    pub replica: ReplicaId,
    /// Which one, from 1.
    pub number: u64,
}

impl Dot {
    /// Joins the two.
    #[must_use]
    pub const fn new(replica: ReplicaId, number: u64) -> Self {
        Self { replica, number }
    }
}

impl fmt::Debug for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.replica, self.number)
    }
}
