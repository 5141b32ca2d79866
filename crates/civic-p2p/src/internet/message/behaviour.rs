use std::collections::VecDeque;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, StreamProtocol, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use super::handler::{FromHandler, Handler, Keep};
use super::{Dialler, Opened, Path};
use crate::internet::identity::is_relayed;

/// Hands out the message stream of every connection.
#[derive(Debug)]
pub(in crate::internet) struct Behaviour {
    protocol: StreamProtocol,
    pending: VecDeque<ToSwarm<Event, Keep>>,
}

/// What came of opening a message stream.
#[derive(Debug)]
pub(in crate::internet) enum Event {
    Opened(Box<Opened>),
    /// The other end does not speak the protocol, or not now.
    Refused {
        connection: ConnectionId,
        unsupported: bool,
    },
}

impl Behaviour {
    pub(in crate::internet) const fn new(protocol: StreamProtocol) -> Self {
        Self { protocol, pending: VecDeque::new() }
    }

    /// Keeps a connection that carries no streams, such as one to a bootstrap node of another kind.
    pub(in crate::internet) fn keep(&mut self, peer_id: PeerId, connection: ConnectionId) {
        let handler = NotifyHandler::One(connection);
        self.pending.push_back(ToSwarm::NotifyHandler { peer_id, handler, event: Keep::Yes });
    }

    fn handler(&self, dialler: Dialler, addresses: [&Multiaddr; 2]) -> Handler {
        let relayed = addresses.into_iter().any(is_relayed);
        Handler::new(self.protocol.clone(), dialler, if relayed { Path::Relayed } else { Path::Direct })
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(Dialler::They, [local, remote]))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        // When a hole is punched, both ends dial, and one of them takes the listener's part.
        let dialler = if role == Endpoint::Dialer { Dialler::Us } else { Dialler::They };
        Ok(self.handler(dialler, [address, address]))
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.pending.push_back(ToSwarm::GenerateEvent(match event {
            FromHandler::Opened { stream, dialler, path } => {
                Event::Opened(Box::new(Opened { peer, connection, stream, dialler, path }))
            }
            FromHandler::Refused { unsupported } => Event::Refused { connection, unsupported },
        }));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.pending.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}
