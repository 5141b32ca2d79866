use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use civic_types::PeerId;
use civic_types::time::Timestamp;
use tokio::sync::watch;

use super::discovery::Tag;
use super::frame::CloseCode;
use crate::event::{Event, LostReason};
use crate::hub::EventHub;
use crate::peer::PeerInfo;
use crate::stream::Outbound;

/// The connections of now, one per peer, and the rule of which stays.
#[derive(Debug)]
pub(super) struct Registry {
    me: PeerId,
    max_peers: usize,
    tag: Tag,
    open: bool,
    hub: EventHub,
    peers: BTreeMap<PeerId, Live>,
    connections: u64,
}

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) info: PeerInfo,
    pub(super) outbound: Arc<Outbound>,
    /// Milliseconds of the wall clock when the peer was last heard.
    pub(super) heard: Arc<AtomicU64>,
    dialler: Dialler,
    close: watch::Sender<Option<CloseCode>>,
}

/// Whose dial made a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialler {
    Us,
    They,
}

/// What a connection's task needs.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) connection: u64,
    pub(super) outbound: Arc<Outbound>,
    pub(super) heard: Arc<AtomicU64>,
    pub(super) close: watch::Receiver<Option<CloseCode>>,
}

impl Registry {
    pub(super) const fn new(me: PeerId, max_peers: usize, tag: Tag, hub: EventHub) -> Self {
        Self { me, max_peers, tag, open: false, hub, peers: BTreeMap::new(), connections: 0 }
    }

    /// Takes a new connection, in place of another to the same peer where the rule says so; `info.connection`
    /// is set here.
    pub(super) fn register(
        &mut self,
        mut info: PeerInfo,
        dialler: Dialler,
        outbound: Arc<Outbound>,
        tag: Tag,
    ) -> Result<Registered, CloseCode> {
        if !self.open {
            return Err(CloseCode::Goodbye);
        }
        // The device may have moved since the hello was compared.
        if tag != self.tag {
            return Err(CloseCode::OtherNetwork);
        }
        let peer = info.peer;
        match self.peers.get(&peer) {
            Some(old) if old.dialler != dialler && self.preferred(&peer) != dialler => {
                return Err(CloseCode::Duplicate);
            }
            Some(_) => self.remove(&peer, LostReason::Replaced, CloseCode::Duplicate),
            None if self.peers.len() >= self.max_peers => return Err(CloseCode::NoRoom),
            None => {}
        }
        self.connections += 1;
        info.connection = self.connections;
        let heard = Arc::new(AtomicU64::new(info.last_seen.as_millis()));
        let (close, closed) = watch::channel(None);
        let live =
            Live { info: info.clone(), outbound: outbound.clone(), heard: heard.clone(), dialler, close };
        self.peers.insert(peer, live);
        self.hub.publish(&Event::Discovered(info));
        Ok(Registered { connection: self.connections, outbound, heard, close: closed })
    }

    /// Ends the connection to a peer and tells its task to say so to the other end.
    pub(super) fn remove(&mut self, peer: &PeerId, reason: LostReason, code: CloseCode) {
        if let Some(live) = self.peers.remove(peer) {
            live.outbound.close();
            live.close.send_replace(Some(code));
            self.hub.publish(&Event::Lost { peer: *peer, connection: live.info.connection, reason });
        }
    }

    /// Ends a connection whose task has ended, unless another has its place.
    pub(super) fn ended(&mut self, peer: &PeerId, connection: u64, reason: LostReason, code: CloseCode) {
        if self.is_current(peer, connection) {
            self.remove(peer, reason, code);
        }
    }

    /// Takes connections from now on.
    pub(super) const fn open(&mut self) {
        self.open = true;
    }

    /// Ends every connection and takes no more.
    pub(super) fn close(&mut self) {
        self.open = false;
        while let Some(peer) = self.peers.keys().next().copied() {
            self.remove(&peer, LostReason::ClosedHere, CloseCode::Goodbye);
        }
    }

    /// Moves to another site: of all connections only those to some peers stay.
    pub(super) fn move_to(&mut self, tag: Tag, stay: &BTreeSet<PeerId>) {
        self.tag = tag;
        for peer in self.ids().difference(stay) {
            self.remove(peer, LostReason::ClosedHere, CloseCode::OtherNetwork);
        }
    }

    /// Publishes what came over a connection, unless it is over; late, it passes over whoever has no room.
    pub(super) fn publish(&self, peer: &PeerId, connection: u64, event: &Event, in_time: bool) {
        match (self.is_current(peer, connection), in_time) {
            (true, true) => self.hub.publish(event),
            (true, false) => self.hub.publish_overdue(event),
            (false, _) => {}
        }
    }

    pub(super) fn get(&self, peer: &PeerId) -> Option<&Live> {
        self.peers.get(peer)
    }

    /// Everybody who is connected.
    pub(super) fn ids(&self) -> BTreeSet<PeerId> {
        self.peers.keys().copied().collect()
    }

    pub(super) fn infos(&self) -> Vec<PeerInfo> {
        let info = |live: &Live| PeerInfo {
            last_seen: Timestamp::from_millis(live.heard.load(Ordering::Relaxed)),
            ..live.info.clone()
        };
        self.peers.values().map(info).collect()
    }

    pub(super) fn is_current(&self, peer: &PeerId, connection: u64) -> bool {
        self.peers.get(peer).is_some_and(|live| live.info.connection == connection)
    }

    /// Of two connections dialled from both ends, the smaller peer's stays.
    fn preferred(&self, peer: &PeerId) -> Dialler {
        if self.me < *peer { Dialler::Us } else { Dialler::They }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::TransportKind;

    fn registry(me: u8) -> Registry {
        let mut registry = Registry::new(PeerId::from_bytes([me; 32]), 2, Tag([0; 16]), EventHub::default());
        registry.open();
        registry
    }

    fn register(registry: &mut Registry, peer: u8, dialler: Dialler) -> Result<Registered, CloseCode> {
        let peer = PeerId::from_bytes([peer; 32]);
        let info = PeerInfo::new(peer, TransportKind::Lan, Timestamp::from_millis(0), 0);
        registry.register(info, dialler, Arc::new(Outbound::new(0)), Tag([0; 16]))
    }

    #[test]
    fn a_move_ends_all_but_a_few_and_refuses_whoever_was_greeted_before() {
        let mut registry = registry(1);
        let moved = register(&mut registry, 2, Dialler::They).unwrap();
        let stays = register(&mut registry, 3, Dialler::They).unwrap();
        registry.move_to(Tag([1; 16]), &BTreeSet::from([PeerId::from_bytes([3; 32])]));
        assert_eq!(*moved.close.borrow(), Some(CloseCode::OtherNetwork));
        assert_eq!(*stays.close.borrow(), None);
        assert_eq!(register(&mut registry, 4, Dialler::They).unwrap_err(), CloseCode::OtherNetwork);
    }

    #[test]
    fn of_two_dials_the_smaller_peers_stays_in_either_order_at_either_end() {
        for (me, there, kept) in [(1, 2, Dialler::Us), (2, 1, Dialler::They)] {
            let other = if kept == Dialler::Us { Dialler::They } else { Dialler::Us };
            let mut first = registry(me);
            register(&mut first, there, kept).unwrap();
            assert_eq!(register(&mut first, there, other).unwrap_err(), CloseCode::Duplicate);
            let mut second = registry(me);
            let old = register(&mut second, there, other).unwrap();
            register(&mut second, there, kept).unwrap();
            assert_eq!(*old.close.borrow(), Some(CloseCode::Duplicate));
        }
    }

    #[test]
    fn a_newer_connection_of_one_direction_replaces_the_older_and_strangers_find_no_room() {
        let mut registry = registry(1);
        register(&mut registry, 2, Dialler::They).unwrap();
        assert_eq!(register(&mut registry, 2, Dialler::They).unwrap().connection, 2);
        register(&mut registry, 3, Dialler::They).unwrap();
        assert_eq!(register(&mut registry, 4, Dialler::They).unwrap_err(), CloseCode::NoRoom);
        assert!(register(&mut registry, 3, Dialler::They).is_ok());
    }

    #[test]
    fn the_end_of_an_old_connection_does_not_end_its_successor() {
        let mut registry = registry(1);
        let peer = PeerId::from_bytes([2; 32]);
        let old = register(&mut registry, 2, Dialler::They).unwrap();
        let new = register(&mut registry, 2, Dialler::They).unwrap();
        registry.ended(&peer, old.connection, LostReason::ClosedThere, CloseCode::Goodbye);
        assert!(registry.is_current(&peer, new.connection));
    }
}
