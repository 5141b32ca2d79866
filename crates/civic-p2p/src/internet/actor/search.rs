use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use civic_types::cell::StateCell;
use civic_types::time::Tick;
use libp2p::kad::store::MemoryStore;
use libp2p::kad::{self, RecordKey};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, identify};

use super::Actor;
use crate::internet::find::{Book, Entry, Step, Walk, shard_key, shard_of};
use crate::internet::guard::is_private;
use crate::internet::hidden::Hidden;
use crate::internet::identity::{is_relayed, named, peer_id};
use crate::internet::inner::{Inner, random};

/// How peers are found that nobody named.
#[derive(Debug)]
pub(super) struct Search {
    walk: Walk,
    book: Book,
    cell: Option<Arc<dyn StateCell>>,
    /// When the book may be saved, if it has changed.
    unsaved: Option<Tick>,
    saved: Tick,
    /// Where in the book to go on, and when.
    page: usize,
    turn: Tick,
    offered: bool,
}

impl Search {
    /// Reads the book; one that cannot be read is told and begun anew.
    pub(super) async fn open(inner: &Inner) -> Self {
        let config = &inner.config;
        let cell = config.addresses.clone();
        let book = match cell.clone() {
            None => Book::default(),
            Some(cell) => match tokio::task::spawn_blocking(move || cell.load()).await {
                Ok(Ok(Some(bytes))) => Book::decode(&bytes).unwrap_or_else(|error| {
                    tracing::warn!(%error, "the good addresses are damaged");
                    Book::default()
                }),
                Ok(Ok(None)) | Err(_) => Book::default(),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the good addresses cannot be read");
                    Book::default()
                }
            },
        };
        let walk = Walk::new(config.walk_short, config.walk_long, shard_of(&inner.me));
        let now = inner.timer.now();
        Self { walk, book, cell, unsaved: None, saved: now, page: 0, turn: now, offered: false }
    }

    /// Notes a good address.
    pub(super) fn note(&mut self, entry: Entry) {
        if self.book.note(entry) {
            self.changed();
        }
    }

    /// Forgets the addresses of a peer.
    pub(super) fn forget(&mut self, peer: &civic_types::PeerId) {
        if self.book.forget(peer) {
            self.changed();
        }
    }

    fn changed(&mut self) {
        self.unsaved.get_or_insert(self.saved.saturating_add(SAVE_INTERVAL));
    }

    /// Saves what is not saved yet.
    pub(super) async fn close(&mut self) {
        if let (Some(_), Some(cell)) = (self.unsaved.take(), self.cell.clone()) {
            let bytes = self.book.encode();
            // The task ends by itself when the runtime does not wait for it.
            let _ = tokio::task::spawn_blocking(move || save(cell.as_ref(), &bytes)).await;
        }
    }

    fn save_if_due(&mut self, now: Tick) -> Option<Tick> {
        let due = self.unsaved?;
        if now < due {
            return Some(due);
        }
        (self.unsaved, self.saved) = (None, now);
        if let Some(cell) = self.cell.clone() {
            let bytes = self.book.encode();
            // Nobody waits for it; a later save has the later bytes.
            drop(tokio::task::spawn_blocking(move || save(cell.as_ref(), &bytes)));
        }
        None
    }
}

impl Actor {
    /// Walks the table and tries remembered addresses when that is due; says when something will be.
    pub(super) fn search(&mut self, now: Tick) -> Tick {
        let (peers, wanted) =
            (self.inner.peek_registry(|registry| registry.len()), self.inner.config.wanted_peers);
        let known = self.table_peers();
        let mut next = loop {
            match self.search.walk.handle(now, peers, wanted, known) {
                Step::Ask { shard } => self.ask(shard),
                Step::Wait(until) => break until,
            }
        };
        if peers < wanted {
            if self.search.turn <= now {
                self.search.turn = now.saturating_add(self.inner.config.walk_short);
                self.try_book();
            }
            next = next.min(self.search.turn);
        }
        self.search.save_if_due(now).map_or(next, |due| next.min(due))
    }

    fn table(&mut self) -> Option<&mut kad::Behaviour<MemoryStore>> {
        self.swarm.behaviour_mut().kad.as_mut().map(Hidden::get_mut)
    }

    fn table_peers(&mut self) -> usize {
        let table = self.table();
        table.map_or(0, |table| table.kbuckets().map(|bucket| bucket.num_entries()).sum())
    }

    fn ask(&mut self, shard: u8) {
        let me = shard_of(&self.inner.me);
        let offered = std::mem::replace(&mut self.search.offered, true);
        let Some(table) = self.table() else { return };
        if !offered {
            // The table offers us again by itself from now on; its store has room for this one key.
            if let Err(error) = table.start_providing(RecordKey::new(&shard_key(me))) {
                tracing::debug!(%error, "not offered");
            }
        }
        if let Err(error) = table.bootstrap() {
            tracing::debug!(%error, "nobody to ask");
        }
        let random: Vec<u8> =
            [random(), random(), random(), random()].iter().flat_map(|n| n.to_be_bytes()).collect();
        table.get_closest_peers(random);
        table.get_providers(RecordKey::new(&shard_key(shard)));
    }

    /// Dials a few of the remembered addresses, others every time.
    fn try_book(&mut self) {
        let all: Vec<_> = self.search.book.entries().cloned().collect();
        if all.is_empty() {
            return;
        }
        let first = self.search.page % all.len();
        self.search.page = first + BOOK_DIALS;
        for entry in all.iter().cycle().skip(first).take(BOOK_DIALS.min(all.len())) {
            let address = entry.address.parse::<Multiaddr>().ok();
            let Some((peer, address)) = address.and_then(|address| Some((named(&address)?, address))) else {
                continue;
            };
            if !self.inner.may_seek(&entry.peer) {
                continue;
            }
            self.try_dial(DialOpts::peer_id(peer).addresses(vec![address]).condition(IDLE).build());
        }
    }

    /// Dials peers that offer themselves, while short of peers.
    pub(super) fn found(&mut self, providers: HashSet<PeerId>) {
        let peers = self.inner.peek_registry(|registry| registry.len());
        let short = self.inner.config.wanted_peers.saturating_sub(peers);
        for peer in providers.into_iter().take(short.min(MAX_FOUND)) {
            if peer_id(&peer).is_some_and(|peer| self.inner.may_seek(&peer)) {
                self.try_dial(DialOpts::peer_id(peer).condition(IDLE).build());
            }
        }
    }

    fn try_dial(&mut self, opts: DialOpts) {
        if let Err(error) = self.swarm.dial(opts) {
            tracing::debug!(%error, "not dialled");
        }
    }

    /// Enters a peer that speaks for this network's table, at addresses that it may claim: those that lead to
    /// itself, and private ones only if it is reached over one.
    pub(super) fn learn(&mut self, connection: ConnectionId, peer: PeerId, info: &identify::Info) {
        let Some(known) = self.known.get(&connection) else { return };
        let local = is_private(&known.remote);
        let verified = (known.dialled && !is_relayed(&known.remote)).then(|| known.remote.clone());
        let Some(table) = self.table() else { return };
        let ours = table.protocol_names().iter().any(|name| info.protocols.contains(name));
        if !ours || info.public_key.to_peer_id() != peer {
            return;
        }
        let claimed = believable(peer, local, &info.listen_addrs);
        for address in verified.iter().chain(claimed) {
            table.add_address(&peer, address.clone());
        }
    }
}

/// The addresses that a peer may claim to have.
fn believable(peer: PeerId, local: bool, claimed: &[Multiaddr]) -> impl Iterator<Item = &Multiaddr> {
    let leads_to_it = move |address: &&Multiaddr| named(address).is_none_or(|named| named == peer);
    let may_be = move |address: &&Multiaddr| (local || !is_private(address)) && !is_unspecified(address);
    claimed.iter().filter(leads_to_it).filter(may_be).take(MAX_CLAIMED)
}

fn is_unspecified(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => ip.is_unspecified(),
        Some(Protocol::Ip6(ip)) => ip.is_unspecified(),
        _ => false,
    }
}

fn save(cell: &dyn StateCell, bytes: &[u8]) {
    if let Err(error) = cell.save(bytes) {
        tracing::warn!(%error, "the good addresses cannot be saved");
    }
}

/// Only who is not connected and not being dialled.
const IDLE: PeerCondition = PeerCondition::DisconnectedAndNotDialing;
/// Least time between two saves of the book: flash memory wears.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);
/// Remembered addresses dialled at a time.
const BOOK_DIALS: usize = 4;
/// Offered peers dialled at a time.
const MAX_FOUND: usize = 8;
/// Addresses believed of one peer.
const MAX_CLAIMED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_may_claim_a_few_addresses_that_lead_to_it_and_no_local_ones_from_afar() {
        let (peer, other) = (PeerId::random(), PeerId::random());
        let claimed: Vec<Multiaddr> = [
            "/ip4/198.51.100.7/tcp/1".to_owned(),
            format!("/ip4/198.51.100.7/tcp/2/p2p/{peer}"),
            format!("/ip4/198.51.100.7/tcp/3/p2p/{other}"),
            format!("/ip4/198.51.100.9/tcp/4/p2p/{other}/p2p-circuit/p2p/{peer}"),
            format!("/ip4/198.51.100.9/tcp/4/p2p/{peer}/p2p-circuit/p2p/{other}"),
            "/ip4/127.0.0.1/tcp/5".to_owned(),
            "/ip4/192.168.1.1/udp/6/quic-v1".to_owned(),
            "/ip4/0.0.0.0/tcp/7".to_owned(),
        ]
        .iter()
        .map(|address| address.parse().unwrap())
        .collect();
        let kept = |local| believable(peer, local, &claimed).cloned().collect::<Vec<_>>();
        assert_eq!(kept(false), [0, 1, 3].map(|at: usize| claimed[at].clone()));
        assert_eq!(kept(true), [0, 1, 3, 5, 6].map(|at: usize| claimed[at].clone()));
        let many = vec![claimed[0].clone(); 1000];
        assert_eq!(believable(peer, true, &many).count(), MAX_CLAIMED);
    }
}
