use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use civic_transport::hub::EventHub;
use civic_transport::stream::Outbound;
use civic_transport::{Event, LostReason, PeerInfo};
use civic_types::PeerId;
use civic_types::time::Timestamp;
use tokio::sync::{mpsc, watch};

use super::frame::CloseCode;
use super::{Dialler, Opened, Path};

/// The sessions of now, one per peer, and the rule of which stays.
#[derive(Debug)]
pub(in crate::internet) struct Registry {
    me: PeerId,
    max_peers: usize,
    open: bool,
    hub: EventHub,
    peers: BTreeMap<PeerId, Live>,
    connections: u64,
}

/// One session.
#[derive(Debug)]
pub(in crate::internet) struct Live {
    pub(in crate::internet) info: PeerInfo,
    pub(in crate::internet) outbound: Arc<Outbound>,
    /// Milliseconds of the wall clock when the peer was last heard.
    heard: Arc<AtomicU64>,
    dialler: Dialler,
    path: Path,
    /// Whether we have offered the other end to move to a stream that we opened.
    offering: bool,
    close: watch::Sender<Option<CloseCode>>,
    /// Where a stream goes that is to take the session over.
    moves: mpsc::Sender<Opened>,
}

/// The answer to an offer to move a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::internet) enum Answer {
    /// There is no session: this stream begins one.
    Anew,
    Move,
    /// It has moved already, or is about to.
    Refuse,
}

/// What a session's task needs.
#[derive(Debug)]
pub(in crate::internet) struct Registered {
    pub(in crate::internet) connection: u64,
    pub(in crate::internet) outbound: Arc<Outbound>,
    pub(in crate::internet) heard: Arc<AtomicU64>,
    pub(in crate::internet) close: watch::Receiver<Option<CloseCode>>,
    pub(in crate::internet) moves: mpsc::Receiver<Opened>,
}

impl Registry {
    pub(in crate::internet) const fn new(me: PeerId, max_peers: usize, hub: EventHub) -> Self {
        Self { me, max_peers, open: false, hub, peers: BTreeMap::new(), connections: 0 }
    }

    /// Takes a new session, in place of another with the same peer where the rule says so; `info.connection`
    /// is set here.
    pub(in crate::internet) fn register(
        &mut self,
        mut info: PeerInfo,
        dialler: Dialler,
        path: Path,
        outbound: Arc<Outbound>,
    ) -> Result<Registered, CloseCode> {
        if !self.open {
            return Err(CloseCode::Goodbye);
        }
        let peer = info.peer;
        match self.peers.get(&peer) {
            Some(old) if !self.replaces(&peer, old, dialler, path) => return Err(CloseCode::Duplicate),
            Some(_) => self.remove(&peer, LostReason::Replaced, CloseCode::Duplicate),
            None if self.peers.len() >= self.max_peers => return Err(CloseCode::NoRoom),
            None => {}
        }
        self.connections += 1;
        info.connection = self.connections;
        let heard = Arc::new(AtomicU64::new(info.last_seen.as_millis()));
        let (close, closed) = watch::channel(None);
        let (moves, moved) = mpsc::channel(1);
        let live = Live {
            info: info.clone(),
            outbound: outbound.clone(),
            heard: heard.clone(),
            dialler,
            path,
            offering: false,
            close,
            moves,
        };
        self.peers.insert(peer, live);
        self.hub.publish(&Event::Discovered(info));
        Ok(Registered { connection: self.connections, outbound, heard, close: closed, moves: moved })
    }

    /// Whether a session with that peer is to be offered a direct stream that we opened; one offer at a time.
    pub(in crate::internet) fn offer_move(&mut self, peer: &PeerId) -> bool {
        match self.peers.get_mut(peer) {
            Some(live) if live.path == Path::Relayed => !std::mem::replace(&mut live.offering, true),
            _ => false,
        }
    }

    /// The offer came to nothing.
    pub(in crate::internet) fn withdraw_move(&mut self, peer: &PeerId) {
        if let Some(live) = self.peers.get_mut(peer) {
            live.offering = false;
        }
    }

    /// What to answer to the other end's offer of a direct stream. When both offer at once, the smaller
    /// peer's stream is taken.
    pub(in crate::internet) fn answer_move(&self, peer: &PeerId) -> Answer {
        match self.peers.get(peer) {
            None => Answer::Anew,
            Some(live) if live.path == Path::Relayed && !(live.offering && self.me < *peer) => Answer::Move,
            Some(_) => Answer::Refuse,
        }
    }

    /// Whether a new session that we dial over such a path would only replace its like.
    pub(in crate::internet) fn keeps(&self, peer: &PeerId, path: Path) -> bool {
        self.peers.get(peer).is_some_and(|live| {
            live.dialler == Dialler::Us && (live.path == Path::Direct || path == Path::Relayed)
        })
    }

    /// Hands a direct stream to the session that it takes over; whether there is one.
    pub(in crate::internet) fn take_over(&mut self, peer: &PeerId, opened: Opened) -> bool {
        match self.peers.get_mut(peer) {
            Some(live) if live.path == Path::Relayed => {
                let dialler = opened.dialler;
                let taken = live.moves.try_send(opened).is_ok();
                if taken {
                    (live.path, live.dialler) = (Path::Direct, dialler);
                }
                taken
            }
            _ => false,
        }
    }

    /// Ends the session with a peer and tells its task to say so to the other end.
    pub(in crate::internet) fn remove(&mut self, peer: &PeerId, reason: LostReason, code: CloseCode) {
        if let Some(live) = self.peers.remove(peer) {
            live.outbound.close();
            live.close.send_replace(Some(code));
            self.hub.publish(&Event::Lost { peer: *peer, connection: live.info.connection, reason });
        }
    }

    /// Ends a session whose task has ended, unless another has its place.
    pub(in crate::internet) fn ended(
        &mut self,
        peer: &PeerId,
        connection: u64,
        reason: LostReason,
        code: CloseCode,
    ) {
        if self.is_current(peer, connection) {
            self.remove(peer, reason, code);
        }
    }

    /// Takes sessions from now on.
    pub(in crate::internet) const fn open(&mut self) {
        self.open = true;
    }

    /// Ends every session and takes no more.
    pub(in crate::internet) fn close(&mut self) {
        self.open = false;
        while let Some(peer) = self.peers.keys().next().copied() {
            self.remove(&peer, LostReason::ClosedHere, CloseCode::Goodbye);
        }
    }

    /// Publishes what came over a session, unless it is over; late, it passes over whoever has no room.
    pub(in crate::internet) fn publish(&self, peer: &PeerId, connection: u64, event: &Event, in_time: bool) {
        match (self.is_current(peer, connection), in_time) {
            (true, true) => self.hub.publish(event),
            (true, false) => self.hub.publish_overdue(event),
            (false, _) => {}
        }
    }

    pub(in crate::internet) fn get(&self, peer: &PeerId) -> Option<&Live> {
        self.peers.get(peer)
    }

    pub(in crate::internet) fn len(&self) -> usize {
        self.peers.len()
    }

    pub(in crate::internet) fn infos(&self) -> Vec<PeerInfo> {
        let info = |live: &Live| {
            let mut info = live.info.clone();
            info.last_seen = Timestamp::from_millis(live.heard.load(Ordering::Relaxed));
            let path = if live.path == Path::Direct { "direct" } else { "relayed" };
            info.metadata.insert(PATH.to_owned(), path.to_owned());
            info
        };
        self.peers.values().map(info).collect()
    }

    pub(in crate::internet) fn is_current(&self, peer: &PeerId, connection: u64) -> bool {
        self.peers.get(peer).is_some_and(|live| live.info.connection == connection)
    }

    /// A direct path beats a relayed one; of two dialled from both ends the smaller peer's stays; of two in
    /// one direction the newer.
    fn replaces(&self, peer: &PeerId, old: &Live, dialler: Dialler, path: Path) -> bool {
        let preferred = if self.me < *peer { Dialler::Us } else { Dialler::They };
        match (old.path, path) {
            (Path::Direct, Path::Relayed) => false,
            (Path::Relayed, Path::Direct) => true,
            _ => old.dialler == dialler || preferred == dialler,
        }
    }
}

/// Key of the metadata that says how a peer is reached: `direct` or `relayed`.
pub const PATH: &str = "path";

#[cfg(test)]
mod tests {
    use civic_transport::TransportKind;

    use super::*;

    fn registry(me: u8) -> Registry {
        let mut registry = Registry::new(PeerId::from_bytes([me; 32]), 2, EventHub::default());
        registry.open();
        registry
    }

    fn by(registry: &mut Registry, peer: u8, dialler: Dialler, path: Path) -> Result<Registered, CloseCode> {
        let peer = PeerId::from_bytes([peer; 32]);
        let info = PeerInfo::new(peer, TransportKind::Internet, Timestamp::from_millis(0), 0);
        registry.register(info, dialler, path, Arc::new(Outbound::new(0)))
    }

    fn register(registry: &mut Registry, peer: u8, dialler: Dialler) -> Result<Registered, CloseCode> {
        by(registry, peer, dialler, Path::Direct)
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
    fn a_newer_session_of_one_direction_replaces_the_older_and_strangers_find_no_room() {
        let mut registry = registry(1);
        register(&mut registry, 2, Dialler::They).unwrap();
        assert_eq!(register(&mut registry, 2, Dialler::They).unwrap().connection, 2);
        register(&mut registry, 3, Dialler::They).unwrap();
        assert_eq!(register(&mut registry, 4, Dialler::They).unwrap_err(), CloseCode::NoRoom);
        assert!(register(&mut registry, 3, Dialler::They).is_ok());
    }

    #[test]
    fn a_direct_path_is_preferred_whoever_dialled() {
        for (dialler, other) in [(Dialler::Us, Dialler::They), (Dialler::They, Dialler::Us)] {
            let mut registry = registry(1);
            by(&mut registry, 2, dialler, Path::Relayed).unwrap();
            by(&mut registry, 2, other, Path::Direct).unwrap();
            assert_eq!(by(&mut registry, 2, dialler, Path::Relayed).unwrap_err(), CloseCode::Duplicate);
        }
    }

    #[test]
    fn of_two_offers_to_move_one_is_taken_and_both_ends_say_which() {
        let peer = |n| PeerId::from_bytes([n; 32]);
        let (mut smaller, mut greater) = (registry(1), registry(2));
        assert_eq!(smaller.answer_move(&peer(2)), Answer::Anew);
        by(&mut smaller, 2, Dialler::Us, Path::Relayed).unwrap();
        by(&mut greater, 1, Dialler::They, Path::Relayed).unwrap();
        assert_eq!(greater.answer_move(&peer(1)), Answer::Move);
        assert!(smaller.offer_move(&peer(2)) && greater.offer_move(&peer(1)));
        assert!(!smaller.offer_move(&peer(2)), "one at a time");
        assert_eq!(smaller.answer_move(&peer(2)), Answer::Refuse);
        assert_eq!(greater.answer_move(&peer(1)), Answer::Move);
        smaller.withdraw_move(&peer(2));
        assert_eq!(smaller.answer_move(&peer(2)), Answer::Move);
        by(&mut smaller, 2, Dialler::Us, Path::Direct).unwrap();
        assert!(!smaller.offer_move(&peer(2)));
        assert_eq!(smaller.answer_move(&peer(2)), Answer::Refuse);
    }

    #[test]
    fn the_end_of_an_old_session_does_not_end_its_successor() {
        let mut registry = registry(1);
        let peer = PeerId::from_bytes([2; 32]);
        let old = register(&mut registry, 2, Dialler::They).unwrap();
        let new = register(&mut registry, 2, Dialler::They).unwrap();
        registry.ended(&peer, old.connection, LostReason::ClosedThere, CloseCode::Goodbye);
        assert!(registry.is_current(&peer, new.connection));
    }
}
