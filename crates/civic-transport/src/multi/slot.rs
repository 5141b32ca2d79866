use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use civic_types::PeerId;
use civic_types::time::Tick;
use futures_util::future::AbortHandle;
use futures_util::stream::{Abortable, BoxStream};

use super::status::LinkStatistics;
use crate::adapter::{EventStream, TransportAdapter};
use crate::capabilities::Capabilities;

/// One link and what is known of it.
pub(super) struct Slot {
    pub(super) adapter: Arc<dyn TransportAdapter>,
    pub(super) capabilities: Capabilities,
    /// Counts the subscriptions to its events; what comes over an older one is void.
    pub(super) epoch: u64,
    /// Ends the subscription.
    pub(super) listening: Option<AbortHandle>,
    pub(super) failure: Option<String>,
    /// Until when the law forbids it to transmit.
    pub(super) duty_until: Tick,
    /// Connections that we have closed and that the link has still to report as lost.
    pub(super) closed: BTreeMap<PeerId, u64>,
    pub(super) statistics: LinkStatistics,
}

/// A subscription for the driver.
pub(super) struct Listen {
    pub(super) epoch: u64,
    pub(super) events: BoxStream<'static, crate::event::Event>,
}

impl Slot {
    pub(super) fn new(adapter: Arc<dyn TransportAdapter>) -> Self {
        Self {
            capabilities: adapter.capabilities(),
            adapter,
            epoch: 0,
            listening: None,
            failure: None,
            duty_until: Tick::default(),
            closed: BTreeMap::new(),
            statistics: LinkStatistics::default(),
        }
    }

    /// Subscribes to the link's events in place of any subscription before.
    pub(super) fn listen(&mut self, events: EventStream) -> Listen {
        self.deafen();
        let (abort, registration) = AbortHandle::new_pair();
        self.listening = Some(abort);
        self.capabilities = self.adapter.capabilities();
        Listen { epoch: self.epoch, events: Box::pin(Abortable::new(events, registration)) }
    }

    /// Ends the subscription.
    pub(super) fn deafen(&mut self) {
        self.epoch += 1;
        self.closed.clear();
        if let Some(abort) = self.listening.take() {
            abort.abort();
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("adapter", &self.adapter)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}
