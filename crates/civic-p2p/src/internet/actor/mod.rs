//! The one task that owns the swarm.

mod command;
mod connections;
mod events;
mod listen;
mod search;

pub(super) use command::Command;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use civic_transport::Error;
use civic_types::time::Tick;
use futures_util::StreamExt;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId, Swarm};
use tokio::sync::{mpsc, oneshot};

use super::behaviour::Behaviour;
use super::dial::Attempt;
use super::gossip::{Heard, MAX_HEARD};
use super::inner::{Inner, lock};
use super::swarm;
use connections::Known;
use listen::Reservations;
use search::Search;

/// Owns the swarm, acts on what happens there and on what others ask for.
pub(super) struct Actor {
    inner: Arc<Inner>,
    swarm: Swarm<Behaviour>,
    mailbox: mpsc::Receiver<Command>,
    /// Attempts of targets that have not led to a session yet.
    attempts: HashMap<ConnectionId, Attempt>,
    /// Connections to nodes of another kind that are kept.
    foreign: HashMap<ConnectionId, oneshot::Sender<()>>,
    known: HashMap<ConnectionId, Known>,
    /// Peers whose greeting on a stream that we opened is under way: one at a time.
    greeting: Arc<Mutex<HashSet<PeerId>>>,
    heard: mpsc::Sender<Heard>,
    reservations: Reservations,
    search: Search,
}

impl Actor {
    /// A swarm that listens where the configuration says.
    pub(super) async fn open(
        inner: Arc<Inner>,
    ) -> Result<(Self, mpsc::Sender<Command>, mpsc::Receiver<Heard>), Error> {
        let swarm = swarm::build(&inner)?;
        let (sender, mailbox) = mpsc::channel(MAX_COMMANDS);
        let (heard, to_verify) = mpsc::channel(MAX_HEARD);
        let search = Search::open(&inner).await;
        let mut actor = Self {
            inner,
            swarm,
            mailbox,
            attempts: HashMap::new(),
            foreign: HashMap::new(),
            known: HashMap::new(),
            greeting: Arc::default(),
            heard,
            reservations: Reservations::default(),
            search,
        };
        actor.listen().await?;
        Ok((actor, sender, to_verify))
    }

    /// Works until nobody can send commands any more.
    pub(super) async fn run(mut self) {
        let timer = self.inner.timer.clone();
        loop {
            let due = self.work();
            tokio::select! {
                event = self.swarm.select_next_some() => self.handle(event),
                command = self.mailbox.recv() => match command {
                    Some(command) => self.obey(command),
                    None => break,
                },
                () = timer.sleep_until(due) => {}
            }
        }
        lock(&self.inner.local).clear();
        self.search.close().await;
    }

    /// Does what is due; says when something will be.
    fn work(&mut self) -> Tick {
        let now = self.inner.timer.now();
        self.reserve(now).min(self.search(now))
    }

    /// The address of a listener as others dial it.
    fn full(&self, address: &Multiaddr) -> String {
        let me = *self.swarm.local_peer_id();
        address.clone().with_p2p(me).unwrap_or_else(|address| address).to_string()
    }

    /// Hands a message to whoever verifies; whether there was room.
    fn verify(&self, heard: Heard) -> bool {
        self.heard.try_send(heard).is_ok()
    }
}

/// Commands that wait for the actor; whoever sends more waits.
const MAX_COMMANDS: usize = 1024;
