use std::collections::VecDeque;
use std::task::{Context, Poll};

use libp2p::Stream;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::swarm::handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound};
use libp2p::swarm::{
    ConnectionHandler, ConnectionHandlerEvent, StreamProtocol, StreamUpgradeError, SubstreamProtocol,
};

use super::{Dialler, Path};

/// Opens or takes the message stream of one connection and hands it out; what runs over it is no business
/// of the connection's task.
#[derive(Debug)]
pub(in crate::internet) struct Handler {
    protocol: StreamProtocol,
    dialler: Dialler,
    path: Path,
    opening: Opening,
    keep: Keep,
    /// Streams that the other end may still open.
    allowance: usize,
    events: VecDeque<FromHandler>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Due,
    Begun,
    Done,
}

/// Whether a connection without streams is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::internet) enum Keep {
    No,
    Yes,
}

#[derive(Debug)]
pub(in crate::internet) enum FromHandler {
    Opened {
        stream: Stream,
        dialler: Dialler,
        path: Path,
    },
    /// The other end does not speak the protocol, or not now.
    Refused {
        unsupported: bool,
    },
}

impl Handler {
    pub(super) fn new(protocol: StreamProtocol, dialler: Dialler, path: Path) -> Self {
        let opening = if dialler == Dialler::Us { Opening::Due } else { Opening::Done };
        let (keep, events) = (Keep::No, VecDeque::new());
        Self { protocol, dialler, path, opening, keep, allowance: MAX_INBOUND, events }
    }

    fn opened(&mut self, stream: Stream) {
        self.events.push_back(FromHandler::Opened { stream, dialler: self.dialler, path: self.path });
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Keep;
    type ToBehaviour = FromHandler;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ())
    }

    fn connection_keep_alive(&self) -> bool {
        self.keep == Keep::Yes || self.opening == Opening::Begun || !self.events.is_empty()
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Self::ToBehaviour>> {
        if let Some(event) = self.events.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        if self.opening == Opening::Due {
            self.opening = Opening::Begun;
            let protocol = SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ());
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, keep: Keep) {
        self.keep = keep;
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        match event {
            // The dialler opens; and a flood of streams opens nothing.
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, .. })
                if self.dialler == Dialler::They && self.allowance > 0 =>
            {
                self.allowance -= 1;
                self.opened(protocol);
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, .. }) => {
                self.opening = Opening::Done;
                self.opened(protocol);
            }
            ConnectionEvent::DialUpgradeError(refusal) => {
                self.opening = Opening::Done;
                let unsupported = matches!(refusal.error, StreamUpgradeError::NegotiationFailed);
                self.events.push_back(FromHandler::Refused { unsupported });
            }
            _ => {}
        }
    }
}

/// Streams that one connection may open in its life: an honest one opens one.
const MAX_INBOUND: usize = 4;
