use std::net::IpAddr;
use std::time::Duration;

use civicbase::{InternetConfig, LanConfig, LanDiscovery, PeerAddr};

use crate::error::Error;
use crate::protocol::{Address, Opening};

/// Found by mDNS, helped by directed broadcast, and never dialled by hand.
pub(super) fn lan(opening: &Opening) -> LanConfig {
    LanConfig::default()
        .with_listen((opening.lan, 0).into())
        .with_site(&opening.site)
        .with_discovery(LanDiscovery::default().with_announce(ANNOUNCE))
        .with_keepalive(KEEPALIVE, LOST_AFTER)
        .with_handshake_timeout(HANDSHAKE)
        .with_backoff(BACKOFF, BACKOFF_CAP)
}

/// Nobody learns where it listens, or asks around: the forwarders are the only way.
pub(super) fn internet(opening: &Opening) -> Result<InternetConfig, Error> {
    let ip = match opening.internet {
        IpAddr::V4(ip) => format!("/ip4/{ip}"),
        IpAddr::V6(ip) => format!("/ip6/{ip}"),
    };
    let mut internet = InternetConfig::loopback()
        .with_listen([format!("{ip}/tcp/0"), format!("{ip}/udp/0/quic-v1")])
        .with_hidden_listen_addresses(true)
        .with_discovery(false)
        .with_keepalive(KEEPALIVE, LOST_AFTER)
        .with_handshake_timeout(HANDSHAKE)
        .with_backoff(BACKOFF, BACKOFF_CAP);
    for external in &opening.external {
        internet = internet.with_external_address(external);
    }
    for to in &opening.dial {
        internet = internet.with_bootstrap(address(to)?);
    }
    Ok(internet)
}

pub(super) fn address(to: &Address) -> Result<PeerAddr, Error> {
    let peer = to.peer.parse().map_err(|_| Error::Table { table: "peer", what: "no peer id" })?;
    Ok(PeerAddr { peer: Some(peer), address: to.address.clone() })
}

/// Shorter than the defaults for a phone on battery, so that a run takes seconds.
const KEEPALIVE: Duration = Duration::from_millis(700);
const LOST_AFTER: Duration = Duration::from_millis(2100);
const HANDSHAKE: Duration = Duration::from_secs(3);
const BACKOFF: Duration = Duration::from_millis(200);
const BACKOFF_CAP: Duration = Duration::from_secs(2);
const ANNOUNCE: Duration = Duration::from_millis(500);
