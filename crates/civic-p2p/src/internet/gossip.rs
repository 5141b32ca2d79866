//! Gossip: signed envelopes to whoever subscribed to a topic, over gossipsub.
//!
//! A message is the wire form of a signed envelope, at most 256 KiB; its id is the envelope's. gossipsub adds
//! no name and no signature of its own. A message is passed on only after it was verified here, and whoever
//! sends one that is malformed or badly signed is disconnected, for an honest neighbour verifies first.
//!
//! On the wire the topic `t` of the network `n` is `/civicbase/<n>/gossip/t`, so that networks that share
//! peers never mix.

use std::sync::Arc;

use bytes::Bytes;
use civic_transport::envelope::KIND_SIGNED;
use civic_transport::receive::{Refusal, TimeTrust};
use civic_transport::{Envelope, Error, Event, LostReason, Via};
use libp2p::gossipsub::{
    Behaviour, ConfigBuilder, IdentTopic, Message, MessageAcceptance, MessageAuthenticity, MessageId,
    ValidationMode,
};
use tokio::sync::mpsc;

use super::actor::Command;
use super::identity::{peer_id, protocol_part};
use super::inner::{Inner, backend, lock};
use super::message::CloseCode;

/// Longest gossip message in bytes.
pub const MAX_GOSSIP_BYTES: usize = 256 * 1024;

/// A message that waits to be verified.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) source: libp2p::PeerId,
    pub(super) id: MessageId,
    pub(super) data: Vec<u8>,
}

/// Set up for anonymous, validated messages.
pub(super) fn behaviour(net: &str) -> Result<Behaviour, Error> {
    let net = net.to_owned();
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(move |message| message_id(&net, message))
        .max_transmit_size(MAX_GOSSIP_BYTES + RPC_OVERHEAD_BYTES)
        .connection_handler_queue_len(QUEUE_LEN)
        .build()
        .map_err(backend)?;
    Behaviour::new(MessageAuthenticity::Anonymous, config).map_err(backend)
}

/// The topic as it is on the wire.
pub(super) fn topic(net: &str, topic: &str) -> IdentTopic {
    IdentTopic::new(format!("/civicbase/{}/gossip/{topic}", protocol_part(net)))
}

/// Verifies messages one after the other, off the actor's task, until the channel ends.
pub(super) async fn verify(inner: Arc<Inner>, mut heard: mpsc::Receiver<Heard>) {
    while let Some(Heard { source, id, data }) = heard.recv().await {
        let acceptance = judge(&inner, &source, &Bytes::from(data)).await;
        // Without an actor nobody waits for the verdict.
        let _ = inner.tell(Command::Verdict { source, id, acceptance }).await;
    }
}

async fn judge(inner: &Inner, source: &libp2p::PeerId, wire: &Bytes) -> MessageAcceptance {
    let Some(peer) = peer_id(source) else { return MessageAcceptance::Reject };
    let now = inner.timer.wall();
    let arrival = match wire.first() {
        Some(&KIND_SIGNED) => Some(lock(&inner.receiver).receive(now, TimeTrust::of(now), wire)),
        _ => None,
    };
    match arrival {
        Some(Ok(arrival)) => {
            let in_time = inner.room().await;
            let connection =
                inner.peek_registry(|registry| registry.get(&peer).map_or(0, |live| live.info.connection));
            let via = Via::Authenticated(peer);
            let event = Event::Received { via, connection, envelope: arrival.envelope };
            if in_time {
                inner.hub.publish(&event);
            } else {
                inner.hub.publish_overdue(&event);
            }
            MessageAcceptance::Accept
        }
        // It was verified when it first came, by whichever way.
        Some(Err(Refusal::Duplicate { .. })) => MessageAcceptance::Accept,
        Some(Err(refusal)) if !refusal.is_misbehaviour() => MessageAcceptance::Ignore,
        _ => {
            inner.counters.gossip_rejected.add();
            tracing::debug!(%peer, "forged or malformed gossip");
            inner.with_registry(|registry| {
                registry.remove(&peer, LostReason::Misbehaved, CloseCode::Misbehaved);
            });
            MessageAcceptance::Reject
        }
    }
}

/// The envelope's id, which covers its signature: a forgery never passes for the genuine message.
fn message_id(net: &str, message: &Message) -> MessageId {
    let wire = Bytes::copy_from_slice(&message.data);
    let id = match Envelope::decode_wire(&wire) {
        Ok(Envelope::Signed(signed)) => signed.id(net).ok(),
        _ => None,
    };
    match id {
        Some(id) => MessageId::new(id.as_bytes()),
        None => MessageId::new(blake3::hash(&message.data).as_bytes()),
    }
}

/// Messages that wait to be verified; more are dropped.
pub(super) const MAX_HEARD: usize = 256;
/// Messages that wait for one peer: of the longest they are 24 MB, where libp2p's default lets one that stalls
/// hold 648 MB.
const QUEUE_LEN: usize = 96;
/// What gossipsub adds to a message: topic and framing.
const RPC_OVERHEAD_BYTES: usize = 1024;
