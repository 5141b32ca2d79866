use civic_types::limits::{MAX_ARGUMENT_DEPTH, MAX_KILLS, MAX_OPERATIONS};
use civic_types::patch::PathError;
use civic_types::{Cid, FieldPath};

use crate::document::BodiesNeeded;
use crate::schema::Mismatch;
use crate::version::Kind;

/// Why something cannot be written as asked. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The base is in the past, and bodies that it needs are not in memory.
    #[error("the base cannot be read")]
    Bodies(#[from] BodiesNeeded),
    /// A counter cannot be set so far from its sum in one write.
    #[error("the counter at {path} cannot be moved that far at once")]
    CounterRange {
        /// Where.
        path: FieldPath,
    },
    /// What was added to a grow-only set stays for ever.
    #[error("the grow-only set at {path} cannot lose elements")]
    GrowOnly {
        /// Where the set is.
        path: FieldPath,
    },
    /// A text or list has fewer elements.
    #[error("{path} has {length} elements, index {index} lies behind them")]
    Index {
        /// Where.
        path: FieldPath,
        /// The index that lies behind the end, or the end of what was to be removed.
        index: usize,
        /// Number of elements; of a text, Unicode scalar values.
        length: usize,
    },
    /// The path holds another kind than the change needs.
    #[error(
        "{path} holds a {found}, not a {wanted}: declare its kind in the collection's schema, or unset it first"
    )]
    KindMismatch {
        /// Where.
        path: FieldPath,
        /// The kind that is shown there.
        found: Kind,
        /// The kind that the change needs.
        wanted: Kind,
    },
    /// A map key is no path segment, or maps nest too deep.
    #[error("a field path is malformed")]
    Path(#[from] PathError),
    /// The document itself is a map; delete it instead of unsetting it.
    #[error("a document is a map of fields")]
    Root,
    /// The collection's schema declares something else.
    #[error("the schema does not allow it")]
    Schema(#[from] Mismatch),
    /// A value nests too deep.
    #[error("the value at {path} nests deeper than {MAX_ARGUMENT_DEPTH}")]
    TooDeep {
        /// Where.
        path: FieldPath,
    },
    /// The changes end more operations than one version can.
    #[error("the changes end more than {MAX_KILLS} earlier operations")]
    TooManyKills,
    /// The changes need more operations than one version has.
    #[error("the changes need more than {MAX_OPERATIONS} operations")]
    TooManyOperations,
    /// The base names a version that is not in the document.
    #[error("the version {version} is not in the document")]
    UnknownVersion {
        /// The version.
        version: Cid,
    },
    /// A kind of change that this build does not know.
    #[error("this build cannot write the change")]
    Unsupported,
}
