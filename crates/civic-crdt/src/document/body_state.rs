use bytes::Bytes;
use civic_types::Cid;

use crate::version::Version;

/// What this device knows of a version's operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyState {
    /// The block is not here yet.
    Missing,
    /// The body in clear.
    Readable(Bytes),
    /// It is here and cannot be read: its key is missing or was erased.
    Unreadable,
}

impl BodyState {
    /// Of a version in a collection that is not sealed: readable if the body stands inside the header.
    #[must_use]
    pub fn of(version: &Version) -> Self {
        version.inline_body().map_or(Self::Missing, |body| Self::Readable(body.clone()))
    }
}

/// Which versions this device could not read; their operations are left out until it can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incomplete {
    /// Versions whose block is not here, ascending.
    pub missing: Vec<Cid>,
    /// Versions whose body cannot be read, ascending.
    pub unreadable: Vec<Cid>,
}
