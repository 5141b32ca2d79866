/// Commits kept in the change log unless configured otherwise: weeks of a household's writes, and some
/// 20 MB at most for usual batches.
pub const DEFAULT_LOG_RETENTION: u64 = 65_536;

/// How a [`DocStore`](super::DocStore) works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Commits that the change log keeps, at least 1; readers further behind get a gap. Default:
    /// [`DEFAULT_LOG_RETENTION`].
    pub log_retention: u64,
}

impl Config {
    /// Keeps so many commits in the change log, at least 1.
    #[must_use]
    pub const fn with_log_retention(mut self, commits: u64) -> Self {
        self.log_retention = if commits == 0 { 1 } else { commits };
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { log_retention: DEFAULT_LOG_RETENTION }
    }
}
