use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use civic_crypto::rng::{SystemRng, random_bytes};
use civic_types::PeerId;
use civic_types::limits::MAX_PAYLOAD_BYTES;
use futures_util::future::join_all;

use super::events::MemoryEvents;
use super::network::MemoryNetwork;
use super::state::{EPOCH_BYTES, Start};
use crate::adapter::{Accepted, EventStream, TransportAdapter};
use crate::capabilities::{Capabilities, Encoding, LinkClass, Power};
use crate::envelope::{Envelope, MAX_FULL_OVERHEAD_BYTES};
use crate::error::{Error, TrySendError};
use crate::event::LostReason;
use crate::hub::{EventHub, HubConfig};
use crate::link::LinkIdentity;
use crate::peer::{PeerAddr, PeerInfo, TransportKind};
use crate::receive::{ReceiveConfig, Receiver};

/// One device's adapter on a [`MemoryNetwork`].
pub(super) struct MemoryAdapter {
    network: MemoryNetwork,
    peer: PeerId,
    instance: u64,
    hub: EventHub,
    /// What a start needs, while stopped.
    stopped: Mutex<Option<Start>>,
}

impl MemoryAdapter {
    pub(super) fn new(network: MemoryNetwork, identity: &LinkIdentity) -> Self {
        static INSTANCES: AtomicU64 = AtomicU64::new(0);
        let instance = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let (peer, hub) = (identity.peer_id(), EventHub::new(HubConfig::default()));
        let secret = random_bytes(&mut SystemRng::new());
        let receiver = Receiver::new(peer, identity.net.clone(), ReceiveConfig::default(), secret);
        let timer = identity.timer.clone();
        let start = Start { hub: hub.clone(), instance, timer, receiver, connections: 0 };
        Self { network, peer, instance, hub, stopped: Mutex::new(Some(start)) }
    }

    /// Takes the envelope or says why not; `Pending` and woken later when there is no room.
    fn poll_send(
        &self,
        peer: &PeerId,
        wire: &Bytes,
        context: Option<&Context<'_>>,
    ) -> Poll<Result<Accepted, Error>> {
        let network = self.network.shared();
        let now = network.timer.as_ref().map(|timer| timer.now());
        let mut state = network.lock();
        if state.endpoint(&self.peer, self.instance).is_none() {
            return Poll::Ready(Err(Error::Inactive));
        }
        match state.send(now, &self.peer, peer, wire) {
            Ok(true) => Poll::Ready(Ok(Accepted::HandedToLink)),
            Ok(false) => {
                let waker = context.map(Context::waker);
                let new =
                    waker.filter(|waker| !state.awaiting_room.iter().any(|known| known.will_wake(waker)));
                state.awaiting_room.extend(new.cloned());
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn wire(&self, envelope: &Envelope) -> Result<Bytes, Error> {
        let (got, limit) = (envelope.payload().len(), self.capabilities().max_message_bytes);
        if got > limit { Err(Error::TooLarge { got, limit }) } else { Ok(envelope.encode_wire()) }
    }

    fn check_active(&self) -> Result<(), Error> {
        if self.is_active() { Ok(()) } else { Err(Error::Inactive) }
    }
}

#[async_trait]
impl TransportAdapter for MemoryAdapter {
    fn kind(&self) -> TransportKind {
        TransportKind::Memory
    }

    fn capabilities(&self) -> Capabilities {
        let model = &self.network.shared().model;
        let mtu = model.mtu_bytes.unwrap_or(usize::MAX);
        Capabilities {
            max_message_bytes: mtu
                .saturating_sub(MAX_FULL_OVERHEAD_BYTES + EPOCH_BYTES)
                .min(MAX_PAYLOAD_BYTES),
            bandwidth_bytes_per_s: model.bandwidth_bytes_per_s.unwrap_or(1_000_000_000),
            latency: model.delay_min,
            streaming: true,
            broadcast: false,
            range_m: None,
            power: Power::Low,
            frame_mtu_bytes: mtu,
            reliable: model.is_reliable(),
            ordered: model.is_ordered(),
            duty_cycle_permille: None,
            max_peers: usize::MAX,
            max_latency: model.delay_max.saturating_add(Duration::from_secs(1)),
            encoding: Encoding::Full,
            class: if model.is_reliable() { LinkClass::Stream } else { LinkClass::Datagram },
        }
    }

    fn is_active(&self) -> bool {
        self.network.shared().lock().endpoint(&self.peer, self.instance).is_some()
    }

    async fn start(&self) -> Result<(), Error> {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.network.shared().lock();
        if stopped.is_some() && state.is_started(&self.peer) {
            return Err(Error::AddressInUse { address: self.peer.to_string() });
        }
        if let Some(start) = stopped.take() {
            state.start(self.peer, start);
        }
        Ok(())
    }

    async fn stop(&self) -> Result<(), Error> {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(start) = self.network.shared().lock().stop(&self.peer, self.instance) {
            *stopped = Some(start);
        }
        Ok(())
    }

    fn peers(&self) -> Vec<PeerInfo> {
        let state = self.network.shared().lock();
        let endpoint = state.endpoint(&self.peer, self.instance);
        endpoint.map(|e| e.peers.values().map(|c| c.info.clone()).collect()).unwrap_or_default()
    }

    async fn connect(&self, peer: &PeerAddr) -> Result<PeerId, Error> {
        self.check_active()?;
        let invalid = || Error::InvalidAddress { address: peer.address.clone() };
        let there: PeerId = peer.address.parse().map_err(|_| invalid())?;
        if there == self.peer {
            return Err(invalid());
        }
        let mut state = self.network.shared().lock();
        if state.is_cut(&self.peer, &there) || !state.is_started(&there) {
            let source = std::io::Error::from(std::io::ErrorKind::NotConnected).into();
            return Err(Error::Unreachable { address: peer.address.clone(), source });
        }
        match peer.peer {
            Some(want) if want != there => return Err(Error::WrongPeer { got: there, want }),
            _ => state.remember(&self.peer, &there),
        }
        state.open(&self.peer, &there);
        Ok(there)
    }

    async fn disconnect(&self, peer: &PeerId) -> Result<(), Error> {
        self.check_active()?;
        let mut state = self.network.shared().lock();
        state.forget(&self.peer, peer);
        state.close(&self.peer, peer, LostReason::ClosedHere, LostReason::ClosedThere);
        Ok(())
    }

    async fn send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, Error> {
        let wire = self.wire(&envelope)?;
        poll_fn(|context| self.poll_send(peer, &wire, Some(context))).await
    }

    fn try_send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, TrySendError> {
        match self.poll_send(peer, &self.wire(&envelope)?, None) {
            Poll::Ready(result) => Ok(result?),
            Poll::Pending => Err(TrySendError::Busy),
        }
    }

    async fn broadcast(&self, envelope: Envelope) -> Result<Accepted, Error> {
        self.check_active()?;
        let wire = self.wire(&envelope)?;
        let peers = self.peers();
        let sends = peers.iter().map(|info| {
            let wire = &wire;
            poll_fn(move |context| self.poll_send(&info.peer, wire, Some(context)))
        });
        let nobody = Err(Error::NotConnected { peer: PeerId::from_bytes([0; PeerId::LEN]) });
        join_all(sends).await.into_iter().fold(nobody, |sum, one| if sum.is_ok() { sum } else { one.or(sum) })
    }

    fn events(&self) -> EventStream {
        let network = self.network.shared().clone();
        Box::pin(MemoryEvents { subscription: self.hub.subscribe(), network, peer: self.peer, alarm: None })
    }
}

impl Drop for MemoryAdapter {
    fn drop(&mut self) {
        self.network.shared().lock().stop(&self.peer, self.instance);
    }
}

impl fmt::Debug for MemoryAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAdapter").field("peer", &self.peer).finish_non_exhaustive()
    }
}
