//! The behaviours of a node, in the order in which they judge a connection.

use std::time::Duration;

use civic_transport::Error;
use libp2p::autonat::v2 as autonat;
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::kad::store::{MemoryStore, MemoryStoreConfig};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{NetworkBehaviour, StreamProtocol};
use libp2p::{dcutr, gossipsub, identify, kad, memory_connection_limits, ping, relay};

use super::gossip;
use super::guard::{AccessRule, DiversityRule, Guard};
use super::hidden::Hidden;
use super::identity::protocol_part;
use super::inner::{Inner, backend};
use super::message;

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    access: Guard<AccessRule>,
    diversity: Guard<DiversityRule>,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(super) kad: Toggle<Hidden<kad::Behaviour<MemoryStore>>>,
    pub(super) gossip: gossipsub::Behaviour,
    pub(super) message: message::Behaviour,
    autonat_client: autonat::client::Behaviour,
    autonat_server: autonat::server::Behaviour,
    relay_client: relay::client::Behaviour,
    dcutr: dcutr::Behaviour,
    pub(super) relay_server: Toggle<relay::Behaviour>,
    #[cfg(feature = "upnp")]
    upnp: Toggle<libp2p::upnp::tokio::Behaviour>,
}

impl Behaviour {
    pub(super) fn new(inner: &Inner, relay_client: relay::client::Behaviour) -> Result<Self, Error> {
        let (config, key) = (&inner.config, &inner.keypair);
        let me = key.public().to_peer_id();
        let limits = ConnectionLimits::default()
            .with_max_pending_incoming(Some(config.max_pending))
            .with_max_pending_outgoing(Some(config.max_connections))
            // A fifth stays for those whom we dial ourselves.
            .with_max_established_incoming(Some(config.max_connections - config.max_connections / OUTBOUND_PART))
            .with_max_established(Some(config.max_connections))
            .with_max_established_per_peer(Some(MAX_PER_PEER));
        let identify = identify::Config::new(protocol(inner, "")?.to_string(), key.public())
            .with_agent_version(AGENT.to_owned())
            .with_cache_size(0)
            .with_push_listen_addr_updates(true)
            .with_hide_listen_addrs(config.hide_listen_addresses);
        Ok(Self {
            limits: connection_limits::Behaviour::new(limits),
            memory: memory_connection_limits::Behaviour::with_max_bytes(config.max_process_bytes),
            access: Guard(AccessRule(inner.access.clone())),
            diversity: Guard(DiversityRule::new(config.diversity, inner.familiar.clone())),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping::Config::new().with_interval(PING_INTERVAL)),
            kad: config.discovery.then(|| table(inner, me)).transpose()?.into(),
            gossip: gossip::behaviour(&inner.net)?,
            message: message::Behaviour::new(protocol(inner, "/msg")?),
            autonat_client: autonat::client::Behaviour::default(),
            autonat_server: autonat::server::Behaviour::default(),
            relay_client,
            dcutr: dcutr::Behaviour::new(me),
            relay_server: config.relay_server.then(|| relay_server(me)).into(),
            #[cfg(feature = "upnp")]
            upnp: config.upnp.then(libp2p::upnp::tokio::Behaviour::default).into(),
        })
    }
}

/// The table, under a name of the network's own, so that no two networks mix.
fn table(inner: &Inner, me: libp2p::PeerId) -> Result<Hidden<kad::Behaviour<MemoryStore>>, Error> {
    let store = MemoryStoreConfig { max_records: 0, max_value_bytes: 0, ..MemoryStoreConfig::default() };
    let mut config = kad::Config::new(protocol(inner, "/kad")?);
    config
        .disjoint_query_paths(true)
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_provider_record_ttl(Some(PROVIDER_TTL))
        .set_provider_publication_interval(Some(PROVIDER_TTL / 4))
        .set_periodic_bootstrap_interval(None)
        .set_query_timeout(QUERY_TIMEOUT);
    let mut table = kad::Behaviour::with_config(me, MemoryStore::with_config(me, store), config);
    if inner.config.assume_reachable {
        table.set_mode(Some(kad::Mode::Server));
    }
    Ok(Hidden::new(table, inner.config.hide_listen_addresses))
}

fn relay_server(me: libp2p::PeerId) -> relay::Behaviour {
    let config = relay::Config {
        max_circuit_bytes: MAX_CIRCUIT_BYTES,
        max_circuit_duration: MAX_CIRCUIT_DURATION,
        max_circuits: MAX_CIRCUITS,
        ..relay::Config::default()
    };
    let mut relay = relay::Behaviour::new(me, config);
    relay.set_status(Some(relay::Status::Enable));
    relay
}

/// A protocol's name: `/civicbase/<net><what>/1`.
fn protocol(inner: &Inner, what: &str) -> Result<StreamProtocol, Error> {
    let name = format!("/civicbase/{}{what}/1", protocol_part(&inner.net));
    StreamProtocol::try_from_owned(name).map_err(backend)
}

const AGENT: &str = concat!("civicbase/", env!("CARGO_PKG_VERSION"));
/// One in so many connections is kept free for dials of our own.
const OUTBOUND_PART: u32 = 5;
/// Connections to one peer: one from either end, one relayed, and those on their way out.
const MAX_PER_PEER: u32 = 8;
/// libp2p's own ping only measures; the heartbeat is in the message protocol.
const PING_INTERVAL: Duration = Duration::from_secs(60);
const PROVIDER_TTL: Duration = Duration::from_secs(24 * 3600);
const QUERY_TIMEOUT: Duration = Duration::from_secs(60);
/// A circuit carries whole synchronisations, where libp2p's default ends after 128 KiB.
const MAX_CIRCUIT_BYTES: u64 = 256 * 1024 * 1024;
const MAX_CIRCUIT_DURATION: Duration = Duration::from_secs(4 * 3600);
const MAX_CIRCUITS: usize = 256;
