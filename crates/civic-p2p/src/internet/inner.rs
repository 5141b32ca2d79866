use std::collections::BTreeSet;
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use civic_crypto::rng::{SystemRng, random_bytes};
use civic_transport::hub::EventHub;
use civic_transport::receive::Receiver;
use civic_transport::stream::Targets;
use civic_transport::{Error, LinkIdentity, TransportKind};
use civic_types::time::{Tick, Timer};
use civic_types::{PeerId, PublicKey};
use futures_util::future::{Either, select};
use libp2p::identity::Keypair;
use libp2p::swarm::ConnectionId;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::actor::Command;
use super::config::{Access, InternetConfig};
use super::identity::keypair;
use super::message::Registry;
use super::statistics::Counters;

/// What the tasks of one link share. Locks are short and nest in one order: registry, then hub.
pub(super) struct Inner {
    pub(super) config: InternetConfig,
    pub(super) me: PeerId,
    pub(super) key: PublicKey,
    pub(super) keypair: Keypair,
    pub(super) net: String,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) hub: EventHub,
    pub(super) receiver: Mutex<Receiver>,
    pub(super) targets: Mutex<Targets>,
    pub(super) counters: Counters,
    pub(super) access: Arc<RwLock<Access>>,
    /// Peers that we dial ourselves, in libp2p's words: the diversity rule does not count them.
    pub(super) familiar: Arc<Mutex<BTreeSet<libp2p::PeerId>>>,
    /// Peers that the user disconnected: no search dials them, until the user connects again.
    pub(super) shunned: Mutex<BTreeSet<PeerId>>,
    /// Where others reach us, as far as known: with `/p2p/`.
    pub(super) local: Arc<Mutex<Vec<String>>>,
    /// The running actor's mailbox.
    pub(super) mailbox: Mutex<Option<mpsc::Sender<Command>>>,
    registry: Mutex<Registry>,
    /// Changes whenever the registry does.
    changed: watch::Sender<u64>,
    /// Changes when a network seems to have come back.
    returned: watch::Sender<Tick>,
    tasks: Mutex<JoinSet<()>>,
    stop: watch::Sender<bool>,
}

impl Inner {
    pub(super) fn new(
        config: InternetConfig,
        local: Arc<Mutex<Vec<String>>>,
        identity: &LinkIdentity,
    ) -> Result<Self, Error> {
        let keypair = keypair(&identity.key).map_err(backend)?;
        let (me, net, timer) = (identity.peer_id(), identity.net.clone(), identity.timer.clone());
        let hub = EventHub::new(config.events);
        let secret = random_bytes(&mut SystemRng::new());
        let receiver = Receiver::new(me, net.clone(), config.receive.clone(), secret);
        let max_peers = usize::try_from(config.max_connections).unwrap_or(usize::MAX);
        let registry = Registry::new(me, max_peers, hub.clone());
        Ok(Self {
            access: Arc::new(RwLock::new(config.access.clone())),
            config,
            me,
            key: identity.key.public_key(),
            keypair,
            net,
            timer,
            hub,
            receiver: Mutex::new(receiver),
            targets: Mutex::default(),
            counters: Counters::default(),
            familiar: Arc::default(),
            shunned: Mutex::default(),
            local,
            mailbox: Mutex::default(),
            registry: Mutex::new(registry),
            changed: watch::Sender::new(0),
            returned: watch::Sender::new(Tick::default()),
            tasks: Mutex::new(JoinSet::new()),
            stop: watch::Sender::new(false),
        })
    }

    /// Changes the registry and wakes whoever waits for a change.
    pub(super) fn with_registry<T>(&self, f: impl FnOnce(&mut Registry) -> T) -> T {
        let value = f(&mut lock(&self.registry));
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
        value
    }

    /// Reads the registry.
    pub(super) fn peek_registry<T>(&self, f: impl FnOnce(&Registry) -> T) -> T {
        f(&lock(&self.registry))
    }

    pub(super) fn is_connected(&self, peer: &PeerId) -> bool {
        self.peek_registry(|registry| registry.get(peer).is_some())
    }

    /// Leaves a peer alone from now on.
    pub(super) fn shun(&self, peer: PeerId) {
        let mut shunned = lock(&self.shunned);
        if shunned.len() >= MAX_SHUNNED {
            // Whoever makes so many enemies forgets one.
            shunned.pop_first();
        }
        shunned.insert(peer);
    }

    /// Whether a search may dial a peer.
    pub(super) fn may_seek(&self, peer: &PeerId) -> bool {
        *peer != self.me && !self.is_connected(peer) && !lock(&self.shunned).contains(peer)
    }

    pub(super) async fn until_lost(&self, peer: &PeerId) {
        self.until(|registry| registry.get(peer).is_none()).await;
    }

    pub(super) async fn until_connected(&self, peer: &PeerId) {
        self.until(|registry| registry.get(peer).is_some()).await;
    }

    async fn until(&self, reached: impl Fn(&Registry) -> bool + Send) {
        let mut changed = self.changed.subscribe();
        while !self.peek_registry(&reached) {
            if changed.changed().await.is_err() {
                pending::<()>().await;
            }
        }
    }

    /// Waits until subscribers have room for an event, or long enough; whether they have.
    pub(super) async fn room(&self) -> bool {
        self.hub.has_room() || self.within(self.config.subscriber_grace, self.hub.room()).await.is_some()
    }

    /// A network seems to have come back: whoever waits to dial again need not wait longer. Said too often, it
    /// is not heard, so that nobody makes us dial by coming and going.
    pub(super) fn network_returned(&self) {
        let now = self.timer.now();
        self.returned.send_if_modified(|last| {
            let heard = now.since(*last) >= RETURN_PAUSE;
            if heard {
                *last = now;
            }
            heard
        });
    }

    /// Sleeps until then, or until a network seems to have come back.
    pub(super) async fn rest_until(&self, at: Tick) {
        let mut returned = self.returned.subscribe();
        let returned = pin!(returned.changed());
        select(self.timer.sleep_until(at), returned).await;
    }

    /// Tells the actor, waiting for room in its mailbox; whether there is an actor.
    pub(super) async fn tell(&self, command: Command) -> bool {
        let mailbox = lock(&self.mailbox).clone();
        match mailbox {
            Some(mailbox) => mailbox.send(command).await.is_ok(),
            None => false,
        }
    }

    pub(super) async fn close_connection(&self, peer: libp2p::PeerId, connection: ConnectionId) {
        // Without an actor there is no connection either.
        let _ = self.tell(Command::Close { peer, connection }).await;
    }

    /// The value of a future, unless a time passes first.
    pub(super) async fn within<T: Send>(
        &self,
        time: Duration,
        f: impl Future<Output = T> + Send,
    ) -> Option<T> {
        let alarm = self.timer.sleep_until(self.timer.now().saturating_add(time));
        match select(pin!(f), alarm).await {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
    }

    /// The value of a future, unless the link stops first.
    pub(super) async fn unless_stopped<T: Send>(&self, f: impl Future<Output = T> + Send) -> Option<T> {
        let mut stop = self.stop.subscribe();
        let stopped = pin!(stop.wait_for(|stop| *stop));
        match select(pin!(f), stopped).await {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
    }

    /// Spawns a task that [`end_tasks`](Self::end_tasks) waits for.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task)
    }

    pub(super) fn set_stopping(&self, stop: bool) {
        self.stop.send_replace(stop);
    }

    pub(super) async fn end_tasks(&self) {
        loop {
            let mut tasks = std::mem::take(&mut *lock(&self.tasks));
            if tasks.is_empty() {
                return;
            }
            while tasks.join_next().await.is_some() {}
        }
    }
}

/// Peers that are left alone.
const MAX_SHUNNED: usize = 4096;
/// Least time between two returns of a network.
const RETURN_PAUSE: Duration = Duration::from_secs(10);

/// A failure of libp2p as ours.
pub(super) fn backend(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Backend { transport: TransportKind::Internet, source: source.into() }
}

/// 64 random bits.
pub(super) fn random() -> u64 {
    u64::from_be_bytes(random_bytes(&mut SystemRng::new()))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
