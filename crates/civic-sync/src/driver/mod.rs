//! [`Driver`]: runs a session with every connected peer, over whatever transport it is given.

mod config;
mod converse;
mod handle;
mod status;

pub use config::SyncConfig;
pub use handle::SyncHandle;
pub use status::{MAX_PENDING_REQUESTS, MAX_QUEUED_EVENTS, PeerSync, SyncEvent, SyncEventStream};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use civic_store::{ChangeEvent, ChangeFrom, ChangeStream, Origin, StorageAdapter};
use civic_transport::{Envelope, Event, EventStream, PeerInfo, TransportAdapter, Via};
use civic_types::PeerId;
use civic_types::time::{Tick, Timer};
use futures_channel::mpsc;
use futures_core::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, select};

use self::converse::{Context, PeerInput, converse};
use self::handle::Command;
use self::status::Status;
use crate::error::Error;
use crate::replicated::Replicated;
use crate::table;

/// Envelope type of sync frames, inside [`Arq`](crate::arq::Arq) datagrams on every link: a peer may be reached
/// over several, which together neither keep order nor deliver all that they accepted when one of them dies.
pub const MESSAGE_TYPE: u8 = 1;

/// Commands that wait for the driver.
const MAX_COMMANDS: usize = 256;

/// Inputs, and bytes of frames, that wait for one peer's session; more ends it.
const MAX_INPUTS: usize = 1024;
const MAX_INPUT_BYTES: usize = 16 * 1024 * 1024;

/// Replicates over a transport for as long as [`run`](Self::run) is polled.
///
/// A session starts with every peer that connects; a round starts on connect, after local changes and
/// imports from others (debounced), and on a timer.
pub struct Driver {
    context: Arc<Context>,
    config: SyncConfig,
    commands: mpsc::Receiver<Command>,
    events: Option<EventStream>,
    changes: Option<ChangeStream>,
    peers: BTreeMap<PeerId, Conversing>,
    talks: FuturesUnordered<BoxFuture<'static, (PeerId, u64)>>,
    /// Something was written, to be told at that time, to all but that peer.
    told_at: Option<(Tick, Option<PeerId>)>,
    next_interval: Tick,
}

/// A peer with a session.
struct Conversing {
    connection: u64,
    inbox: mpsc::Sender<PeerInput>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Driver {
    /// A driver and the handle to it, subscribed to both from now on; nothing else happens before
    /// [`run`](Self::run). Make it before the transport starts, so that no peer is met unheard.
    #[must_use]
    pub fn new(
        replicated: Arc<Replicated>,
        transport: Arc<dyn TransportAdapter>,
        timer: Arc<dyn Timer>,
        config: SyncConfig,
    ) -> (SyncHandle, Self) {
        let (sender, commands) = mpsc::channel(MAX_COMMANDS);
        let status = Arc::new(Status::default());
        let handle = SyncHandle { commands: sender, status: Arc::clone(&status) };
        let next_interval = timer.now().saturating_add(config.interval);
        let (events, changes) = (Some(transport.events()), Some(replicated.changes(ChangeFrom::Now)));
        let context = Arc::new(Context { replicated, transport, timer, status });
        let (peers, talks) = (BTreeMap::new(), FuturesUnordered::new());
        (
            handle,
            Self { context, config, commands, events, changes, peers, talks, told_at: None, next_interval },
        )
    }

    /// Runs until [`SyncHandle::stop`] or until every handle is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends all sessions; commits that were under way happen entirely or not at all.
    pub async fn run(mut self) {
        let context = Arc::clone(&self.context);
        let (Some(events), Some(changes)) = (self.events.take(), self.changes.take()) else { return };
        let (mut events, mut changes) = (events.fuse(), changes.fuse());
        for peer in context.transport.peers() {
            self.open(&peer);
        }
        loop {
            let alarm = self.next_alarm();
            let mut sleep = context.timer.sleep_until(alarm).fuse();
            select! {
                event = events.select_next_some() => self.event(event),
                change = changes.select_next_some() => self.change(change),
                command = self.commands.next() => match command {
                    None | Some(Command::Stop) => break,
                    Some(command) => self.command(command),
                },
                ended = self.talks.select_next_some() => self.ended(ended),
                () = sleep => self.alarm(),
                complete => break,
            }
        }
        context.status.close();
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Discovered(peer) => self.open(&peer),
            Event::Changed(peer) => self.relink(&peer),
            Event::Lost { peer, connection, .. } => self.close(&peer, connection),
            Event::Received {
                via: Via::Authenticated(peer),
                connection,
                envelope: Envelope::Local(envelope),
            } if envelope.message_type == MESSAGE_TYPE => {
                self.frame(&peer, connection, envelope.payload);
            }
            // Whoever is connected now is what counts; frames that were missed end in a time-out.
            Event::Lagged { .. } => self.resume(),
            _ => {}
        }
    }

    fn open(&mut self, peer: &PeerInfo) {
        if peer.bindings.is_empty() {
            tracing::warn!(peer = %peer.peer, "a link without channel binding: nothing is replicated over it");
            return;
        }
        if self.peers.get(&peer.peer).is_some_and(|known| known.connection >= peer.connection) {
            return;
        }
        let (inbox, inputs) = mpsc::channel(MAX_INPUTS);
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let context = Arc::clone(&self.context);
        let (id, connection, bindings) = (peer.peer, peer.connection, bindings(peer));
        let waiting = Arc::clone(&waiting_bytes);
        self.talks.push(
            async move {
                converse(&context, id, bindings, inputs, &waiting).await;
                (id, connection)
            }
            .boxed(),
        );
        self.peers.insert(id, Conversing { connection, inbox, waiting_bytes });
    }

    /// The same connection runs over other links now.
    fn relink(&mut self, peer: &PeerInfo) {
        match self.peers.get_mut(&peer.peer).filter(|known| known.connection == peer.connection) {
            Some(known) => {
                // Where the inbox is full, frames come, so the old links still do.
                let _full = known.inbox.try_send(PeerInput::Links(bindings(peer)));
            }
            None => self.open(peer),
        }
    }

    /// Dropping the inbox ends the conversation.
    fn close(&mut self, peer: &PeerId, connection: u64) {
        if self.peers.get(peer).is_some_and(|known| known.connection <= connection) {
            self.peers.remove(peer);
        }
    }

    fn ended(&mut self, (peer, connection): (PeerId, u64)) {
        self.close(&peer, connection);
        if !self.peers.contains_key(&peer) {
            self.context.status.update(peer, |status| status.connected = false);
        }
    }

    fn resume(&mut self) {
        let connected = self.context.transport.peers();
        self.peers.retain(|id, known| {
            connected.iter().any(|peer| peer.peer == *id && peer.connection == known.connection)
        });
        for peer in connected {
            self.open(&peer);
        }
    }

    fn frame(&mut self, peer: &PeerId, connection: u64, payload: Bytes) {
        let Some(known) = self.peers.get_mut(peer).filter(|known| known.connection == connection) else {
            return;
        };
        let waiting = known.waiting_bytes.fetch_add(payload.len(), Ordering::Relaxed) + payload.len();
        if waiting > MAX_INPUT_BYTES || known.inbox.try_send(PeerInput::Frame(payload)).is_err() {
            tracing::warn!(%peer, "sends faster than its data can be stored: the session ends");
            let reset = known.inbox.try_send(PeerInput::Overrun).is_err();
            if reset {
                self.peers.remove(peer);
            }
        }
    }

    fn change(&mut self, change: ChangeEvent) {
        let source = match change {
            ChangeEvent::Commit(change) => {
                let touches = |name: &str| change.tables.iter().any(|table| table == name);
                if !touches(table::SCOPE) && !touches(table::DEFINITION) {
                    return;
                }
                match change.origin {
                    Origin::Local => None,
                    Origin::Remote(peer) => Some(peer),
                }
            }
            _ => None,
        };
        let at = self.context.timer.now().saturating_add(self.config.debounce);
        self.told_at = Some(match self.told_at {
            Some((at, except)) => (at, except.filter(|except| Some(*except) == source)),
            None => (at, source),
        });
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Announce => self.tell(None, &PeerInput::Announce),
            Command::Request(peer, id) => self.tell_one(&peer, PeerInput::Request(id)),
            Command::Sync(peer) => self.tell_one(&peer, PeerInput::Changed),
            Command::Stop => {}
        }
    }

    fn next_alarm(&self) -> Tick {
        self.told_at.map_or(self.next_interval, |(at, _)| at.min(self.next_interval))
    }

    fn alarm(&mut self) {
        let now = self.context.timer.now();
        if let Some((_, except)) = self.told_at.take_if(|(at, _)| *at <= now) {
            self.tell(except, &PeerInput::Changed);
        }
        if self.next_interval <= now {
            self.next_interval = now.saturating_add(self.config.interval);
            self.tell(None, &PeerInput::Changed);
        }
    }

    fn tell(&mut self, except: Option<PeerId>, input: &PeerInput) {
        for (peer, known) in &mut self.peers {
            if Some(*peer) != except {
                // A full inbox holds frames that lead to another look anyway.
                let _full = known.inbox.try_send(input.clone());
            }
        }
    }

    fn tell_one(&mut self, peer: &PeerId, input: PeerInput) {
        if let Some(known) = self.peers.get_mut(peer) {
            // A request stands in the status too and is taken up by the next session.
            let _full = known.inbox.try_send(input);
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Driver({} peers)", self.peers.len())
    }
}

fn bindings(peer: &PeerInfo) -> Vec<[u8; 32]> {
    peer.bindings.iter().map(|binding| *binding.as_bytes()).collect()
}

/// How a conversation's failure is told.
fn why(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}
