//! What a device is asked to write, as it stands in commands and journals.

use serde::{Deserialize, Serialize};

/// One change of one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Write {
    pub(crate) document: String,
    pub(crate) how: How,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ops: Vec<Op>,
}

/// By which call of the application's face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum How {
    /// `delete`; without operations.
    Delete,
    /// `patch`.
    Patch,
    /// `update`: what was read, with some plain fields changed. Only [`Op::Set`] then.
    Update,
}

/// One change of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "op")]
pub(crate) enum Op {
    /// Adds to a set.
    Add { field: String, value: String },
    /// Adds to a grow-only set.
    Append { field: String, value: String },
    /// Adds to a counter.
    Increment { field: String, by: i64 },
    /// Removes from a set.
    Remove { field: String, value: String },
    /// Assigns a register.
    Set { field: String, value: String },
}

/// Documents of one commit at most.
pub(crate) const BATCH: usize = 100;

/// The fields that people change in a crisis.
pub(crate) mod field {
    /// Register.
    pub(crate) const STATUS: &str = "status";
    /// Counter.
    pub(crate) const NEEDS: &str = "needs";
    /// Set.
    pub(crate) const VOLUNTEERS: &str = "volunteers";
    /// Grow-only set.
    pub(crate) const LOG: &str = "log";
    /// Register, changed together with the status by `update`.
    pub(crate) const NOTE: &str = "note";

    /// All of them; columns of an input may not be called so.
    pub(crate) const ALL: [&str; 5] = [STATUS, NEEDS, VOLUNTEERS, LOG, NOTE];
}

impl Write {
    pub(crate) fn delete(document: impl Into<String>) -> Self {
        Self { document: document.into(), how: How::Delete, ops: Vec::new() }
    }

    pub(crate) fn patch(document: impl Into<String>, ops: Vec<Op>) -> Self {
        Self { document: document.into(), how: How::Patch, ops }
    }

    pub(crate) fn update(document: impl Into<String>, ops: Vec<Op>) -> Self {
        Self { document: document.into(), how: How::Update, ops }
    }
}

impl Op {
    pub(crate) fn add(field: &str, value: impl Into<String>) -> Self {
        Self::Add { field: field.to_owned(), value: value.into() }
    }

    pub(crate) fn append(field: &str, value: impl Into<String>) -> Self {
        Self::Append { field: field.to_owned(), value: value.into() }
    }

    pub(crate) fn increment(field: &str, by: i64) -> Self {
        Self::Increment { field: field.to_owned(), by }
    }

    pub(crate) fn remove(field: &str, value: impl Into<String>) -> Self {
        Self::Remove { field: field.to_owned(), value: value.into() }
    }

    pub(crate) fn set(field: &str, value: impl Into<String>) -> Self {
        Self::Set { field: field.to_owned(), value: value.into() }
    }
}
