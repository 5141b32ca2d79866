use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use civic_crypto::rng::{SystemRng, random_bytes};
use civic_types::PeerId;
use civic_types::time::{Tick, Timer};
use mdns_sd::{DaemonStatus, Receiver, ServiceEvent};

use super::announcement::Announcement;
use super::broadcast::Broadcast;
use super::bucket::Bucket;
use super::config::LanDiscovery;
use super::directory::Input;
use super::id::{Instance, Tag, period};
use super::interfaces::{Network, Scope};
use super::mdns::{self, Mdns, Record};
use super::sentinel::Sentinel;

/// What announces us and hears others, as far as it works now.
#[derive(Debug)]
pub(super) struct Media {
    config: LanDiscovery,
    timer: Arc<dyn Timer>,
    me: PeerId,
    scope: Scope,
    port: u16,
    pub(super) tag: Tag,
    pub(super) instance: Instance,
    networks: Vec<Network>,
    mdns: Option<Mdns>,
    sentinel: Option<Sentinel>,
    /// A flooded daemon that has not ended yet: there is never more than one beside the one that works.
    retiring: Option<Receiver<DaemonStatus>>,
    broadcast: Option<Broadcast>,
    /// Of mDNS, whose daemon must be ended before it has no time to hear it; and of broadcast.
    events: Bucket,
    datagrams: Bucket,
    sequence: u32,
    next_check: Tick,
    warned: BTreeSet<Trouble>,
}

/// What is told once, and again only after it was well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    Broadcast,
    Flood,
    Known,
    Mdns,
    NoInterface,
}

impl Media {
    pub(super) fn new(
        config: LanDiscovery,
        timer: Arc<dyn Timer>,
        me: PeerId,
        listen: SocketAddr,
        tag: Tag,
    ) -> Self {
        Self {
            scope: Scope::new(listen, config.loopback),
            port: listen.port(),
            tag,
            instance: random_bytes(&mut SystemRng::new()),
            networks: Vec::new(),
            mdns: None,
            sentinel: None,
            retiring: None,
            broadcast: None,
            events: Bucket::new(config.max_records_per_s),
            datagrams: Bucket::new(config.max_records_per_s),
            sequence: 0,
            next_check: timer.now(),
            warned: BTreeSet::new(),
            config,
            timer,
            me,
        }
    }

    /// Announces another place from now on, as another instance.
    pub(super) fn move_to(&mut self, tag: Tag) {
        self.tag = tag;
        self.instance = random_bytes(&mut SystemRng::new());
    }

    /// Says that we are here, over whatever works now.
    pub(super) fn announce(&mut self) {
        match self.scope.networks() {
            Ok(networks) => self.networks = networks,
            Err(error) => tracing::debug!(%error, "the interfaces are not known"),
        }
        if self.networks.is_empty() {
            return self.warn(Trouble::NoInterface, &"none that the listener is reachable on; trying again");
        }
        self.warned.remove(&Trouble::NoInterface);
        self.announce_mdns();
        self.announce_broadcast();
    }

    /// Waits for what somebody announces; `None` for what means nothing. Cancelled, nothing is lost but
    /// what would be said again.
    pub(super) async fn hear(&mut self) -> Option<Input> {
        let check = match self.mdns {
            Some(_) => self.timer.sleep_until(self.next_check),
            None => Box::pin(std::future::pending()),
        };
        tokio::select! {
            event = next(self.mdns.as_ref()) => match event {
                Some(event) if self.events.take(self.timer.now()) => {
                    mdns::input(event).and_then(|input| self.admit(input))
                }
                // The subscription ends when it is not read in time.
                _ => self.flooded(),
            },
            () = flood(self.sentinel.as_mut(), &*self.timer) => self.flooded(),
            (datagram, from) = recv(self.broadcast.as_ref()) => self.datagram(&datagram, from),
            () = check => self.check(),
        }
    }

    /// Whether an address is reached without a router: nothing announced makes us dial anywhere else.
    pub(super) fn is_near(&self, address: &SocketAddr) -> bool {
        address.port() != 0 && self.networks.iter().any(|network| network.contains(address.ip()))
    }

    pub(super) fn warn(&mut self, trouble: Trouble, cause: &dyn Display) {
        if self.warned.insert(trouble) {
            tracing::warn!(%cause, "LAN discovery: {}", trouble.message());
        }
    }

    /// Says that we go, and ends what was started.
    pub(super) async fn goodbye(&mut self) {
        self.broadcast(true);
        if let Some(mdns) = self.mdns.take() {
            mdns.close().await;
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
        let id = self.config.key.id(period(self.timer.wall()), &self.me);
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
            let id = self.config.key.id(period(self.timer.wall()), &self.me);
            let (tag, instance, port) = (self.tag, self.instance, self.port);
            let announcement = Announcement { tag, id, instance, port, goodbye };
            broadcast.send(&announcement.encode(&self.config.key), &self.networks);
        }
    }

    fn datagram(&mut self, bytes: &[u8], from: SocketAddr) -> Option<Input> {
        if !self.datagrams.take(self.timer.now()) {
            return None;
        }
        let heard = Announcement::decode(bytes, self.tag, &self.config.key)?;
        let Announcement { id, instance, port, goodbye, .. } = heard;
        self.admit(match goodbye {
            true => Input::Withdrawn { instance },
            false => Input::Announced { instance, id, addresses: vec![(from.ip(), port).into()] },
        })
    }

    /// Passes what is of others, without addresses that need a router.
    fn admit(&self, mut input: Input) -> Option<Input> {
        if let Input::Announced { id, addresses, .. } = &mut input {
            if self.config.key.ids(self.timer.wall(), &self.me).contains(id) {
                return None;
            }
            addresses.retain(|address| self.is_near(address));
        }
        Some(input)
    }

    /// Looks at how much the daemon remembers.
    fn check(&mut self) -> Option<Input> {
        self.next_check = self.timer.now().saturating_add(CHECK_INTERVAL);
        match self.mdns.as_mut().is_some_and(Mdns::is_flooded) {
            true => self.flooded(),
            false => None,
        }
    }

    /// Drops the daemon and what it remembers; another one starts with the next announcement.
    fn flooded(&mut self) -> Option<Input> {
        let mdns = self.mdns.take()?;
        self.warn(Trouble::Flood, &"more mDNS records than honest devices send; starting mDNS afresh");
        self.retiring = mdns.retire();
        self.sentinel = None;
        None
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

/// Between two looks at how much the mDNS daemon remembers.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
