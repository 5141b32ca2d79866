//! Who gets in: behaviours that turn connections away before anything is kept of them.

mod access;
mod diversity;

pub(super) use access::AccessRule;
pub(super) use diversity::{DiversityRule, is_private};

use std::convert::Infallible;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};

/// A rule on connections.
pub(super) trait Rule: 'static {
    /// Before the handshake of a connection from outside.
    fn pending(&mut self, _: ConnectionId, _: &Multiaddr) -> Result<(), ConnectionDenied> {
        Ok(())
    }

    /// After the handshake.
    fn established(
        &mut self,
        connection: ConnectionId,
        peer: &PeerId,
        remote: &Multiaddr,
        inbound: bool,
    ) -> Result<(), ConnectionDenied>;

    /// A connection, pending or established, is gone.
    fn gone(&mut self, _: ConnectionId) {}
}

/// A rule as a behaviour.
#[derive(Debug)]
pub(super) struct Guard<R>(pub(super) R);

impl<R: Rule> NetworkBehaviour for Guard<R> {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.0.pending(connection, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.0.established(connection, &peer, remote, true)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.0.established(connection, &peer, address, false)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.0.gone(closed.connection_id),
            FromSwarm::ListenFailure(failure) => self.0.gone(failure.connection_id),
            FromSwarm::DialFailure(failure) => self.0.gone(failure.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

/// Why a connection was turned away.
#[derive(Debug, thiserror::Error)]
pub(super) enum Denied {
    #[error("the key is of another kind than ours")]
    Key,
    #[error("the access rule does not admit the peer")]
    Access,
    #[error("too many strangers from one part of the internet")]
    Diversity,
}
