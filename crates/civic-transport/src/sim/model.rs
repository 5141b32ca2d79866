use std::time::Duration;

/// How one direction of a link treats what is sent over it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkModel {
    /// Chance that a frame is lost, in parts per thousand. Default 0.
    pub loss_permille: u16,
    /// Chance that a frame arrives twice, in parts per thousand; each copy has its own delay. Default 0.
    pub duplicate_permille: u16,
    /// Shortest delay. Default none.
    pub delay_min: Duration,
    /// Longest delay; frames overtake each other where it is longer than the shortest. Default none.
    pub delay_max: Duration,
    /// Bytes a second, one frame after the other; `None` for no limit, the default.
    pub bandwidth_bytes_per_s: Option<u64>,
    /// Longest frame in bytes; `None` for no limit, the default.
    pub mtu_bytes: Option<usize>,
}

impl Default for LinkModel {
    fn default() -> Self {
        Self::perfect()
    }
}

impl LinkModel {
    /// Everything arrives at once, in order, undamaged.
    #[must_use]
    pub const fn perfect() -> Self {
        Self {
            loss_permille: 0,
            duplicate_permille: 0,
            delay_min: Duration::ZERO,
            delay_max: Duration::ZERO,
            bandwidth_bytes_per_s: None,
            mtu_bytes: None,
        }
    }

    /// A bad day: 10 % lost, 5 % twice, 5 to 200 ms late and so out of order.
    #[must_use]
    pub const fn lossy() -> Self {
        Self::perfect()
            .with_loss_permille(100)
            .with_duplicate_permille(50)
            .with_delay(Duration::from_millis(5), Duration::from_millis(200))
    }

    /// With that loss in parts per thousand; above 1000 everything is lost.
    #[must_use]
    pub const fn with_loss_permille(mut self, loss: u16) -> Self {
        self.loss_permille = loss;
        self
    }

    /// With that share of duplicates in parts per thousand.
    #[must_use]
    pub const fn with_duplicate_permille(mut self, duplicate: u16) -> Self {
        self.duplicate_permille = duplicate;
        self
    }

    /// With a delay drawn evenly between the two, which reorders where they differ.
    #[must_use]
    pub const fn with_delay(mut self, min: Duration, max: Duration) -> Self {
        self.delay_min = min;
        self.delay_max = max;
        self
    }

    /// With that bandwidth in bytes a second.
    #[must_use]
    pub const fn with_bandwidth(mut self, bytes_per_s: u64) -> Self {
        self.bandwidth_bytes_per_s = Some(bytes_per_s);
        self
    }

    /// With that longest frame in bytes.
    #[must_use]
    pub const fn with_mtu(mut self, bytes: usize) -> Self {
        self.mtu_bytes = Some(bytes);
        self
    }

    /// Whether every frame arrives.
    #[must_use]
    pub const fn is_reliable(&self) -> bool {
        self.loss_permille == 0
    }

    /// Whether frames arrive in order, once.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.duplicate_permille == 0 && self.delay_min >= self.delay_max
    }
}
