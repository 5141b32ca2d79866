use civic_transport::{Accepted, Error, LostReason};
use civic_types::PeerId;
use libp2p::gossipsub::{MessageAcceptance, MessageId, PublishError};
use libp2p::swarm::ConnectionId;
use tokio::sync::oneshot;

use super::Actor;
use crate::internet::dial::Attempt;
use crate::internet::gossip::{MAX_GOSSIP_BYTES, topic};
use crate::internet::identity::peer_id;
use crate::internet::inner::backend;
use crate::internet::message::CloseCode;

/// What the actor is asked to do.
#[derive(Debug)]
pub(in crate::internet) enum Command {
    Close {
        peer: libp2p::PeerId,
        connection: ConnectionId,
    },
    Dial(Attempt),
    /// The access rule has changed.
    Enforce,
    /// The user wants no more of a peer.
    Forget(PeerId),
    Publish {
        topic: String,
        wire: Vec<u8>,
        reply: oneshot::Sender<Result<Accepted, Error>>,
    },
    Subscribe {
        topic: String,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    Unsubscribe {
        topic: String,
    },
    Verdict {
        source: libp2p::PeerId,
        id: MessageId,
        acceptance: MessageAcceptance,
    },
}

impl Actor {
    /// Answers go to callers that may have gone; then nothing is lost.
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Close { peer, connection } => {
                tracing::trace!(%peer, %connection, "closing");
                self.swarm.close_connection(connection);
            }
            Command::Dial(attempt) => self.dial(attempt),
            Command::Enforce => self.enforce(),
            Command::Forget(peer) => self.search.forget(&peer),
            Command::Publish { topic, wire, reply } => {
                let _ = reply.send(self.publish(&topic, wire));
            }
            Command::Subscribe { topic: name, reply } => {
                let topic = topic(&self.inner.net, &name);
                let subscribed = self.swarm.behaviour_mut().gossip.subscribe(&topic);
                let _ = reply.send(subscribed.map(|_| ()).map_err(backend));
            }
            Command::Unsubscribe { topic: name } => {
                let topic = topic(&self.inner.net, &name);
                self.swarm.behaviour_mut().gossip.unsubscribe(&topic);
            }
            Command::Verdict { source, id, acceptance } => {
                let forged = matches!(acceptance, MessageAcceptance::Reject);
                let gossip = &mut self.swarm.behaviour_mut().gossip;
                gossip.report_message_validation_result(&id, &source, acceptance);
                if forged {
                    // Not connected any more: nothing is left to close.
                    let _ = self.swarm.disconnect_peer_id(source);
                }
            }
        }
    }

    fn publish(&mut self, name: &str, wire: Vec<u8>) -> Result<Accepted, Error> {
        let got = wire.len();
        let topic = topic(&self.inner.net, name);
        match self.swarm.behaviour_mut().gossip.publish(topic, wire) {
            Ok(_) | Err(PublishError::Duplicate) => Ok(Accepted::Queued),
            Err(PublishError::NoPeersSubscribedToTopic) => {
                Err(Error::NotConnected { peer: PeerId::from_bytes([0; PeerId::LEN]) })
            }
            Err(PublishError::MessageTooLarge) => Err(Error::TooLarge { got, limit: MAX_GOSSIP_BYTES }),
            Err(error) => Err(backend(error)),
        }
    }

    /// Disconnects whom the access rule does not admit any more.
    fn enforce(&mut self) {
        let connected: Vec<_> = self.swarm.connected_peers().copied().collect();
        for there in connected {
            let admits = |peer| {
                let access = self.inner.access.read();
                access.unwrap_or_else(std::sync::PoisonError::into_inner).admits(peer)
            };
            let peer = peer_id(&there);
            if peer.as_ref().is_some_and(admits) {
                continue;
            }
            if let Some(peer) = peer {
                self.inner.with_registry(|registry| {
                    registry.remove(&peer, LostReason::ClosedHere, CloseCode::Goodbye);
                });
            }
            // Not connected any more: nothing is left to close.
            let _ = self.swarm.disconnect_peer_id(there);
        }
    }
}
