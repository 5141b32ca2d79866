use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use civic_types::PeerId;
use civic_types::limits::MAX_PAYLOAD_BYTES;
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::config::LanConfig;
use super::dial::First;
use super::frame::CloseCode;
use super::inner::{Inner, lock};
use super::site::LanSite;
use super::{accept, dial, discovery};
use crate::adapter::{Accepted, EventStream, TransportAdapter};
use crate::capabilities::{Capabilities, Encoding, LinkClass, Power};
use crate::envelope::Envelope;
use crate::error::{Error, TrySendError};
use crate::event::LostReason;
use crate::link::{Link, LinkIdentity};
use crate::peer::{PeerAddr, PeerInfo, TransportKind};
use crate::stream::frame::MAX_FRAME_BYTES;
use crate::stream::{MAX_TARGETS, Outbound, Refused};

/// A LAN link that has no identity yet.
#[derive(Clone, Debug, Default)]
pub struct LanLink {
    config: LanConfig,
    address: LanAddress,
    site: LanSite,
}

impl LanLink {
    /// A link of that configuration.
    #[must_use]
    pub fn new(config: LanConfig) -> Self {
        let site = LanSite::new(config.site.clone());
        Self { config, address: LanAddress::default(), site }
    }

    /// Tells where the link listens, once it does.
    #[must_use]
    pub fn address(&self) -> LanAddress {
        self.address.clone()
    }

    /// Moves the link from one neighbourhood to another.
    #[must_use]
    pub fn site(&self) -> LanSite {
        self.site.clone()
    }

    /// Makes it an adapter of that device; it is not started.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`] when TLS cannot be set up with that key.
    pub fn into_adapter(self, identity: &LinkIdentity) -> Result<LanAdapter, Error> {
        let inner = Arc::new(Inner::new(self.config, self.address.0, self.site.get(), identity)?);
        self.site.bind(&inner);
        Ok(LanAdapter {
            inner,
            site: self.site,
            active: AtomicBool::new(false),
            lifecycle: tokio::sync::Mutex::new(()),
        })
    }
}

impl Link for LanLink {
    fn bind(self: Box<Self>, identity: &LinkIdentity) -> Result<Arc<dyn TransportAdapter>, Error> {
        Ok(Arc::new(self.into_adapter(identity)?))
    }
}

/// Where a LAN link listens; clones follow the same link.
#[derive(Clone, Debug, Default)]
pub struct LanAddress(Arc<Mutex<Option<SocketAddr>>>);

impl LanAddress {
    /// The address, with the port that the system picked; `None` while the link is stopped.
    #[must_use]
    pub fn get(&self) -> Option<SocketAddr> {
        *lock(&self.0)
    }
}

/// One device on its local network. It lives on tokio: `start` and whatever follows must be called inside
/// a runtime. Dropping it closes every connection.
pub struct LanAdapter {
    inner: Arc<Inner>,
    site: LanSite,
    active: AtomicBool,
    /// Start and stop take turns.
    lifecycle: tokio::sync::Mutex<()>,
}

impl LanAdapter {
    /// Where it listens; `None` while it is stopped.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        *lock(&self.inner.local)
    }

    /// The neighbourhood where the device is.
    #[must_use]
    pub fn site(&self) -> String {
        self.site.get()
    }

    /// Moves to another neighbourhood, as [`LanSite::set`] does.
    pub fn set_site(&self, site: impl Into<String>) {
        self.site.set(site);
    }

    fn check_active(&self) -> Result<(), Error> {
        if self.is_active() { Ok(()) } else { Err(Error::Inactive) }
    }

    fn wire(envelope: &Envelope) -> Result<Bytes, Error> {
        match envelope.payload().len() {
            got if got > MAX_PAYLOAD_BYTES => Err(Error::TooLarge { got, limit: MAX_PAYLOAD_BYTES }),
            _ => Ok(envelope.encode_wire()),
        }
    }

    fn outbound(&self, peer: &PeerId) -> Result<Arc<Outbound>, Error> {
        self.check_active()?;
        let outbound =
            self.inner.peek_registry(|registry| registry.get(peer).map(|live| live.outbound.clone()));
        outbound.ok_or(Error::NotConnected { peer: *peer })
    }

    fn add_target(&self, address: PeerAddr, first: First) {
        let mut targets = lock(&self.inner.targets);
        let id = targets.add(address.clone());
        let inner = self.inner.clone();
        let task = self.inner.spawn(async move {
            let dialling = dial::run(inner.clone(), id, address, first);
            // Stopped or done: nothing is left to do either way.
            let _ = inner.unless_stopped(dialling).await;
        });
        targets.set_task(id, task);
    }

    /// The part of a stop that does not wait.
    fn close(&self) {
        self.active.store(false, Ordering::Release);
        lock(&self.inner.targets).remove_all();
        self.inner.with_registry(super::registry::Registry::close);
        self.inner.set_stopping(true);
        *lock(&self.inner.local) = None;
    }
}

#[async_trait]
impl TransportAdapter for LanAdapter {
    fn kind(&self) -> TransportKind {
        TransportKind::Lan
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_message_bytes: MAX_PAYLOAD_BYTES,
            bandwidth_bytes_per_s: 10_000_000,
            latency: Duration::from_millis(2),
            streaming: true,
            broadcast: false,
            range_m: Some(100),
            power: Power::Medium,
            frame_mtu_bytes: MAX_FRAME_BYTES,
            reliable: true,
            ordered: true,
            duty_cycle_permille: None,
            max_peers: self.inner.config.max_peers,
            max_latency: self.inner.config.lost_after,
            encoding: Encoding::Full,
            class: LinkClass::Stream,
        }
    }

    fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    async fn start(&self) -> Result<(), Error> {
        let _turn = self.lifecycle.lock().await;
        if self.is_active() {
            return Ok(());
        }
        // A stop may have been cancelled half-way.
        self.inner.end_tasks().await;
        let listen = self.inner.config.listen;
        let listener = TcpListener::bind(listen).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => Error::AddressInUse { address: listen.to_string() },
            _ => Error::Backend { transport: TransportKind::Lan, source: error.into() },
        })?;
        *lock(&self.inner.local) = listener.local_addr().ok();
        self.inner.shun_nobody();
        self.inner.set_stopping(false);
        self.inner.with_registry(super::registry::Registry::open);
        self.active.store(true, Ordering::Release);
        let inner = self.inner.clone();
        self.inner.spawn(async move {
            // It runs until the stop.
            let _ = inner.unless_stopped(accept::run(inner.clone(), listener)).await;
        });
        if let (Some(config), Some(listen)) = (self.inner.config.discovery.clone(), self.local_addr()) {
            self.inner.spawn(discovery::run(self.inner.clone(), config, listen));
        }
        for address in self.inner.config.manual.clone() {
            self.add_target(address, None);
        }
        Ok(())
    }

    async fn stop(&self) -> Result<(), Error> {
        let _turn = self.lifecycle.lock().await;
        self.close();
        self.inner.end_tasks().await;
        Ok(())
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.inner.peek_registry(super::registry::Registry::infos)
    }

    /// Cancelled, the first attempt goes on by itself.
    async fn connect(&self, peer: &PeerAddr) -> Result<PeerId, Error> {
        self.check_active()?;
        let port = peer.address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) || peer.peer == Some(self.inner.me) {
            return Err(Error::InvalidAddress { address: peer.address.clone() });
        }
        let known = lock(&self.inner.targets).peer_at(peer).or(peer.peer);
        known.iter().for_each(|known| self.inner.unshun(known));
        if let Some(known) = known.filter(|known| self.inner.is_connected(known)) {
            self.add_target(PeerAddr { peer: Some(known), ..peer.clone() }, None);
            return Ok(known);
        }
        if lock(&self.inner.targets).is_full() {
            let source = format!("{MAX_TARGETS} addresses are kept dialled already").into();
            return Err(Error::Backend { transport: TransportKind::Lan, source });
        }
        let (first, outcome) = oneshot::channel();
        self.add_target(peer.clone(), Some(first));
        // The task was aborted: by a stop, a disconnect or another connect.
        outcome.await.unwrap_or(Err(Error::Inactive))
    }

    async fn disconnect(&self, peer: &PeerId) -> Result<(), Error> {
        self.check_active()?;
        lock(&self.inner.targets).remove_peer(peer);
        self.inner.shun(*peer);
        self.inner
            .with_registry(|registry| registry.remove(peer, LostReason::ClosedHere, CloseCode::Goodbye));
        Ok(())
    }

    async fn send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, Error> {
        let (wire, outbound) = (Self::wire(&envelope)?, self.outbound(peer)?);
        match outbound.push(envelope.priority(), &wire).await {
            Ok(()) => Ok(Accepted::Queued),
            Err(_) => Err(Error::NotConnected { peer: *peer }),
        }
    }

    fn try_send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, TrySendError> {
        let (wire, outbound) = (Self::wire(&envelope)?, self.outbound(peer)?);
        match outbound.try_push(envelope.priority(), &wire) {
            Ok(()) => Ok(Accepted::Queued),
            Err(Refused::Full) => Err(TrySendError::Busy),
            Err(Refused::Closed) => Err(Error::NotConnected { peer: *peer }.into()),
        }
    }

    async fn broadcast(&self, envelope: Envelope) -> Result<Accepted, Error> {
        self.check_active()?;
        let wire = Self::wire(&envelope)?;
        let outbounds: Vec<_> =
            self.peers().iter().filter_map(|info| self.outbound(&info.peer).ok()).collect();
        let sends = outbounds.iter().map(|outbound| outbound.push(envelope.priority(), &wire));
        if join_all(sends).await.iter().any(Result::is_ok) {
            return Ok(Accepted::Queued);
        }
        Err(Error::NotConnected { peer: PeerId::from_bytes([0; PeerId::LEN]) })
    }

    fn events(&self) -> EventStream {
        Box::pin(self.inner.hub.subscribe())
    }
}

impl Drop for LanAdapter {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for LanAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LanAdapter")
            .field("peer", &self.inner.me)
            .field("listening", &self.local_addr())
            .finish_non_exhaustive()
    }
}
