use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use civic_transport::capabilities::Power;
use civic_transport::stream::frame::MAX_FRAME_BYTES;
use civic_transport::stream::{MAX_TARGETS, Outbound, Refused};
use civic_transport::{
    Accepted, Capabilities, Envelope, Error, EventStream, LostReason, PeerAddr, PeerInfo, SignedEnvelope,
    TransportAdapter, TransportKind, TrySendError,
};
use civic_types::PeerId;
use civic_types::limits::MAX_PAYLOAD_BYTES;
use futures_util::future::join_all;
use libp2p::Multiaddr;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::actor::{Actor, Command};
use super::config::Access;
use super::dial::{self, First, Target};
use super::gossip::{self, MAX_GOSSIP_BYTES};
use super::identity::named;
use super::inner::{Inner, backend, lock};
use super::message::{CloseCode, Registry};
use super::statistics::Statistics;

/// One device on the internet. It lives on tokio: `start` and whatever follows must be called inside a
/// runtime. Dropping it closes every connection.
pub struct InternetAdapter {
    inner: Arc<Inner>,
    active: AtomicBool,
    /// Start and stop take turns.
    lifecycle: tokio::sync::Mutex<()>,
    actor: Mutex<Option<JoinHandle<()>>>,
}

impl InternetAdapter {
    pub(super) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
            active: AtomicBool::new(false),
            lifecycle: tokio::sync::Mutex::new(()),
            actor: Mutex::default(),
        }
    }

    /// Where it listens, as multiaddrs that end in `/p2p/…`; none while it is stopped.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        lock(&self.inner.local).clone()
    }

    /// This device's libp2p peer id, as text.
    #[must_use]
    pub fn libp2p_peer_id(&self) -> String {
        self.inner.keypair.public().to_peer_id().to_string()
    }

    /// What has happened since the adapter was made.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.inner.counters.read()
    }

    /// Changes who may connect, and disconnects whom the new rule does not admit.
    ///
    /// # Cancel safety
    ///
    /// The rule holds from the call on; cancelled, those connected may stay.
    pub async fn set_access(&self, access: Access) {
        *self.inner.access.write().unwrap_or_else(PoisonError::into_inner) = access;
        // Stopped: nobody is connected.
        let _ = self.inner.tell(Command::Enforce).await;
    }

    /// Takes part in a topic: what others publish there arrives as [`Event::Received`] from the neighbour
    /// that passed it on, on connection 0 if there is no session with that neighbour. Ends with the stop.
    ///
    /// [`Event::Received`]: civic_transport::Event::Received
    ///
    /// # Errors
    ///
    /// [`Error::Inactive`], [`Error::Backend`].
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it may have happened or not.
    pub async fn subscribe(&self, topic: &str) -> Result<(), Error> {
        let topic = topic.to_owned();
        self.ask(|reply| Command::Subscribe { topic, reply }).await
    }

    /// Leaves a topic.
    ///
    /// # Errors
    ///
    /// [`Error::Inactive`].
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it may have happened or not.
    pub async fn unsubscribe(&self, topic: &str) -> Result<(), Error> {
        self.check_active()?;
        let told = self.inner.tell(Command::Unsubscribe { topic: topic.to_owned() }).await;
        if told { Ok(()) } else { Err(Error::Inactive) }
    }

    /// Hands an envelope to those neighbours that take part in a topic, who pass it on.
    ///
    /// # Errors
    ///
    /// [`Error::NotConnected`] when no neighbour takes part; [`Error::TooLarge`] above
    /// [`MAX_GOSSIP_BYTES`]; [`Error::Inactive`]; [`Error::Backend`] when every neighbour's queue is full.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it may have happened or not.
    pub async fn publish(&self, topic: &str, envelope: SignedEnvelope) -> Result<Accepted, Error> {
        let wire = Envelope::from(envelope).encode_wire();
        if wire.len() > MAX_GOSSIP_BYTES {
            return Err(Error::TooLarge { got: wire.len(), limit: MAX_GOSSIP_BYTES });
        }
        let (topic, wire) = (topic.to_owned(), wire.to_vec());
        self.ask(|reply| Command::Publish { topic, wire, reply }).await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Command,
    ) -> Result<T, Error> {
        self.check_active()?;
        let (reply, answer) = oneshot::channel();
        if !self.inner.tell(command(reply)).await {
            return Err(Error::Inactive);
        }
        // The actor ended: by a stop.
        answer.await.unwrap_or(Err(Error::Inactive))
    }

    fn check_active(&self) -> Result<(), Error> {
        if self.is_active() { Ok(()) } else { Err(Error::Inactive) }
    }

    /// Whether an address is one of ours. A dial from the port that it names would meet itself.
    fn is_ours(&self, address: &Multiaddr) -> bool {
        let me = self.inner.keypair.public().to_peer_id();
        if let Some(named) = named(address) {
            return named == me;
        }
        let full = address.clone().with_p2p(me).map(|full| full.to_string());
        full.is_ok_and(|full| lock(&self.inner.local).contains(&full))
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

    fn add_target(&self, address: PeerAddr, parsed: Multiaddr, bootstrap: bool, first: First) {
        let mut targets = lock(&self.inner.targets);
        let id = targets.add(address.clone());
        let inner = self.inner.clone();
        let task = self.inner.spawn(async move {
            let target = Target { id, address, parsed, bootstrap };
            let dialling = dial::run(inner.clone(), target, first);
            // Stopped or done: nothing is left to do either way.
            let _ = inner.unless_stopped(dialling).await;
        });
        targets.set_task(id, task);
    }

    /// The part of a stop that does not wait.
    fn close(&self) {
        self.active.store(false, Ordering::Release);
        lock(&self.inner.targets).remove_all();
        self.inner.with_registry(Registry::close);
        self.inner.set_stopping(true);
    }

    /// The part that does: sessions say goodbye while the actor still works, then it ends too.
    async fn wind_down(&self) {
        self.inner.end_tasks().await;
        *lock(&self.inner.mailbox) = None;
        let actor = lock(&self.actor).take();
        if let Some(actor) = actor {
            // It ends when its mailbox does; a panic in it was reported by the runtime.
            let _ = actor.await;
        }
        self.inner.end_tasks().await;
        lock(&self.inner.local).clear();
    }
}

#[async_trait]
impl TransportAdapter for InternetAdapter {
    fn kind(&self) -> TransportKind {
        TransportKind::Internet
    }

    fn capabilities(&self) -> Capabilities {
        let mut stream = Capabilities::stream(MAX_PAYLOAD_BYTES, BANDWIDTH_BYTES_PER_S, LATENCY);
        stream.power = Power::High;
        stream.frame_mtu_bytes = MAX_FRAME_BYTES;
        stream.max_peers = usize::try_from(self.inner.config.max_connections).unwrap_or(usize::MAX);
        stream.max_latency = self.inner.config.lost_after;
        stream
    }

    fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    async fn start(&self) -> Result<(), Error> {
        let _turn = self.lifecycle.lock().await;
        if self.is_active() {
            return Ok(());
        }
        // libp2p's TLS would write the keys of every session there.
        if std::env::var_os(KEY_LOG).is_some() {
            return Err(backend(format!(
                "the environment variable {KEY_LOG} is set: session keys would leak"
            )));
        }
        // A stop may have been cancelled half-way.
        self.wind_down().await;
        self.inner.set_stopping(false);
        let (actor, mailbox, heard) = Actor::open(self.inner.clone()).await?;
        *lock(&self.inner.mailbox) = Some(mailbox);
        self.inner.with_registry(Registry::open);
        self.active.store(true, Ordering::Release);
        *lock(&self.actor) = Some(tokio::spawn(actor.run()));
        let inner = self.inner.clone();
        self.inner.spawn(async move {
            // It works until the stop.
            let _ = inner.unless_stopped(gossip::verify(inner.clone(), heard)).await;
        });
        for address in self.inner.config.bootstrap.clone() {
            match parse(&address) {
                Ok(parsed) => self.add_target(address, parsed, true, None),
                Err(error) => {
                    self.inner.counters.bad_addresses.add();
                    tracing::warn!(%error, "a bootstrap address is none");
                }
            }
        }
        Ok(())
    }

    async fn stop(&self) -> Result<(), Error> {
        let _turn = self.lifecycle.lock().await;
        self.close();
        self.wind_down().await;
        Ok(())
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.inner.peek_registry(Registry::infos)
    }

    /// Cancelled, the first attempt goes on by itself.
    async fn connect(&self, peer: &PeerAddr) -> Result<PeerId, Error> {
        self.check_active()?;
        let parsed = parse(peer)?;
        if peer.peer == Some(self.inner.me) || self.is_ours(&parsed) {
            return Err(Error::InvalidAddress { address: peer.address.clone() });
        }
        if lock(&self.inner.targets).is_full() {
            return Err(backend(format!("{MAX_TARGETS} addresses are kept dialled already")));
        }
        let known = lock(&self.inner.targets).peer_at(peer).or(peer.peer);
        if let Some(known) = known.filter(|known| self.inner.is_connected(known)) {
            self.add_target(PeerAddr { peer: Some(known), ..peer.clone() }, parsed, false, None);
            return Ok(known);
        }
        let (first, outcome) = oneshot::channel();
        self.add_target(peer.clone(), parsed, false, Some(first));
        // The task was aborted: by a stop, a disconnect or another connect.
        outcome.await.unwrap_or(Err(Error::Inactive))
    }

    async fn disconnect(&self, peer: &PeerId) -> Result<(), Error> {
        self.check_active()?;
        lock(&self.inner.targets).remove_peer(peer);
        self.inner.shun(*peer);
        // Without an actor there is nothing to forget.
        let _ = self.inner.tell(Command::Forget(*peer)).await;
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

impl Drop for InternetAdapter {
    fn drop(&mut self) {
        self.close();
        *lock(&self.inner.mailbox) = None;
    }
}

impl fmt::Debug for InternetAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InternetAdapter")
            .field("peer", &self.inner.me)
            .field("listening", &self.addresses())
            .finish_non_exhaustive()
    }
}

/// An address of this link: a multiaddr with at least a place in it.
fn parse(address: &PeerAddr) -> Result<Multiaddr, Error> {
    let parsed = address.address.parse::<Multiaddr>().ok().filter(|parsed| !parsed.is_empty());
    parsed.ok_or_else(|| Error::InvalidAddress { address: address.address.clone() })
}

/// Where TLS libraries log the keys of their sessions.
const KEY_LOG: &str = "SSLKEYLOGFILE";
/// A home's uplink.
const BANDWIDTH_BYTES_PER_S: u64 = 2_000_000;
const LATENCY: Duration = Duration::from_millis(50);
