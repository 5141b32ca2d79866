//! [`Admission`]: what a document says to a version that arrives.
//!
//! The rules that need only the header are in [`Header::decode`](super::Header::decode); those that need
//! the ancestors are here and checked by [`Document::admit`](crate::Document::admit). Neither knows a
//! clock, an order of arrival or a body, so all replicas that hold the ancestors say the same.

use civic_types::Cid;
use civic_types::time::Stamp;

/// What a document says to a version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// It counts from now on.
    Admitted,
    /// It counted before; nothing changed.
    Known,
    /// It waits for these parents; nothing changed.
    Parked {
        /// Parents that the document does not have, ascending. Whoever holds one of them as a version of
        /// another document refuses with [`Refusal::ParentElsewhere`].
        missing: Vec<Cid>,
    },
    /// It can never count, here or anywhere; nothing changed.
    Refused(Refusal),
}

/// The rule about ancestors that a version breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// `s` is not the number after the replica's last among the ancestors.
    #[error("the first dot is {got}, not {want}")]
    FirstDot {
        /// Number found.
        got: u64,
        /// Number that follows the ancestors'.
        want: u64,
    },
    /// It is of another document or collection than the versions here.
    #[error("the version is of another document")]
    OtherDocument,
    /// A parent is of another document or collection.
    #[error("the parent {parent} is of another document")]
    ParentElsewhere {
        /// The parent.
        parent: Cid,
    },
    /// It has not seen the version that the document was pruned at: its author must write it anew.
    #[error("the document was pruned, and the version has not seen where")]
    Pruned,
    /// `t` is not greater than the replica's last among the ancestors.
    #[error("the stamp {got:?} is not after the ancestors' {last:?}")]
    Stamp {
        /// Stamp found.
        got: Stamp,
        /// The replica's greatest among the ancestors.
        last: Stamp,
    },
}
