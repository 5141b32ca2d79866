use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use civic_crypto::rng::{SystemRng, random_bytes};
use civic_types::PeerId;
use civic_types::time::{Tick, Timer};
use mdns_sd::{DaemonStatus, Receiver, ServiceEvent};
use tokio::task::{JoinError, JoinSet};

use super::announcement::Announcement;
use super::broadcast::Broadcast;
use super::bucket::Bucket;
use super::config::LanDiscovery;
use super::directory::{Bounds, Dial, Directory, Input, Key, Outcome};
use super::id::{Instance, Tag, period};
use super::interfaces::{Network, Scope};
use super::known::Known;
use super::mdns::{self, Mdns, Record};
use super::sentinel::Sentinel;
use crate::links::lan::dial::{self, For};
use crate::links::lan::handshake::HandshakeError;
use crate::links::lan::inner::{Inner, lock};
use crate::peer::PeerAddr;

/// Discovers peers until the link stops, then says goodbye.
pub(in super::super) async fn run(inner: Arc<Inner>, config: LanDiscovery, listen: SocketAddr) {
    let mut driver = Driver::new(inner.clone(), config, listen);
    // It runs until the stop.
    let _ = inner.unless_stopped(driver.run()).await;
    driver.close().await;
}

/// The edge of the directory: what it hears, what it dials, and what is announced of ourselves.
struct Driver {
    inner: Arc<Inner>,
    config: LanDiscovery,
    scope: Scope,
    port: u16,
    tag: Tag,
    instance: Instance,
    directory: Directory,
    connected: BTreeSet<PeerId>,
    shunned: BTreeSet<PeerId>,
    networks: Vec<Network>,
    mdns: Option<Mdns>,
    sentinel: Option<Sentinel>,
    /// A flooded daemon that has not ended yet: there is never more than one beside the one that works.
    retiring: Option<Receiver<DaemonStatus>>,
    broadcast: Option<Broadcast>,
    dials: JoinSet<(Key, SocketAddr, Outcome)>,
    /// Of mDNS, whose daemon must be ended before it has no time to hear it; and of broadcast.
    events: Bucket,
    datagrams: Bucket,
    sequence: u32,
    next_announce: Tick,
    next_check: Tick,
    saved: Tick,
    warned: BTreeSet<Trouble>,
}

/// What is told once, and again only after it was well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    Broadcast,
    Flood,
    Known,
    Mdns,
    NoInterface,
}

enum Event {
    Datagram(Vec<u8>, SocketAddr),
    Dialled(Result<(Key, SocketAddr, Outcome), JoinError>),
    Flood,
    Mdns(Option<ServiceEvent>),
    Moved,
    Registry,
    Time,
}

impl Driver {
    fn new(inner: Arc<Inner>, config: LanDiscovery, listen: SocketAddr) -> Self {
        let instance = random_bytes(&mut SystemRng::new());
        let now = inner.timer.now();
        Self {
            scope: Scope::new(listen, config.loopback),
            port: listen.port(),
            tag: tag(&inner, &config),
            instance,
            directory: Directory::new(instance, bounds(&inner, &config)),
            connected: BTreeSet::new(),
            shunned: BTreeSet::new(),
            networks: Vec::new(),
            mdns: None,
            sentinel: None,
            retiring: None,
            broadcast: None,
            dials: JoinSet::new(),
            events: Bucket::new(config.max_records_per_s),
            datagrams: Bucket::new(config.max_records_per_s),
            sequence: 0,
            next_announce: now,
            next_check: now,
            saved: now,
            warned: BTreeSet::new(),
            inner,
            config,
        }
    }

    async fn run(&mut self) {
        let (mut registry, mut place) = (self.inner.changes(), self.inner.moves());
        self.load().await;
        self.compare_registry();
        loop {
            self.save(SAVE_INTERVAL).await;
            let wake = self.wake();
            let event = tokio::select! {
                event = next(self.mdns.as_ref()) => Event::Mdns(event),
                () = flood(self.sentinel.as_mut(), &*self.inner.timer) => Event::Flood,
                (datagram, from) = recv(self.broadcast.as_ref()) => Event::Datagram(datagram, from),
                Some(outcome) = self.dials.join_next() => Event::Dialled(outcome),
                // Both fail only when the link is gone, and with it this task.
                _ = registry.changed() => Event::Registry,
                _ = place.changed() => Event::Moved,
                () = self.inner.timer.sleep_until(wake) => Event::Time,
            };
            self.take(event).await;
        }
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Datagram(datagram, from) => self.datagram(&datagram, from),
            Event::Dialled(Ok((key, address, outcome))) => {
                self.handle(Input::Dialled { key, address, outcome, random: random() });
            }
            // Aborted, after a move; the directory is a new one.
            Event::Dialled(Err(_)) => {}
            Event::Mdns(Some(event)) => {
                if self.events.take(self.inner.timer.now()) {
                    mdns::input(event).into_iter().for_each(|input| self.announced(input));
                } else {
                    self.flooded();
                }
            }
            // The subscription ends when it is not read in time.
            Event::Flood | Event::Mdns(None) => self.flooded(),
            Event::Moved => self.moved().await,
            Event::Registry => self.compare_registry(),
            Event::Time => self.time(),
        }
    }

    fn time(&mut self) {
        let now = self.inner.timer.now();
        if now >= self.next_announce {
            self.next_announce = now.saturating_add(self.config.announce);
            self.announce();
        }
        if now >= self.next_check {
            self.next_check = now.saturating_add(CHECK_INTERVAL);
            if self.mdns.as_mut().is_some_and(Mdns::is_flooded) {
                self.flooded();
            }
        }
        self.handle(Input::Time);
    }

    /// Says that we are here, over whatever works now.
    fn announce(&mut self) {
        match self.scope.networks() {
            Ok(networks) => self.networks = networks,
            Err(error) => tracing::debug!(%error, "the interfaces are not known"),
        }
        if self.networks.is_empty() {
            self.warn(Trouble::NoInterface, &"none that the listener is reachable on; trying again");
            return;
        }
        self.warned.remove(&Trouble::NoInterface);
        self.announce_mdns();
        self.announce_broadcast();
        let known = lock(&self.inner.known).of(self.tag);
        for (peer, address) in known {
            self.handle(Input::Known { peer, address });
        }
    }

    fn announce_mdns(&mut self) {
        if !self.config.mdns {
            return;
        }
        if let Some(retiring) = &self.retiring {
            if retiring.is_empty() && !retiring.is_disconnected() {
                return;
            }
            self.retiring = None;
        }
        if self.sentinel.is_none() {
            self.sentinel = Sentinel::open().ok();
        }
        if let Some(sentinel) = &mut self.sentinel {
            sentinel.join(&self.networks);
        }
        if self.mdns.is_none() {
            match Mdns::start(self.scope, self.tag, self.instance) {
                Ok(mdns) => self.mdns = Some(mdns),
                Err(error) => return self.warn(Trouble::Mdns, &error),
            }
        }
        let wall = self.inner.timer.wall();
        let id = self.config.key.id(period(wall), &self.inner.me);
        self.sequence = self.sequence.wrapping_add(1);
        let record = Record { id, port: self.port, sequence: self.sequence };
        let Some(mdns) = &self.mdns else { return };
        let complaint = mdns.complaint();
        match (mdns.announce(&record), complaint) {
            (Ok(()), None) => {
                self.warned.remove(&Trouble::Mdns);
            }
            (Ok(()), Some(error)) => self.warn(Trouble::Mdns, &error),
            (Err(error), _) => {
                self.mdns = None;
                self.warn(Trouble::Mdns, &error);
            }
        }
    }

    fn announce_broadcast(&mut self) {
        if !self.config.broadcast {
            return;
        }
        if self.broadcast.is_none() {
            match Broadcast::open(self.config.broadcast_port) {
                Ok(broadcast) => self.broadcast = Some(broadcast),
                Err(error) => return self.warn(Trouble::Broadcast, &error),
            }
            self.warned.remove(&Trouble::Broadcast);
        }
        self.broadcast(false);
    }

    fn broadcast(&self, goodbye: bool) {
        if let Some(broadcast) = &self.broadcast {
            let id = self.config.key.id(period(self.inner.timer.wall()), &self.inner.me);
            let (tag, instance, port) = (self.tag, self.instance, self.port);
            let announcement = Announcement { tag, id, instance, port, goodbye };
            broadcast.send(&announcement.encode(&self.config.key), &self.networks);
        }
    }

    fn datagram(&mut self, bytes: &[u8], from: SocketAddr) {
        if !self.datagrams.take(self.inner.timer.now()) {
            return;
        }
        let Some(heard) = Announcement::decode(bytes, self.tag, &self.config.key) else { return };
        let Announcement { id, instance, port, goodbye, .. } = heard;
        self.announced(match goodbye {
            true => Input::Withdrawn { instance },
            false => Input::Announced { instance, id, addresses: vec![(from.ip(), port).into()] },
        });
    }

    /// Hands on what was heard, of others and without addresses that need a router.
    fn announced(&mut self, mut input: Input) {
        if let Input::Announced { id, addresses, .. } = &mut input {
            if self.config.key.ids(self.inner.timer.wall(), &self.inner.me).contains(id) {
                return;
            }
            addresses.retain(|address| is_near(&self.networks, address));
        }
        self.handle(input);
    }

    fn handle(&mut self, input: Input) {
        let now = self.inner.timer.now();
        let mut dials = self.directory.handle(now, input);
        while let Some(Dial { key, address, peer }) = dials.pop() {
            if is_near(&self.networks, &address) {
                let inner = self.inner.clone();
                self.dials.spawn(async move {
                    let target = PeerAddr { peer, address: address.to_string() };
                    let dialled = inner.within(DIAL_TIME, dial::dial(&inner, &target, For::Discovery)).await;
                    let outcome = match dialled.unwrap_or(Err(HandshakeError::Timeout)) {
                        Ok(peer) => Outcome::Answered(peer),
                        Err(HandshakeError::Myself | HandshakeError::Unwanted) => Outcome::Unwanted,
                        Err(error) => {
                            tracing::debug!(%address, %error, "nobody of ours");
                            Outcome::Failed
                        }
                    };
                    (key, address, outcome)
                });
            } else {
                let failed = Input::Dialled { key, address, outcome: Outcome::Failed, random: random() };
                dials.extend(self.directory.handle(now, failed));
            }
        }
        for peer in self.directory.take_forgotten() {
            lock(&self.inner.known).forget(self.tag, &peer);
        }
    }

    /// Tells the directory who came and who went, and first of whom the user wants no more.
    fn compare_registry(&mut self) {
        let shunned = self.inner.shunned();
        for peer in shunned.difference(&self.shunned).copied().collect::<Vec<_>>() {
            self.handle(Input::Shunned { peer });
        }
        self.shunned = shunned;
        let there = self.inner.peek_registry(|registry| registry.ids());
        for peer in self.connected.difference(&there).copied().collect::<Vec<_>>() {
            self.handle(Input::Lost { peer, random: random() });
        }
        let wall = self.inner.timer.wall();
        for peer in there.difference(&self.connected).copied().collect::<Vec<_>>() {
            self.handle(Input::Connected { peer, ids: self.config.key.ids(wall, &peer) });
        }
        self.connected = there;
    }

    /// Forgets the old site, tells it goodbye, and starts anew in the other.
    async fn moved(&mut self) {
        self.goodbye().await;
        self.dials.abort_all();
        while self.dials.join_next().await.is_some() {}
        self.tag = tag(&self.inner, &self.config);
        self.instance = random_bytes(&mut SystemRng::new());
        self.directory = Directory::new(self.instance, bounds(&self.inner, &self.config));
        self.connected.clear();
        self.compare_registry();
        self.next_announce = self.inner.timer.now();
    }

    /// Drops the daemon and what it remembers; another one starts with the next announcement.
    fn flooded(&mut self) {
        let Some(mdns) = self.mdns.take() else { return };
        self.warn(Trouble::Flood, &"more mDNS records than honest devices send; starting mDNS afresh");
        self.retiring = mdns.retire();
        self.sentinel = None;
    }

    fn warn(&mut self, trouble: Trouble, cause: &dyn std::fmt::Display) {
        if self.warned.insert(trouble) {
            tracing::warn!(%cause, "LAN discovery: {}", trouble.message());
        }
    }

    fn wake(&self) -> Tick {
        let now = self.inner.timer.now();
        let fixed = match self.mdns {
            Some(_) => self.next_announce.min(self.next_check),
            None => self.next_announce,
        };
        self.directory.next_wake(now).map_or(fixed, |wake| wake.min(fixed))
    }

    async fn load(&mut self) {
        let Some(cell) = self.config.known.clone() else { return };
        let loaded = tokio::task::spawn_blocking(move || cell.load()).await;
        match loaded {
            Ok(Ok(Some(bytes))) => *lock(&self.inner.known) = Known::decode(&bytes),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => self.warn(Trouble::Known, &error),
            Err(error) => self.warn(Trouble::Known, &error),
        }
    }

    /// Keeps the addresses that answered, not more often than that.
    async fn save(&mut self, interval: Duration) {
        let Some(cell) = self.config.known.clone() else { return };
        let now = self.inner.timer.now();
        if now.since(self.saved) < interval {
            return;
        }
        let Some(bytes) = lock(&self.inner.known).take_changes() else { return };
        self.saved = now;
        let saved = tokio::task::spawn_blocking(move || cell.save(&bytes)).await;
        match saved {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.warn(Trouble::Known, &error),
            Err(error) => self.warn(Trouble::Known, &error),
        }
    }

    async fn goodbye(&mut self) {
        self.broadcast(true);
        if let Some(mdns) = self.mdns.take() {
            let timely = self.inner.within(mdns::CLOSE_TIME, mdns.close()).await;
            if timely.is_none() {
                tracing::debug!("mDNS did not end in time");
            }
        }
    }

    async fn close(&mut self) {
        self.dials.abort_all();
        self.goodbye().await;
        self.save(Duration::ZERO).await;
    }
}

impl Trouble {
    const fn message(self) -> &'static str {
        match self {
            Self::Broadcast => "no directed broadcast",
            Self::Flood => "flooded",
            Self::Known => "addresses that answered cannot be kept",
            Self::Mdns => "no mDNS",
            Self::NoInterface => "no network interface",
        }
    }
}

async fn next(mdns: Option<&Mdns>) -> Option<ServiceEvent> {
    match mdns {
        Some(mdns) => mdns.next().await,
        None => std::future::pending().await,
    }
}

async fn flood(sentinel: Option<&mut Sentinel>, clock: &dyn Timer) {
    match sentinel {
        Some(sentinel) => sentinel.flood(clock).await,
        None => std::future::pending().await,
    }
}

async fn recv(broadcast: Option<&Broadcast>) -> (Vec<u8>, SocketAddr) {
    match broadcast {
        Some(broadcast) => broadcast.recv().await,
        None => std::future::pending().await,
    }
}

fn tag(inner: &Inner, config: &LanDiscovery) -> Tag {
    config.key.tag(&inner.net, &inner.site())
}

const fn bounds(inner: &Inner, config: &LanDiscovery) -> Bounds {
    Bounds {
        max_entries: config.max_entries,
        max_new_per_s: config.max_new_per_s,
        max_dials: config.max_dials,
        lost_after: config.lost_after(),
        backoff: (inner.config.backoff_unit, inner.config.backoff_cap),
    }
}

/// Whether an address is reached without a router: nothing announced makes us dial anywhere else.
fn is_near(networks: &[Network], address: &SocketAddr) -> bool {
    address.port() != 0 && networks.iter().any(|network| network.contains(address.ip()))
}

fn random() -> u64 {
    u64::from_be_bytes(random_bytes(&mut SystemRng::new()))
}

/// Longest dial: on a LAN who is there answers soon, and the others must not keep dials busy.
const DIAL_TIME: Duration = Duration::from_secs(4);
/// Between two looks at how much the mDNS daemon remembers.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Between two writes of the addresses that answered.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);
