//! A peer that speaks libp2p well and our message protocol as a test tells it to.

use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::swarm::handler::{ConnectionEvent, FullyNegotiatedOutbound};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour,
    StreamProtocol, SubstreamProtocol, SwarmEvent, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, Stream, Swarm, SwarmBuilder, identify, noise, tcp, yamux};
use tokio::sync::mpsc;

/// A stream of our protocol, and the swarm that keeps its connection.
pub(crate) struct Stranger {
    pub(crate) stream: Stream,
    streams: mpsc::Receiver<Stream>,
    /// Addresses that the other end says it has.
    told: mpsc::Receiver<Vec<Multiaddr>>,
    swarm: tokio::task::JoinHandle<()>,
}

impl Stranger {
    /// Dials and opens so many streams; `forge` makes it lie about its key.
    pub(crate) async fn dial(seed: u8, address: &str, streams: usize, forge: bool) -> Self {
        let (sender, mut receiver) = mpsc::channel(streams);
        let mut swarm = swarm(seed, sender, streams, forge);
        swarm.dial(address.parse::<Multiaddr>().unwrap()).unwrap();
        let (tell, told) = mpsc::channel(8);
        let swarm = tokio::spawn(async move {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::OutgoingConnectionError { error, .. } => panic!("{error}"),
                    SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                        info,
                        ..
                    })) => {
                        // The test may have enough.
                        let _ = tell.try_send(info.listen_addrs);
                    }
                    _ => {}
                }
            }
        });
        let stream = super::within(receiver.recv()).await.unwrap();
        Self { stream, streams: receiver, told, swarm }
    }

    /// Dials, says hello and reads the answer.
    pub(crate) async fn greet(seed: u8, address: &str) -> Self {
        let mut stranger = Self::dial(seed, address, 1, false).await;
        stranger.write(&hello()).await;
        let mut answer = [0; 39];
        super::within(stranger.stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(answer[..7], hello()[..7]);
        stranger
    }

    pub(crate) async fn addresses(&mut self) -> Vec<String> {
        let told = super::within(self.told.recv()).await.unwrap();
        told.iter().map(ToString::to_string).collect()
    }

    /// The other end may close while we still write.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = super::within(self.stream.write_all(bytes)).await;
        let _ = super::within(self.stream.flush()).await;
    }

    /// What the other end says until it is silent or gone.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(2), self.stream.read_to_end(&mut rest)).await;
        rest
    }

    pub(crate) async fn next_stream(&mut self) -> Option<Stream> {
        tokio::time::timeout(Duration::from_secs(5), self.streams.recv()).await.ok().flatten()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.swarm.abort();
    }
}

/// The first frame of a dialler.
pub(crate) fn hello() -> Vec<u8> {
    [&[0, 0, 0, 35, 0, 1, 0], [7; 32].as_slice()].concat()
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    opener: Opener,
}

fn swarm(seed: u8, sender: mpsc::Sender<Stream>, streams: usize, forge: bool) -> Swarm<Behaviour> {
    let key = |seed| libp2p::identity::Keypair::ed25519_from_bytes([seed; 32]).unwrap();
    let claimed = key(if forge { seed + 1 } else { seed }).public();
    let identify = identify::Behaviour::new(identify::Config::new("/civicbase/test/1".into(), claimed));
    SwarmBuilder::with_existing_identity(key(seed))
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| Behaviour { identify, opener: Opener { sender, streams } })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build()
}

struct Opener {
    sender: mpsc::Sender<Stream>,
    streams: usize,
}

impl NetworkBehaviour for Opener {
    type ConnectionHandler = Handler;
    type ToSwarm = ();

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        unreachable!("nobody dials a stranger")
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler { sender: self.sender.clone(), due: self.streams })
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, (): THandlerOutEvent<Self>) {}

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<(), THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

struct Handler {
    sender: mpsc::Sender<Stream>,
    due: usize,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = ();
    type ToBehaviour = ();
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(StreamProtocol::new("/civicbase/test/msg/1")), ())
    }

    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), ()>> {
        if self.due == 0 {
            return Poll::Pending;
        }
        self.due -= 1;
        let protocol = self.listen_protocol();
        Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
    }

    fn on_behaviour_event(&mut self, (): ()) {}

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        if let ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, .. }) = event {
            // More than the test wants are dropped.
            let _ = self.sender.try_send(protocol);
        }
    }
}
