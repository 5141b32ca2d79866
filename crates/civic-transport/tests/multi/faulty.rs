use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use civic_transport::*;
use civic_types::PeerId;
use futures_util::StreamExt;

/// A memory link that passes for another medium, and that fails on demand.
#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) inner: Arc<dyn TransportAdapter>,
    kind: TransportKind,
    fault: Mutex<Fault>,
    deaf: Arc<AtomicBool>,
    missed: Arc<AtomicU64>,
    pub(crate) transmissions: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// `send` never ends, `try_send` is busy.
    Hangs,
    /// The law allows nothing for a minute.
    OutOfDuty,
    RefusesSend,
    RefusesStart,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn TransportAdapter>, kind: TransportKind) -> Self {
        let (fault, transmissions) = (Mutex::new(Fault::None), AtomicU64::new(0));
        Self { inner, kind, fault, deaf: Arc::default(), missed: Arc::default(), transmissions }
    }

    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Swallows events from now on; the first one after it ends is preceded by how many there were.
    pub(crate) fn set_deaf(&self, deaf: bool) {
        self.deaf.store(deaf, Ordering::SeqCst);
    }

    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    fn disguised(kind: TransportKind, mut info: PeerInfo) -> PeerInfo {
        info.transports = vec![kind];
        info
    }

    fn disguise(kind: TransportKind, event: Event) -> Event {
        match event {
            Event::Discovered(info) => Event::Discovered(Self::disguised(kind, info)),
            other => other,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TransportAdapter for Faulty {
    fn kind(&self) -> TransportKind {
        self.kind
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        capabilities.broadcast = self.kind == TransportKind::Lora;
        capabilities
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    async fn start(&self) -> Result<(), Error> {
        match self.fault() {
            Fault::RefusesStart => Err(Error::AddressInUse { address: "antenna".to_owned() }),
            _ => self.inner.start().await,
        }
    }

    async fn stop(&self) -> Result<(), Error> {
        self.inner.stop().await
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.inner.peers().into_iter().map(|info| Self::disguised(self.kind, info)).collect()
    }

    async fn connect(&self, peer: &PeerAddr) -> Result<PeerId, Error> {
        self.inner.connect(peer).await
    }

    async fn disconnect(&self, peer: &PeerId) -> Result<(), Error> {
        self.inner.disconnect(peer).await
    }

    async fn send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, Error> {
        match self.fault() {
            Fault::Hangs | Fault::OutOfDuty => std::future::pending().await,
            Fault::RefusesSend => Err(Error::NotConnected { peer: *peer }),
            _ => {
                self.transmissions.fetch_add(1, Ordering::SeqCst);
                self.inner.send(peer, envelope).await
            }
        }
    }

    fn try_send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, TrySendError> {
        match self.fault() {
            Fault::Hangs => Err(TrySendError::Busy),
            Fault::OutOfDuty => Err(TrySendError::DutyCycle { retry_after: Duration::from_secs(60) }),
            Fault::RefusesSend => Err(TrySendError::Refused(Error::NotConnected { peer: *peer })),
            _ => {
                let outcome = self.inner.try_send(peer, envelope);
                self.transmissions.fetch_add(u64::from(outcome.is_ok()), Ordering::SeqCst);
                outcome
            }
        }
    }

    async fn broadcast(&self, envelope: Envelope) -> Result<Accepted, Error> {
        match self.fault() {
            Fault::Hangs => std::future::pending().await,
            Fault::RefusesSend => Err(Error::Inactive),
            _ => {
                self.transmissions.fetch_add(1, Ordering::SeqCst);
                self.inner.broadcast(envelope).await
            }
        }
    }

    fn events(&self) -> EventStream {
        let (kind, deaf, missed) = (self.kind, self.deaf.clone(), self.missed.clone());
        Box::pin(self.inner.events().flat_map(move |event| {
            let heard = if deaf.load(Ordering::SeqCst) {
                missed.fetch_add(1, Ordering::SeqCst);
                Vec::new()
            } else {
                let missed = missed.swap(0, Ordering::SeqCst);
                let lagged = (missed > 0).then_some(Event::Lagged { missed });
                lagged.into_iter().chain([Self::disguise(kind, event)]).collect()
            };
            futures_util::stream::iter(heard)
        }))
    }
}
