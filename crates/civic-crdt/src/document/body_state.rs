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
    /// It was read and folded; its bytes are not in the document. Only a document says so: what is
    /// inserted as this counts as missing.
    Stored,
    /// It is here and cannot be read: its key is missing or was erased.
    Unreadable,
}

impl BodyState {
    /// Of a version in a collection that is not sealed: readable if the body stands inside the header.
    ///
    /// A copy, so that a document does not hold whole headers for the sake of their bodies.
    #[must_use]
    pub fn of(version: &Version) -> Self {
        version.inline_body().map_or(Self::Missing, |body| Self::Readable(Bytes::copy_from_slice(body)))
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

/// Bodies that were folded earlier and are needed again, but are not in memory.
///
/// Bring each by [`Document::body_arrived`](super::Document::body_arrived), then ask again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bodies of {} versions are needed", versions.len())]
pub struct BodiesNeeded {
    /// Whose bodies, in order of admission.
    pub versions: Vec<Cid>,
}
