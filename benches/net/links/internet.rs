//! B14: signed envelopes of 256 B over the libp2p link.

use civic_figures::{Latency, Outcome, ROUNDS, figure, progress};
use civic_p2p::internet::{InternetAdapter, InternetConfig, InternetLink};
use civic_transport::{LinkIdentity, PeerAddr, TransportAdapter};

use crate::{identity, one_way, signed};

const PAYLOAD: usize = 256;
const LATENCIES: u16 = 500;
const TRANSPORTS: [(&str, &str); 2] =
    [("QUIC", "/ip4/127.0.0.1/udp/0/quic-v1"), ("TCP", "/ip4/127.0.0.1/tcp/0")];

pub async fn run() -> Outcome {
    for (name, listen) in TRANSPORTS {
        let (here, there) = (identity(), identity());
        let (a, b) = (adapter(&here, listen).await?, adapter(&there, listen).await?);
        let address = b.addresses().first().ok_or("no address")?.clone();
        let mut events = b.events();
        a.connect(&PeerAddr::new(there.peer_id(), address)).await?;
        let mut latency = Latency::default();
        for round in 0..=ROUNDS as u16 {
            progress(&format!("internet {name} {round}/{ROUNDS}"));
            let envelopes = signed(&here.key, round * LATENCIES, LATENCIES, PAYLOAD)?;
            let samples = one_way(&a, &there.peer_id(), &mut events, envelopes).await?;
            if round > 0 {
                latency.push(&samples);
            }
        }
        let suffix = if name == "QUIC" { "" } else { "-tcp" };
        let what = format!("signed envelope of 256 B over libp2p and {name}, from send to event, verified");
        figure(&format!("B14-p50{suffix}"), &format!("{what}: median"), "ms", &latency.p50);
        figure(&format!("B14-p99{suffix}"), &format!("{what}: 99th percentile"), "ms", &latency.p99);
    }
    Ok(())
}

pub async fn adapter(identity: &LinkIdentity, listen: &str) -> Outcome<InternetAdapter> {
    let config = InternetConfig::loopback().with_listen([listen]).with_discovery(false);
    let adapter = InternetLink::new(config.with_max_connections(4096)).into_adapter(identity)?;
    adapter.start().await?;
    Ok(adapter)
}
