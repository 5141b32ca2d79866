use std::sync::Arc;
use std::time::Duration;

use super::route::{RoutePolicy, Table};
use crate::hub::HubConfig;

/// How several links are joined. The defaults suit a phone on battery in a blackout.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MultiConfig {
    /// Which media carry what. Default [`Table`], with several paths at once for the urgent.
    pub policy: Arc<dyn RoutePolicy>,
    /// Ids of signed envelopes remembered, at least; twice as many at most. Default 262 144, which take 8 MiB:
    /// three a second for a day.
    pub dedup_ids: usize,
    /// Bytes that wait for one neighbour on one link, in five classes of a fifth each. Default 4 MiB, as on
    /// the LAN link.
    pub queue_bytes: usize,
    /// Bytes that wait on one link for all neighbours; an empty queue takes one envelope all the same. Default
    /// 64 MiB: sixteen neighbours that read nothing.
    pub link_bytes: usize,
    /// How long an envelope is kept after a link has taken it, to be sent again when that link dies. Default
    /// 20 s: links notice a silent loss after 15.
    pub handover_window: Duration,
    /// Bytes kept for that, of all neighbours together; the oldest of a neighbour go first. Default 32 MiB: what
    /// eight LAN connections may hold back.
    pub handover_bytes: usize,
    /// How long a link may hold one envelope before it and what waits behind it go over another. Default 15 s,
    /// the silence after which links give a peer up.
    pub stall_after: Duration,
    /// How long the links' events wait for the slowest subscriber before that one misses some. Default 1 s.
    pub subscriber_grace: Duration,
    /// Bounds of each event subscription.
    pub events: HubConfig,
}

impl Default for MultiConfig {
    fn default() -> Self {
        Self {
            policy: Arc::new(Table::default()),
            dedup_ids: 262_144,
            queue_bytes: 4 * 1024 * 1024,
            link_bytes: 64 * 1024 * 1024,
            handover_window: Duration::from_secs(20),
            handover_bytes: 32 * 1024 * 1024,
            stall_after: Duration::from_secs(15),
            subscriber_grace: Duration::from_secs(1),
            events: HubConfig::default(),
        }
    }
}

impl MultiConfig {
    /// With another policy.
    #[must_use]
    pub fn with_policy(mut self, policy: Arc<dyn RoutePolicy>) -> Self {
        self.policy = policy;
        self
    }

    /// With that many remembered ids.
    #[must_use]
    pub const fn with_dedup_ids(mut self, ids: usize) -> Self {
        self.dedup_ids = ids;
        self
    }

    /// With that many waiting bytes for one neighbour on one link.
    #[must_use]
    pub const fn with_queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// With that many waiting bytes on one link.
    #[must_use]
    pub const fn with_link_bytes(mut self, bytes: usize) -> Self {
        self.link_bytes = bytes;
        self
    }

    /// With another window of hand-over, and that many bytes in it.
    #[must_use]
    pub const fn with_handover(mut self, window: Duration, bytes: usize) -> Self {
        self.handover_window = window;
        self.handover_bytes = bytes;
        self
    }

    /// With another patience for a link that takes nothing.
    #[must_use]
    pub const fn with_stall_after(mut self, stall_after: Duration) -> Self {
        self.stall_after = stall_after;
        self
    }
}
