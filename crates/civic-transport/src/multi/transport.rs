use std::fmt;
use std::sync::Arc;

use civic_types::PeerId;
use civic_types::time::Timer;
use futures_util::lock::Mutex as Turns;

use super::config::MultiConfig;
use super::driver::MultiDriver;
use super::route::{Route, RouteRequest};
use super::shared::Shared;
use super::status::{LinkId, LinkStatus, MultiStatistics};
use crate::adapter::TransportAdapter;
use crate::envelope::Priority;
use crate::error::Error;
use crate::peer::TransportKind;

/// Several links as one adapter. Dropping it ends its [`MultiDriver`] and lets go of the links.
pub struct MultiTransport {
    pub(super) shared: Arc<Shared>,
    /// Start and stop take turns.
    pub(super) lifecycle: Turns<()>,
}

impl MultiTransport {
    /// A transport of `me` without links, and the driver that the application has to run. `secret` is to be
    /// random: it keys the tables that strangers could otherwise make slow.
    #[must_use]
    pub fn new(
        me: PeerId,
        secret: [u8; 32],
        timer: Arc<dyn Timer>,
        config: MultiConfig,
    ) -> (Arc<Self>, MultiDriver) {
        let shared = Arc::new(Shared::new(me, secret, timer, config));
        let driver = MultiDriver::new(Arc::clone(&shared));
        (Arc::new(Self { shared, lifecycle: Turns::new(()) }), driver)
    }

    /// Adds a link of the same device. One that is active already is used at once; another is started by the
    /// next [`start`](TransportAdapter::start), also while this transport is active.
    pub fn add(&self, adapter: Arc<dyn TransportAdapter>) -> LinkId {
        let active = adapter.is_active();
        let now = self.shared.now();
        self.shared.with(|state| {
            let link = state.add(adapter);
            if active && state.active {
                state.listen(now, link);
            }
            link
        })
    }

    /// Forgets a link and gives it back as it is, active or not: what waits for it goes over the others. `None`
    /// for one that is not there.
    pub fn remove(&self, link: LinkId) -> Option<Arc<dyn TransportAdapter>> {
        let now = self.shared.now();
        self.shared.with(|state| state.remove(now, link))
    }

    /// How each link does, in the order in which they were added.
    #[must_use]
    pub fn links(&self) -> Vec<LinkStatus> {
        self.shared.peek(|state| {
            let reached = |link| {
                let merged = state.peers.values();
                merged.filter(|merged| merged.lanes.iter().any(|lane| lane.link == link)).count()
            };
            let status = state.links.iter().map(|(id, slot)| LinkStatus {
                id: *id,
                kind: slot.adapter.kind(),
                active: slot.adapter.is_active(),
                failure: slot.failure.clone(),
                peers: reached(*id),
                statistics: slot.statistics,
            });
            status.collect()
        })
    }

    /// The links that reach a peer, oldest connection first.
    #[must_use]
    pub fn peer_links(&self, peer: &PeerId) -> Vec<(LinkId, TransportKind)> {
        self.shared.peek(|state| {
            let lanes = state.peers.get(peer).map(|merged| merged.lanes.as_slice()).unwrap_or_default();
            lanes.iter().map(|lane| (lane.link, lane.kind)).collect()
        })
    }

    /// What has gone through all links together.
    #[must_use]
    pub fn statistics(&self) -> MultiStatistics {
        self.shared.peek(|state| {
            let queued_bytes = state.links.values().map(|slot| slot.statistics.queued_bytes).sum();
            MultiStatistics { queued_bytes, ..state.statistics }
        })
    }

    /// The media that an envelope to a peer would take now, as the policy orders those that reach it; `None`
    /// for a peer that is not connected. Size limits and duty cycles of the links are not looked at.
    #[must_use]
    pub fn route(&self, peer: &PeerId, request: &RouteRequest) -> Option<Route> {
        self.shared.peek(|state| {
            let merged = state.peers.get(peer)?;
            Some(state.config.policy.route(request, merged.kinds))
        })
    }

    /// Ends the driver for good. Links are not stopped: [`stop`](TransportAdapter::stop) does that.
    pub fn end(&self) {
        let now = self.shared.now();
        self.shared.with(|state| {
            state.close(now);
            (state.ended, state.news) = (true, true);
        });
    }

    pub(super) fn check_active(&self) -> Result<(), Error> {
        if self.is_active() { Ok(()) } else { Err(Error::Inactive) }
    }

    pub(super) fn adapters(&self) -> Vec<(LinkId, Arc<dyn TransportAdapter>)> {
        self.shared
            .peek(|state| state.links.iter().map(|(id, slot)| (*id, Arc::clone(&slot.adapter))).collect())
    }

    /// The active links in the order in which small everyday envelopes prefer them; those that the policy does
    /// not route to come last.
    pub(super) fn adapters_to_dial(&self) -> Vec<(LinkId, Arc<dyn TransportAdapter>)> {
        let mut adapters = self.adapters();
        adapters.retain(|(_, adapter)| adapter.is_active());
        let kinds = adapters.iter().map(|(_, adapter)| adapter.kind()).collect();
        let request = RouteRequest { priority: Priority::Normal, payload_bytes: 0, air_bytes: 0 };
        let route = self.shared.peek(|state| state.config.policy.route(&request, kinds));
        let rank = |kind| route.kinds().iter().position(|routed| *routed == kind).unwrap_or(usize::MAX);
        adapters.sort_by_key(|(_, adapter)| rank(adapter.kind()));
        adapters
    }

    /// Counts in the links that say they reach a peer before their events have told.
    pub(super) fn absorb(&self, adapters: &[(LinkId, Arc<dyn TransportAdapter>)], there: &PeerId) {
        let now = self.shared.now();
        for (link, adapter) in adapters {
            let reached = adapter.peers().into_iter().filter(|info| info.peer == *there).collect();
            self.shared.with(|state| {
                if state.active {
                    state.absorb(now, *link, reached);
                }
            });
        }
    }

    pub(super) fn note_outcome(&self, link: LinkId, outcome: &Result<(), Error>) {
        let failure = outcome.as_ref().err().map(why);
        if let Some(why) = &failure {
            tracing::warn!(%link, why, "a link did not start or stop");
        }
        self.shared.with(|state| {
            if let Some(slot) = state.links.get_mut(&link) {
                slot.failure = failure;
            }
        });
    }
}

impl Drop for MultiTransport {
    fn drop(&mut self) {
        self.end();
        // The driver may never be polled again, and links are dropped outside the lock.
        drop(self.shared.with(|state| std::mem::take(&mut state.links)));
    }
}

impl fmt::Debug for MultiTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiTransport")
            .field("peer", &self.shared.me)
            .field("links", &self.links().len())
            .finish_non_exhaustive()
    }
}

/// An error and its causes, in words.
fn why(error: &Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
