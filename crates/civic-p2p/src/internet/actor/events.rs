use libp2p::gossipsub::MessageAcceptance;
use libp2p::kad::{GetProvidersOk, QueryResult};
use libp2p::swarm::{ConnectionId, ListenError, SwarmEvent};
use libp2p::{PeerId, gossipsub, identify, kad};

use super::Actor;
use crate::internet::behaviour::BehaviourEvent;
use crate::internet::gossip::Heard;
use crate::internet::message;

impl Actor {
    pub(super) fn handle(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaved(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.established(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { connection_id, .. } => self.closed(connection_id),
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.dial_failed(connection_id, error);
            }
            SwarmEvent::IncomingConnectionError { error, send_back_addr, .. } => {
                if matches!(error, ListenError::Denied { .. }) {
                    self.inner.counters.connections_refused.add();
                }
                tracing::debug!(address = %send_back_addr, %error, "inbound connection refused");
            }
            SwarmEvent::NewListenAddr { listener_id, address } => self.listening(listener_id, address),
            SwarmEvent::ExpiredListenAddr { address, .. } => self.unlisten(&address),
            SwarmEvent::ListenerClosed { listener_id, addresses, reason } => {
                if let Err(error) = reason {
                    tracing::warn!(%error, "a listener closed");
                }
                addresses.iter().for_each(|address| self.unlisten(address));
                self.reservations.closed(listener_id, self.inner.timer.now());
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "a listener failed"),
            SwarmEvent::ExternalAddrConfirmed { address } => {
                tracing::info!(%address, "reachable from outside");
            }
            _ => {}
        }
    }

    fn behaved(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Message(message::Event::Opened(opened)) => self.opened(*opened),
            BehaviourEvent::Message(message::Event::Refused { connection, unsupported }) => {
                self.refused(connection, unsupported);
            }
            BehaviourEvent::Identify(identify::Event::Received { connection_id, peer_id, info }) => {
                self.identified(connection_id, peer_id, info);
            }
            BehaviourEvent::Gossip(gossipsub::Event::Message { propagation_source, message_id, message }) => {
                let (source, id) = (propagation_source, message_id);
                if !self.verify(Heard { source, id: id.clone(), data: message.data }) {
                    self.inner.counters.gossip_dropped.add();
                    let gossip = &mut self.swarm.behaviour_mut().gossip;
                    gossip.report_message_validation_result(&id, &source, MessageAcceptance::Ignore);
                }
            }
            BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
                result: QueryResult::GetProviders(Ok(GetProvidersOk::FoundProviders { providers, .. })),
                ..
            }) => self.found(providers),
            BehaviourEvent::AutonatClient(event) => {
                tracing::debug!(address = %event.tested_addr, reachable = event.result.is_ok(), "probed");
                if event.result.is_err() {
                    self.reservations.needed();
                }
            }
            _ => {}
        }
    }

    fn identified(&mut self, connection: ConnectionId, peer: PeerId, info: identify::Info) {
        self.offer_relay(connection, peer, &info);
        self.learn(connection, peer, &info);
    }
}
