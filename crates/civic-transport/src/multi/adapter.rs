use std::time::Duration;

use async_trait::async_trait;
use civic_types::PeerId;
use futures_util::future::join_all;

use super::broadcast;
use super::transport::MultiTransport;
use crate::adapter::{Accepted, EventStream, TransportAdapter};
use crate::capabilities::{Capabilities, Encoding, LinkClass, Power};
use crate::envelope::Envelope;
use crate::error::{Error, TrySendError};
use crate::peer::{PeerAddr, PeerInfo, TransportKind};

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
    /// and shows in [`links`](MultiTransport::links); it is an error only when there are links and none starts, and
    /// after [`end`](MultiTransport::end).
    ///
    /// # Cancel safety
    ///
    /// Cancelled, some links may be active; starting again starts the rest, and stopping stops all.
    async fn start(&self) -> Result<(), Error> {
        let _turn = self.lifecycle.lock().await;
        if self.shared.peek(|state| state.ended) {
            return Err(Error::Inactive);
        }
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
    /// When it returns, every link that reaches the peer counts, whether or not the driver has heard of it yet.
    async fn connect(&self, peer: &PeerAddr) -> Result<PeerId, Error> {
        self.check_active()?;
        let adapters = self.adapters_to_dial();
        for (_, adapter) in &adapters {
            match adapter.connect(peer).await {
                Err(Error::InvalidAddress { .. }) => {}
                Err(error) => return Err(error),
                Ok(there) => {
                    self.absorb(&adapters, &there);
                    return Ok(there);
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
        let entry = self.shared.entry(envelope);
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
