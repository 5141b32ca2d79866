use std::fmt;
use std::fs::File;
use std::sync::{Arc, Mutex};

use civic_crdt::HlcGenerator;
use civic_crypto::devices::DeviceList;
use civic_crypto::rng::{SystemRng, random_bytes};
use civic_crypto::{DeviceKey, ExchangeKey};
use civic_store::{Memory, StorageAdapter};
use civic_sync::{Identity, Replicated, SyncConfig};
use civic_transport::multi::{MultiConfig, MultiTransport};
use civic_transport::{Link, LinkIdentity, TransportAdapter};
use civic_types::cell::{MemoryCell, StateCell};
use civic_types::time::{Timer, Timestamp};

use super::driver::Driver;
#[cfg(feature = "sqlite")]
use super::keys::KeyRing;
use super::membership::Membership;
use super::running::{Inner, Network, Node};
use crate::error::Error;

/// The network's name unless the application gives one: devices of different networks do not talk.
pub const DEFAULT_NET: &str = "civicbase";

/// No honest clock is earlier: 2026-01-01.
const CLOCK_FLOOR: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// The parts of a [`Node`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Default)]
pub struct NodeBuilder {
    key: Option<Arc<DeviceKey>>,
    #[cfg(feature = "sqlite")]
    ring: Option<KeyRing>,
    store: Option<Arc<dyn StorageAdapter>>,
    links: Vec<Box<dyn Link>>,
    timer: Option<Arc<dyn Timer>>,
    clock_cell: Option<Arc<dyn StateCell>>,
    net: Option<String>,
    sync: SyncConfig,
    advertised: Option<String>,
    #[cfg(feature = "lan")]
    listening: Option<civic_transport::links::lan::LanAddress>,
    #[cfg(feature = "lan")]
    site: Option<civic_transport::links::lan::LanSite>,
    #[cfg(feature = "libp2p")]
    internet: Option<civic_p2p::internet::InternetAddress>,
    folder: Option<File>,
}

impl NodeBuilder {
    pub(super) fn ephemeral() -> Self {
        Self::default().identity(DeviceKey::generate(&mut SystemRng::new())).store(Arc::new(Memory::new()))
    }

    /// The device's key. Communities are kept in memory; with
    #[cfg_attr(feature = "sqlite", doc = "[`key_file`](Self::key_file)")]
    #[cfg_attr(not(feature = "sqlite"), doc = "a key file")]
    /// they last.
    pub fn identity(mut self, key: impl Into<Arc<DeviceKey>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The device's key and communities from its key file, where new ones are kept too; it takes the place
    /// of [`identity`](Self::identity).
    #[cfg(feature = "sqlite")]
    pub fn key_file(self, file: civic_crypto::keystore::KeyFile) -> Self {
        self.ring(KeyRing::new(file))
    }

    /// Where documents are kept.
    pub fn store(mut self, store: Arc<dyn StorageAdapter>) -> Self {
        self.store = Some(store);
        self
    }

    /// How peers are reached. Several links are used as one: the best for each message, the next when one dies.
    /// A node without one works alone.
    pub fn link(mut self, link: impl Link + 'static) -> Self {
        self.links.push(Box::new(link));
        self
    }

    /// Where time comes from. Default with feature `tokio`: the system's clock and tokio's timer.
    pub fn clock(mut self, timer: Arc<dyn Timer>) -> Self {
        self.timer = Some(timer);
        self
    }

    /// Where the clock keeps its high-water mark. Default: memory, so that a device whose wall clock runs
    /// back between two starts writes with old stamps until its clock has seen newer ones.
    pub fn clock_cell(mut self, cell: Arc<dyn StateCell>) -> Self {
        self.clock_cell = Some(cell);
        self
    }

    /// The network's name. Default: [`DEFAULT_NET`].
    pub fn net(mut self, name: impl Into<String>) -> Self {
        self.net = Some(name.into());
        self
    }

    /// How replication works.
    pub fn sync(mut self, config: SyncConfig) -> Self {
        self.sync = config;
        self
    }

    /// Where others may dial this device, as its tickets will say it.
    pub fn advertise(mut self, address: impl Into<String>) -> Self {
        self.advertised = Some(address.into());
        self
    }

    /// Makes the node and starts its link. Nothing replicates until the driver runs.
    ///
    /// # Errors
    ///
    /// [`Error::MissingPart`], [`Error::Clock`], [`Error::Crypto`], [`Error::KeyFile`],
    /// [`Error::Store`]; [`Error::Link`], for one when another program listens at its address; of several links
    /// only when none can be started.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, there is no node; what was made durable stands.
    pub async fn build(mut self) -> Result<(Node, Driver), Error> {
        let store = self.store.take().ok_or(Error::MissingPart { part: "a store" })?;
        let timer = self.timer()?;
        let (key, list, members) = self.secrets(timer.wall().as_secs())?;
        let cell = self.clock_cell.take().unwrap_or_else(|| Arc::new(MemoryCell::new()));
        let wall: Arc<dyn Timer> = timer.clone();
        let clock = Arc::new(HlcGenerator::new(key.peer_id(), wall, cell, CLOCK_FLOOR)?);
        let identity = Identity { key: key.clone(), clock: clock.clone() };
        let replicated = Replicated::open(store, identity, &mut SystemRng::new()).await?;
        for (_, member) in members.iter() {
            replicated.join(&member.genesis, member.key.clone())?;
        }
        let net = self.net.take().unwrap_or_else(|| DEFAULT_NET.to_owned());
        let identity = LinkIdentity::new(key, net, timer.clone());
        let (joined, mut driver) = join(std::mem::take(&mut self.links), &identity)?;
        let mut network = None;
        if let Some(Joined { link, multi }) = joined {
            let (replicated, config) = (replicated.clone(), self.sync.clone());
            let (sync, replicating) =
                civic_sync::Driver::new(replicated, link.clone(), timer.clone(), config);
            link.start().await?;
            driver.sync = Some(replicating);
            network = Some(Network { link, multi, sync });
        }
        let node = Node::new(Inner {
            agent: list.agent_id(),
            clock,
            timer,
            store: replicated,
            network,
            members: Mutex::new(members),
            advertised: self.advertised,
            #[cfg(feature = "lan")]
            listening: self.listening,
            #[cfg(feature = "lan")]
            site: self.site,
            #[cfg(feature = "libp2p")]
            internet: self.internet,
            folder: Mutex::new(self.folder),
            #[cfg(feature = "tokio")]
            task: Mutex::default(),
        });
        Ok((node, driver))
    }

    /// Makes the node and spawns its driver on the tokio runtime that this is called in.
    ///
    /// # Errors
    ///
    /// [`Error::NoRuntime`]; else as [`build`](Self::build).
    ///
    /// # Cancel safety
    ///
    /// Cancelled, there is no node; what was made durable stands.
    #[cfg(feature = "tokio")]
    pub async fn start(self) -> Result<Node, Error> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let (node, driver) = self.build().await?;
        *super::running::lock(&node.inner().task) = Some(runtime.spawn(driver.run()));
        Ok(node)
    }

    #[cfg(feature = "sqlite")]
    pub(super) fn ring(mut self, ring: KeyRing) -> Self {
        self.ring = Some(ring);
        self
    }

    #[cfg(all(feature = "lan", feature = "sqlite"))]
    pub(super) fn lan(mut self, link: civic_transport::links::lan::LanLink) -> Self {
        (self.listening, self.site) = (Some(link.address()), Some(link.site()));
        self.link(link)
    }

    #[cfg(all(feature = "lan", feature = "libp2p", feature = "sqlite"))]
    pub(super) fn internet(mut self, link: civic_p2p::internet::InternetLink) -> Self {
        self.internet = Some(link.address());
        self.link(link)
    }

    #[cfg(all(feature = "lan", feature = "sqlite"))]
    pub(super) fn folder(mut self, lock: File) -> Self {
        self.folder = Some(lock);
        self
    }

    fn secrets(&mut self, now_s: u64) -> Result<(Arc<DeviceKey>, DeviceList, Membership), Error> {
        #[cfg(feature = "sqlite")]
        if let Some(mut ring) = self.ring.take() {
            let (key, list) = ring.device(now_s)?;
            return Ok((key, list, Membership::of(ring)?));
        }
        let key = self.key.take().ok_or(Error::MissingPart { part: "an identity" })?;
        let list = DeviceList::single(&key, &ExchangeKey::generate(&mut SystemRng::new()), now_s);
        Ok((key, list, Membership::default()))
    }

    fn timer(&mut self) -> Result<Arc<dyn Timer>, Error> {
        let given = self.timer.take();
        #[cfg(feature = "tokio")]
        let given = given.or_else(|| Some(Arc::new(civic_types::time::TokioTimer)));
        given.ok_or(Error::MissingPart { part: "a clock" })
    }
}

/// The links of a node as one.
struct Joined {
    link: Arc<dyn TransportAdapter>,
    multi: Option<Arc<MultiTransport>>,
}

/// Gives links their identity, and joins several to one; with what has to run for it.
fn join(links: Vec<Box<dyn Link>>, identity: &LinkIdentity) -> Result<(Option<Joined>, Driver), Error> {
    let mut links = links.into_iter().map(|link| link.bind(identity)).collect::<Result<Vec<_>, _>>()?;
    let mut driver = Driver::default();
    if links.len() < 2 {
        return Ok((links.pop().map(|link| Joined { link, multi: None }), driver));
    }
    let secret = random_bytes(&mut SystemRng::new());
    let (me, timer) = (identity.peer_id(), identity.timer.clone());
    let (multi, joining) = MultiTransport::new(me, secret, timer, MultiConfig::default());
    for link in links {
        multi.add(link);
    }
    driver.links = Some(joining);
    Ok((Some(Joined { link: multi.clone(), multi: Some(multi) }), driver))
}

impl fmt::Debug for NodeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeBuilder")
            .field("store", &self.store)
            .field("links", &self.links)
            .finish_non_exhaustive()
    }
}
