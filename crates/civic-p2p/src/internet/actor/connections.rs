use std::sync::Arc;

use libp2p::core::ConnectedPoint;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError as SwarmError};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::oneshot;

use super::Actor;
use crate::internet::dial::{Attempt, DialError, Reached};
use crate::internet::find::Entry;
use crate::internet::identity::{named, peer_id};
use crate::internet::inner::{Inner, lock};
use crate::internet::message::{self, Dialler, GreetError, Opened};

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) peer: PeerId,
    pub(super) remote: Multiaddr,
    /// Whether the remote address is one at which the peer takes connections.
    pub(super) dialled: bool,
}

impl Actor {
    pub(super) fn dial(&mut self, attempt: Attempt) {
        let address = attempt.address.clone();
        let opts = match named(&address) {
            Some(peer) => {
                let opts = DialOpts::peer_id(peer).addresses(vec![address]).condition(PeerCondition::Always);
                if attempt.reuse_port { opts.build() } else { opts.allocate_new_port().build() }
            }
            None => {
                let opts = DialOpts::unknown_peer_id().address(address);
                if attempt.reuse_port { opts.build() } else { opts.allocate_new_port().build() }
            }
        };
        let connection = opts.connection_id();
        match self.swarm.dial(opts) {
            Ok(()) => {
                self.attempts.insert(connection, attempt);
            }
            Err(error) => self.failed(attempt, error),
        }
    }

    /// A dial of anybody's has failed.
    pub(super) fn dial_failed(&mut self, connection: ConnectionId, error: SwarmError) {
        self.inner.counters.dials_failed.add();
        match self.attempts.remove(&connection) {
            Some(attempt) => self.failed(attempt, error),
            None => tracing::debug!(%error, "dial failed"),
        }
    }

    fn failed(&self, attempt: Attempt, error: SwarmError) {
        let error = match error {
            SwarmError::WrongPeerId { obtained, .. } => match peer_id(&obtained) {
                Some(got) if got == self.inner.me => DialError::Myself,
                Some(got) => DialError::WrongPeer { got },
                None => DialError::Unsupported,
            },
            SwarmError::LocalPeerId { .. } => DialError::Myself,
            other => DialError::Swarm(other),
        };
        // Whoever asked may have gone.
        let _ = attempt.reply.send(Err(error));
    }

    pub(super) fn established(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        let remote = endpoint.get_remote_address().clone();
        let dialled = endpoint.is_dialer();
        if self.known.is_empty() {
            self.inner.network_returned();
        }
        self.known.insert(connection, Known { peer, remote, dialled });
        let Some(attempt) = self.attempts.get(&connection) else { return };
        let Some(got) = peer_id(&peer) else { return };
        if attempt.want.is_some_and(|want| want != got) {
            if let Some(attempt) = self.attempts.remove(&connection) {
                let _ = attempt.reply.send(Err(DialError::WrongPeer { got }));
            }
            self.known.remove(&connection);
            self.swarm.close_connection(connection);
        } else {
            let mut familiar = lock(&self.inner.familiar);
            if familiar.len() < MAX_FAMILIAR {
                familiar.insert(peer);
            }
        }
    }

    pub(super) fn closed(&mut self, connection: ConnectionId) {
        self.known.remove(&connection);
        // Its receiver waits for just this.
        drop(self.foreign.remove(&connection));
        if let Some(attempt) = self.attempts.remove(&connection) {
            let _ = attempt.reply.send(Err(DialError::Closed));
        }
    }

    /// A stream was opened by either end: begins a session on it, unless there is no need for one.
    pub(super) fn opened(&mut self, opened: Opened) {
        let (peer, connection) = (opened.peer, opened.connection);
        // Closed in `established`, for another was wanted.
        let Some(known) = self.known.get(&connection) else { return };
        if known.dialled && opened.dialler == Dialler::Us {
            self.remember(connection);
        }
        let reply = self.attempts.remove(&connection).map(|attempt| attempt.reply);
        if let (None, Dialler::Us, Some(ours)) = (&reply, opened.dialler, peer_id(&peer))
            && lock(&self.inner.shunned).contains(&ours)
        {
            // A query of the table dialled it.
            self.swarm.close_connection(connection);
            return;
        }
        let task = self.inner.clone();
        let greeting = match opened.dialler {
            Dialler::They => None,
            Dialler::Us => {
                let Some(greeting) = self.greet(&opened) else {
                    // There is a session by another attempt of ours, or about to be.
                    drop(opened);
                    self.swarm.close_connection(connection);
                    self.inner.spawn(async move { await_other(&task, peer, reply).await });
                    return;
                };
                Some(greeting)
            }
        };
        self.inner.spawn(async move {
            let (told, outcome) = oneshot::channel::<Result<civic_types::PeerId, GreetError>>();
            let report = async {
                let outcome = outcome.await;
                drop(greeting);
                if let (Some(reply), Ok(outcome)) = (reply, outcome) {
                    // Whoever asked may have gone; the session stays.
                    let _ = reply.send(outcome.map(Reached::Session).map_err(DialError::Greet));
                }
            };
            tokio::join!(message::run(task, opened, told), report);
        });
    }

    /// The right to greet a peer on a stream that we opened; `None` while another has it, and when a session
    /// dialled by us would only be replaced by its like.
    fn greet(&self, opened: &Opened) -> Option<Greeting> {
        let peer = peer_id(&opened.peer)?;
        if self.inner.peek_registry(|registry| registry.keeps(&peer, opened.path)) {
            return None;
        }
        let first = lock(&self.greeting).insert(opened.peer);
        first.then(|| Greeting { all: self.greeting.clone(), peer: opened.peer })
    }

    /// The other end would not open a stream of ours.
    pub(super) fn refused(&mut self, connection: ConnectionId, unsupported: bool) {
        let Some(attempt) = self.attempts.remove(&connection) else { return };
        let Some(known) = self.known.get(&connection) else { return };
        if attempt.foreign && unsupported {
            let (sender, closed) = oneshot::channel();
            self.swarm.behaviour_mut().message.keep(known.peer, connection);
            self.foreign.insert(connection, sender);
            let _ = attempt.reply.send(Ok(Reached::Foreign(closed)));
        } else {
            let _ = attempt.reply.send(Err(DialError::Unsupported));
            self.swarm.close_connection(connection);
        }
    }

    /// Notes the address of a connection that we dialled with success.
    fn remember(&mut self, connection: ConnectionId) {
        let Some(Known { peer: there, remote, .. }) = self.known.get(&connection) else { return };
        let Some(peer) = peer_id(there) else { return };
        let address = remote.clone().with_p2p(*there).unwrap_or_else(|address| address).to_string();
        self.search.note(Entry { peer, address });
    }
}

/// Marks a peer as being greeted until it is dropped.
struct Greeting {
    all: Arc<std::sync::Mutex<std::collections::HashSet<PeerId>>>,
    peer: PeerId,
}

impl Drop for Greeting {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.peer);
    }
}

/// Waits for the session that another attempt begins.
async fn await_other(
    inner: &Inner,
    there: PeerId,
    reply: Option<oneshot::Sender<Result<Reached, DialError>>>,
) {
    let (Some(reply), Some(peer)) = (reply, peer_id(&there)) else { return };
    let connected = inner.within(inner.config.handshake_timeout, inner.until_connected(&peer));
    let outcome = match inner.unless_stopped(connected).await {
        Some(Some(())) => Ok(Reached::Session(peer)),
        Some(None) => Err(DialError::Timeout),
        None => Err(DialError::Greet(GreetError::Stopped)),
    };
    let _ = reply.send(outcome);
}

/// Peers that the diversity rule does not count, for we dialled them.
const MAX_FAMILIAR: usize = 4096;
