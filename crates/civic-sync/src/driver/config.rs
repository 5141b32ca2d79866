use std::time::Duration;

/// How a [`Driver`](super::Driver) paces itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncConfig {
    /// After something was written, how long to gather further writes before peers are told. Default 20 ms:
    /// below what a person notices, long enough for a burst to travel as one.
    pub debounce: Duration,
    /// How often every peer is compared with although nothing was written. Default 60 s; a round between
    /// equal sets costs two frames of about 50 bytes.
    pub interval: Duration,
}

impl Default for SyncConfig {
    fn default() -> Self {
        Self { debounce: Duration::from_millis(20), interval: Duration::from_secs(60) }
    }
}

impl SyncConfig {
    /// Sets how long writes are gathered.
    #[must_use]
    pub const fn with_debounce(mut self, debounce: Duration) -> Self {
        self.debounce = debounce;
        self
    }

    /// Sets how often peers are compared with.
    #[must_use]
    pub const fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }
}
