use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use civic_crypto::keystore::KdfParams;
use civicbase::{Collection, Node, Ticket, TransportKind};

use super::links::{address, internet, lan};
use super::near::Near;
use crate::error::Error;
use crate::forwarder::Ends;
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
    near: Near,
}

impl Device {
    pub(super) async fn open(opening: Opening) -> Result<Self, Error> {
        let (lan, internet) = (lan(&opening), internet(&opening)?);
        let options = Node::at(&opening.dir, &opening.passphrase).kdf(KDF).net(&opening.net);
        let node = options.lan(lan).internet(internet).start().await?;
        let near = Near::watch(node.clone());
        let journal = Journal::open(Path::new(&opening.dir))?;
        let mut device = Self { node, journal, areas: None, position: 0, near };
        if !device.node.communities().is_empty() {
            device.open_areas().await?;
        }
        Ok(device)
    }

    pub(super) fn opened(&self) -> Result<Reply, Error> {
        let none = || Error::Pipe { what: "listen", source: std::io::ErrorKind::AddrNotAvailable.into() };
        let ends = Ends::of(&self.node.internet_addrs()).ok_or_else(none)?;
        Ok(Reply::Opened { peer: self.node.peer_id().to_string(), ends })
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

    /// Goes to another neighbourhood; the peers that it leaves are gone when it is there.
    pub(super) async fn go(&self, site: Option<String>, leaves: &[String]) -> Result<(), Error> {
        if let Some(site) = site {
            self.node.set_lan_site(site)?;
        }
        let left = async {
            while Near::now(&self.node).iter().any(|peer| leaves.contains(peer)) {
                tokio::time::sleep(LEAVE_POLL).await;
            }
        };
        let late = |_| Error::Timeout { what: "leaving the neighbours".to_owned(), limit: LEAVE_LIMIT };
        tokio::time::timeout(LEAVE_LIMIT, left).await.map_err(late)?;
        // Whoever was met before the move was met rightly.
        self.near.take(&self.node);
        Ok(())
    }

    pub(super) async fn status(&self) -> Result<Status, Error> {
        let versions = match &self.areas {
            Some((_, ledger)) => ledger.count().await?,
            None => 0,
        };
        let (near, offline_since) = (self.near.take(&self.node), self.near.offline_since());
        let links = self.node.links().into_iter().filter(|link| link.kind == TransportKind::Lan);
        let bytes = links.map(|link| (link.statistics.sent_bytes, link.statistics.received_bytes));
        let lan = bytes.fold((0, 0), |sum, link| (sum.0 + link.0, sum.1 + link.1));
        let far = self.node.links().into_iter().filter(|link| link.kind == TransportKind::Internet);
        let far = far.map(|link| link.statistics.received_bytes).sum();
        Ok(Status { versions, near, offline_since, lan, far })
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

/// The collection of this example.
pub(crate) const COLLECTION: &str = "areas";

/// The weakest that is accepted, because here ten devices share a machine and the passphrase is public.
const KDF: KdfParams = KdfParams::Argon2id { memory_kib: 8 * 1024, passes: 1, lanes: 1 };

const LEAVE_LIMIT: Duration = Duration::from_secs(30);
const LEAVE_POLL: Duration = Duration::from_millis(20);
