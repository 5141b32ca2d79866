use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use civic_types::PeerId;
use civic_types::time::Timer;
use futures_util::future::join_all;
use futures_util::lock::Mutex as Turns;

use super::broadcast;
use super::config::MultiConfig;
use super::driver::MultiDriver;
use super::kinds::Kinds;
use super::lane::Entry;
use super::route::{Route, RouteRequest};
use super::shared::Shared;
use super::status::{LinkId, LinkStatus, MultiStatistics};
use crate::adapter::{Accepted, EventStream, TransportAdapter};
use crate::capabilities::{Capabilities, Encoding, LinkClass, Power};
use crate::envelope::{Envelope, Priority};
use crate::error::{Error, TrySendError};
use crate::peer::{PeerAddr, PeerInfo, TransportKind};

/// Several links as one adapter. Dropping it ends its [`MultiDriver`] and lets go of the links.
pub struct MultiTransport {
    shared: Arc<Shared>,
    /// Start and stop take turns.
    lifecycle: Turns<()>,
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
            let reached: Kinds = state.peers.get(peer)?.lanes.iter().map(|lane| lane.kind).collect();
            Some(state.config.policy.route(request, reached))
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

    fn check_active(&self) -> Result<(), Error> {
        if self.is_active() { Ok(()) } else { Err(Error::Inactive) }
    }

    fn adapters(&self) -> Vec<(LinkId, Arc<dyn TransportAdapter>)> {
        self.shared
            .peek(|state| state.links.iter().map(|(id, slot)| (*id, Arc::clone(&slot.adapter))).collect())
    }

    /// The active links in the order in which small everyday envelopes prefer them; those that the policy does
    /// not route to come last.
    fn adapters_to_dial(&self) -> Vec<(LinkId, Arc<dyn TransportAdapter>)> {
        let mut adapters = self.adapters();
        adapters.retain(|(_, adapter)| adapter.is_active());
        let kinds = adapters.iter().map(|(_, adapter)| adapter.kind()).collect();
        let request = RouteRequest { priority: Priority::Normal, payload_bytes: 0, air_bytes: 0 };
        let route = self.shared.peek(|state| state.config.policy.route(&request, kinds));
        let rank = |kind| route.kinds().iter().position(|routed| *routed == kind).unwrap_or(usize::MAX);
        adapters.sort_by_key(|(_, adapter)| rank(adapter.kind()));
        adapters
    }

    fn note_outcome(&self, link: LinkId, outcome: &Result<(), Error>) {
        let failure = outcome.as_ref().err().map(ToString::to_string);
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

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TransportAdapter for MultiTransport {
    fn kind(&self) -> TransportKind {
        TransportKind::Multi
    }

    /// Of all links joined: the greatest sizes, the best of each figure. Never reliable nor ordered, since a
    /// hand-over may repeat and reorder.
    fn capabilities(&self) -> Capabilities {
        let all: Vec<_> =
            self.shared.peek(|state| state.links.values().map(|slot| slot.capabilities.clone()).collect());
        let most = |of: fn(&Capabilities) -> usize| all.iter().map(of).max().unwrap_or_default();
        Capabilities {
            max_message_bytes: most(|link| link.max_message_bytes),
            bandwidth_bytes_per_s: all
                .iter()
                .map(|link| link.bandwidth_bytes_per_s)
                .max()
                .unwrap_or_default(),
            latency: all.iter().map(|link| link.latency).min().unwrap_or_default(),
            streaming: all.iter().any(|link| link.streaming),
            broadcast: all.iter().any(|link| link.broadcast),
            range_m: all.iter().map(|link| link.range_m).max().flatten(),
            power: all.iter().map(|link| link.power).max().unwrap_or(Power::Low),
            frame_mtu_bytes: most(|link| link.frame_mtu_bytes),
            reliable: false,
            ordered: false,
            duty_cycle_permille: None,
            max_peers: all.iter().fold(0, |sum, link| sum.saturating_add(link.max_peers)),
            max_latency: all.iter().map(|link| link.max_latency).max().unwrap_or(Duration::ZERO),
            encoding: Encoding::Full,
            class: LinkClass::Datagram,
        }
    }

    fn is_active(&self) -> bool {
        self.shared.peek(|state| state.active)
    }

    /// Starts every link that is not active, also those added since. A link that fails does not stop the others
    /// and shows in [`links`](MultiTransport::links); it is an error only when there are links and none starts.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, some links may be active; starting again starts the rest, and stopping stops all.
    async fn start(&self) -> Result<(), Error> {
        let _turn = self.lifecycle.lock().await;
        let adapters = self.adapters();
        let starts = adapters.iter().map(async |(link, adapter)| {
            let heard =
                self.shared.peek(|state| state.links.get(link).is_some_and(|slot| slot.listening.is_some()));
            if !heard {
                // Before the start, so that no peer is met unheard.
                let now = self.shared.now();
                self.shared.with(|state| state.listen(now, *link));
            }
            if heard && adapter.is_active() {
                return Ok(());
            }
            let outcome = adapter.start().await;
            self.note_outcome(*link, &outcome);
            outcome
        });
        let outcomes = join_all(starts).await;
        let any = outcomes.is_empty() || outcomes.iter().any(Result::is_ok);
        let now = self.shared.now();
        if !any {
            self.shared.with(|state| state.close(now));
            return outcomes.into_iter().collect();
        }
        let limits: Vec<_> = adapters.iter().map(|(id, adapter)| (*id, adapter.capabilities())).collect();
        self.shared.with(|state| {
            state.active = !state.ended;
            for (link, capabilities) in limits {
                if let Some(slot) = state.links.get_mut(&link) {
                    slot.capabilities = capabilities;
                }
            }
        });
        self.check_active()
    }

    /// Stops every link; one that fails does not stop the others.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, the transport is stopped and some links may be active; stopping again stops the rest.
    async fn stop(&self) -> Result<(), Error> {
        let _turn = self.lifecycle.lock().await;
        let now = self.shared.now();
        self.shared.with(|state| state.close(now));
        let adapters = self.adapters();
        let stops = adapters.iter().map(async |(link, adapter)| {
            let outcome = adapter.stop().await;
            self.note_outcome(*link, &outcome);
            outcome
        });
        join_all(stops).await.into_iter().collect()
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.shared.peek(|state| {
            let peers = state.peers_sorted();
            peers.iter().filter_map(|peer| state.peers.get(peer)?.info(peer)).collect()
        })
    }

    /// Offers the address to one active link after the other until one finds that it is an address of its own.
    async fn connect(&self, peer: &PeerAddr) -> Result<PeerId, Error> {
        self.check_active()?;
        for (link, adapter) in self.adapters_to_dial() {
            match adapter.connect(peer).await {
                Err(Error::InvalidAddress { .. }) => {}
                outcome => {
                    let reached = adapter.peers();
                    let now = self.shared.now();
                    self.shared.with(|state| {
                        if state.active {
                            state.absorb(now, link, reached);
                        }
                    });
                    return outcome;
                }
            }
        }
        Err(Error::InvalidAddress { address: peer.address.clone() })
    }

    /// Closes the peer's connections on all links. They are closed for this transport even if a link fails in
    /// doing so.
    async fn disconnect(&self, peer: &PeerId) -> Result<(), Error> {
        self.check_active()?;
        let adapters = self.adapters();
        let seen: Vec<_> = adapters
            .iter()
            .filter_map(|(link, adapter)| {
                let info = adapter.peers().into_iter().find(|info| info.peer == *peer)?;
                Some((*link, info.connection))
            })
            .collect();
        let now = self.shared.now();
        self.shared.with(|state| state.close_peer(now, peer, &seen));
        let active = adapters.iter().filter(|(_, adapter)| adapter.is_active());
        join_all(active.map(|(_, adapter)| adapter.disconnect(peer))).await.into_iter().collect()
    }

    async fn send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, Error> {
        self.shared.check(&envelope)?;
        let entry = self.shared.entry(envelope);
        self.shared.give_when_room(peer, &entry).await
    }

    fn try_send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, TrySendError> {
        self.shared.check(&envelope)?;
        let entry: Entry = self.shared.entry(envelope);
        self.shared.try_give(peer, &entry).map_err(|unsent| self.shared.unsent(peer, unsent))
    }

    /// Every peer over the links of its own route; a signed envelope goes over a medium that many hear once for
    /// all who are reached by it.
    async fn broadcast(&self, envelope: Envelope) -> Result<Accepted, Error> {
        self.shared.check(&envelope)?;
        broadcast::to_all(&self.shared, envelope).await
    }

    fn events(&self) -> EventStream {
        Box::pin(self.shared.hub.subscribe())
    }
}

impl Drop for MultiTransport {
    fn drop(&mut self) {
        self.end();
        // The driver may never be polled again.
        self.shared.with(|state| state.links.clear());
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
