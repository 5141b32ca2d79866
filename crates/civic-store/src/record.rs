//! Opaque bytes in named tables: [`Record`], [`RecordScan`].

use bytes::Bytes;

use crate::query::MAX_PAGE;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// Which records of a table, in ascending order of key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordScan {
    /// The table.
    pub table: String,
    /// Only keys that start so.
    pub prefix: Bytes,
    /// Only keys greater than this, which is whole (with the prefix).
    pub after: Option<Bytes>,
    /// At most so many: 1..=[`MAX_PAGE`].
    pub limit: usize,
}

impl RecordScan {
    /// All records of a table, the first [`MAX_PAGE`] of them.
    #[must_use]
    pub fn table(table: impl Into<String>) -> Self {
        Self { table: table.into(), prefix: Bytes::new(), after: None, limit: MAX_PAGE }
    }

    /// Only keys that start so.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Bytes>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Only keys greater than this one.
    #[must_use]
    pub fn after(mut self, key: impl Into<Bytes>) -> Self {
        self.after = Some(key.into());
        self
    }

    /// At most so many.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}
