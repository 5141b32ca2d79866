use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use civic_crypto::keystore::KdfParams;
use civic_types::time::{Clock, SystemClock};
use civicbase::{Collection, LanConfig, Node, PeerAddr, Ticket};

use crate::error::Error;
use crate::journal::Journal;
use crate::ledger::{self, Ledger, Tables};
use crate::protocol::{Address, Opening, Reply, Status};
use crate::state::{Shown, State, json};

/// An open device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) node: Node,
    pub(super) journal: Journal,
    /// The collection, once the device is in the community.
    areas: Option<(Collection, Tables)>,
    /// The newest place of our own log that is journaled or was there before.
    pub(super) position: u64,
    alone_since: Arc<AtomicU64>,
}

impl Device {
    pub(super) async fn open(opening: Opening) -> Result<Self, Error> {
        let mut lan = LanConfig::loopback()
            .with_keepalive(KEEPALIVE, LOST_AFTER)
            .with_handshake_timeout(HANDSHAKE)
            .with_backoff(BACKOFF, BACKOFF_CAP);
        if let Some(listen) = opening.listen {
            lan = lan.with_listen(listen);
        }
        for to in &opening.dial {
            lan = lan.with_manual(address(to)?);
        }
        let node = Node::at(&opening.dir, &opening.passphrase).kdf(KDF).lan(lan).start().await?;
        let alone_since = Arc::new(AtomicU64::new(SystemClock.wall().as_millis()));
        tokio::spawn(watch_peers(node.clone(), Arc::clone(&alone_since)));
        let journal = Journal::open(Path::new(&opening.dir))?;
        let mut device = Self { node, journal, areas: None, position: 0, alone_since };
        if !device.node.communities().is_empty() {
            device.open_areas().await?;
        }
        Ok(device)
    }

    pub(super) fn opened(&self) -> Result<Reply, Error> {
        let none = || Error::Pipe { what: "listen", source: std::io::ErrorKind::AddrNotAvailable.into() };
        let listen: SocketAddr = self.node.listen_addr().ok_or_else(none)?;
        Ok(Reply::Opened { peer: self.node.peer_id().to_string(), listen })
    }

    pub(super) async fn found(&mut self, name: &str) -> Result<String, Error> {
        let mut ticket = self.node.create_community(name).await?;
        // Where to dial is the parent's to say: nobody may go round the forwarder.
        ticket.addresses.clear();
        self.open_areas().await?;
        Ok(ticket.to_secret_text().to_string())
    }

    pub(super) async fn join(&mut self, ticket: &str) -> Result<(), Error> {
        let ticket: Ticket = ticket.parse().map_err(civicbase::Error::from)?;
        self.node.join(&ticket).await?;
        self.open_areas().await
    }

    pub(super) async fn connect(&self, to: &Address) -> Result<(), Error> {
        self.node.connect(&address(to)?).await?;
        Ok(())
    }

    pub(super) async fn status(&self) -> Result<Status, Error> {
        let versions = match &self.areas {
            Some((_, ledger)) => ledger.count().await?,
            None => 0,
        };
        let alone = self.alone_since.load(Ordering::SeqCst);
        Ok(Status { peers: self.node.peers().len(), versions, alone_since: (alone > 0).then_some(alone) })
    }

    pub(super) async fn root(&self) -> Result<String, Error> {
        Ok(self.node.root().await?.to_string())
    }

    /// All that is shown and held.
    pub(super) async fn state(&self) -> Result<State, Error> {
        let (areas, ledger) = self.areas()?;
        let mut state = State { root: self.root().await?, ..State::default() };
        let mut after = None;
        loop {
            let page = areas.scan(after).await?;
            for stored in page.items {
                let shown = Shown { value: json(&stored.value), conflicts: stored.conflicts };
                state.documents.insert(stored.key.document.as_str().to_owned(), shown);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let own = ledger.newest_own().await?.map(|(_, cid)| cid.to_string());
        for held in ledger.versions().await? {
            let row = ledger::row(&held.version);
            if own.as_ref() == Some(&row.cid) {
                state.replica.clone_from(&row.replica);
            }
            state.versions.insert(row.cid.clone(), row);
        }
        let mut received = BTreeMap::new();
        for (_, source) in ledger.arrivals().await? {
            let from = source.map(|peer| peer.to_string()).unwrap_or_default();
            *received.entry(from).or_default() += 1;
        }
        state.received = received;
        Ok(state)
    }

    pub(super) async fn close(&self) -> Result<(), Error> {
        Ok(self.node.close().await?)
    }

    pub(super) fn areas(&self) -> Result<(&Collection, &Tables), Error> {
        let open = self.areas.as_ref().map(|(areas, ledger)| (areas, ledger));
        open.ok_or_else(|| civicbase::Error::NoCommunity.into())
    }

    async fn open_areas(&mut self) -> Result<(), Error> {
        let areas = self.node.collection(COLLECTION).await?;
        let ledger = Tables::new(self.node.store(), areas.spec());
        self.position = ledger.newest_own().await?.map_or(0, |(position, _)| position);
        self.areas = Some((areas, ledger));
        Ok(())
    }
}

fn address(to: &Address) -> Result<PeerAddr, Error> {
    let peer = to.peer.parse().map_err(|_| Error::Table { table: "peer", what: "no peer id" })?;
    Ok(PeerAddr { peer: Some(peer), address: to.address.to_string() })
}

/// Notes since when nobody is connected: the device's own finding, for the timeline.
async fn watch_peers(node: Node, alone_since: Arc<AtomicU64>) {
    let mut tick = tokio::time::interval(WATCH);
    loop {
        tick.tick().await;
        let alone = node.peers().is_empty();
        match (alone, alone_since.load(Ordering::SeqCst)) {
            (true, 0) => alone_since.store(SystemClock.wall().as_millis(), Ordering::SeqCst),
            (false, 1..) => alone_since.store(0, Ordering::SeqCst),
            _ => {}
        }
    }
}

/// The collection of this example.
pub(crate) const COLLECTION: &str = "areas";

/// The weakest that is accepted, because here ten devices share a machine and the passphrase is public.
const KDF: KdfParams = KdfParams::Argon2id { memory_kib: 8 * 1024, passes: 1, lanes: 1 };

/// Shorter than the defaults for a phone on battery, so that a run takes seconds.
const KEEPALIVE: Duration = Duration::from_millis(700);
const LOST_AFTER: Duration = Duration::from_millis(2100);
const HANDSHAKE: Duration = Duration::from_secs(3);
const BACKOFF: Duration = Duration::from_millis(200);
const BACKOFF_CAP: Duration = Duration::from_secs(2);
const WATCH: Duration = Duration::from_millis(50);
