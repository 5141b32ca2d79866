//! Transports and swarm, put together.

use std::time::Duration;

use civic_transport::Error;
use libp2p::{Swarm, SwarmBuilder, noise, quic, tcp, tls, yamux};

use super::behaviour::Behaviour;
use super::inner::{Inner, backend};

/// A swarm over QUIC, TCP and relays that does nothing yet. TLS comes before noise where both ends have it.
pub(super) fn build(inner: &Inner) -> Result<Swarm<Behaviour>, Error> {
    macro_rules! finish {
        ($builder:expr) => {
            $builder
                .with_relay_client((tls::Config::new, noise::Config::new), yamux::Config::default)
                .map_err(backend)?
                .with_behaviour(|_, relay| {
                    Behaviour::new(inner, relay).map_err(Box::<dyn std::error::Error + Send + Sync>::from)
                })
                .map_err(backend)?
                .with_swarm_config(|config| config.with_idle_connection_timeout(inner.config.idle_timeout))
                .with_connection_timeout(inner.config.handshake_timeout)
                .build()
        };
    }
    let base = || {
        let tcp = SwarmBuilder::with_existing_identity(inner.keypair.clone()).with_tokio().with_tcp(
            tcp::Config::default().nodelay(true),
            (tls::Config::new, noise::Config::new),
            yamux::Config::default,
        );
        tcp.map(|builder| builder.with_quic_config(|config| quic_config(inner, config))).map_err(backend)
    };
    #[cfg(feature = "dns")]
    match base()?.with_dns() {
        Ok(builder) => return Ok(finish!(builder)),
        // A device that never saw a network has no resolver; numbers work without.
        Err(error) => tracing::warn!(%error, "no names, only numbers"),
    }
    Ok(finish!(base()?))
}

/// Bounds what a peer that does not read makes us keep, and leaves it to the heartbeat to notice silence.
fn quic_config(inner: &Inner, mut config: quic::Config) -> quic::Config {
    let idle = inner.config.lost_after.saturating_mul(2).max(MIN_IDLE);
    config.max_idle_timeout = u32::try_from(idle.as_millis()).unwrap_or(u32::MAX);
    config.handshake_timeout = inner.config.handshake_timeout;
    config.max_stream_data = QUIC_STREAM_BYTES;
    config.max_connection_data = QUIC_CONNECTION_BYTES;
    config
}

/// Time without a datagram after which QUIC ends a connection, at least.
const MIN_IDLE: Duration = Duration::from_secs(10);
/// Bytes in flight on one stream: 16 MB/s at 125 ms.
const QUIC_STREAM_BYTES: u32 = 2 * 1024 * 1024;
const QUIC_CONNECTION_BYTES: u32 = 4 * 1024 * 1024;
