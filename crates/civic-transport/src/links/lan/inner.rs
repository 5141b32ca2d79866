use std::collections::BTreeSet;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use civic_crypto::rng::{SystemRng, random_bytes};
use civic_types::PeerId;
use civic_types::time::Timer;
use futures_util::future::{Either, select};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::config::LanConfig;
use super::discovery::{Known, Tag};
use super::registry::Registry;
use super::tls::Tls;
use crate::error::Error;
use crate::hub::EventHub;
use crate::link::LinkIdentity;
use crate::peer::TransportKind;
use crate::receive::Receiver;
use crate::stream::Targets;

/// What the tasks of one link share. Locks are short and nest in one order: registry, then hub.
pub(super) struct Inner {
    pub(super) config: LanConfig,
    pub(super) me: PeerId,
    pub(super) net: String,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) tls: Tls,
    pub(super) hub: EventHub,
    pub(super) receiver: Mutex<Receiver>,
    pub(super) targets: Mutex<Targets>,
    pub(super) local: Arc<Mutex<Option<SocketAddr>>>,
    pub(super) known: Mutex<Known>,
    site: watch::Sender<String>,
    /// Peers that the user disconnected and did not connect again since the start.
    shunned: Mutex<BTreeSet<PeerId>>,
    registry: Mutex<Registry>,
    /// Changes whenever the registry does.
    changed: watch::Sender<u64>,
    tasks: Mutex<JoinSet<()>>,
    stop: watch::Sender<bool>,
}

impl Inner {
    pub(super) fn new(
        config: LanConfig,
        local: Arc<Mutex<Option<SocketAddr>>>,
        site: String,
        identity: &LinkIdentity,
    ) -> Result<Self, Error> {
        let refused = |source| Error::Backend { transport: TransportKind::Lan, source };
        let tls = Tls::new(&identity.key).map_err(|error| refused(error.into()))?;
        let (me, net, timer) = (identity.peer_id(), identity.net.clone(), identity.timer.clone());
        let hub = EventHub::new(config.events);
        let secret = random_bytes(&mut SystemRng::new());
        let receiver = Receiver::new(me, net.clone(), config.receive.clone(), secret);
        let registry = Registry::new(me, config.max_peers, Tag::of(&net, &site), hub.clone());
        Ok(Self {
            config,
            me,
            net,
            timer,
            tls,
            hub,
            receiver: Mutex::new(receiver),
            targets: Mutex::default(),
            local,
            known: Mutex::default(),
            site: watch::Sender::new(site),
            shunned: Mutex::default(),
            registry: Mutex::new(registry),
            changed: watch::Sender::new(0),
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

    /// Where the device is now.
    pub(super) fn site(&self) -> String {
        self.site.borrow().clone()
    }

    /// The tag of a hello now.
    pub(super) fn tag(&self) -> Tag {
        Tag::of(&self.net, &self.site.borrow())
    }

    /// Moves to another site: connections end, but those to addresses that were given by hand.
    pub(super) fn move_to(&self, site: String) {
        let stay = lock(&self.targets).peers();
        let tag = Tag::of(&self.net, &site);
        let moved = self.site.send_if_modified(|here| {
            let moved = *here != site;
            *here = site;
            moved
        });
        if moved {
            self.with_registry(|registry| registry.move_to(tag, &stay));
        }
    }

    /// Wakes whenever the device moves.
    pub(super) fn moves(&self) -> watch::Receiver<String> {
        self.site.subscribe()
    }

    /// Wakes whenever somebody comes or goes.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// A peer answered there.
    pub(super) fn remember(&self, peer: PeerId, address: SocketAddr) {
        if let Some(discovery) = &self.config.discovery {
            lock(&self.known).remember(discovery.key.tag(&self.net, &self.site.borrow()), peer, address);
        }
    }

    /// Keeps discovery from dialling a peer that the user disconnects.
    pub(super) fn shun(&self, peer: PeerId) {
        let mut shunned = lock(&self.shunned);
        if self.config.discovery.is_some() && shunned.len() < MAX_SHUNNED {
            shunned.insert(peer);
        }
    }

    /// The user wants that peer again.
    pub(super) fn unshun(&self, peer: &PeerId) {
        lock(&self.shunned).remove(peer);
    }

    pub(super) fn is_shunned(&self, peer: &PeerId) -> bool {
        lock(&self.shunned).contains(peer)
    }

    pub(super) fn shunned(&self) -> BTreeSet<PeerId> {
        lock(&self.shunned).clone()
    }

    pub(super) fn shun_nobody(&self) {
        lock(&self.shunned).clear();
    }

    pub(super) fn is_connected(&self, peer: &PeerId) -> bool {
        self.peek_registry(|registry| registry.get(peer).is_some())
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

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Most disconnected peers that discovery leaves alone.
const MAX_SHUNNED: usize = 1024;
