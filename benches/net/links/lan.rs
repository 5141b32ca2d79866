//! B5 and B6: signed envelopes over the LAN link, beside the same bytes over bare TLS.

use civic_figures::{Latency, Outcome, ROUNDS, Series, above, beside, figure, progress};
use civic_transport::links::lan::{LanAdapter, LanConfig, LanLink};
use civic_transport::{Envelope, LinkIdentity, PeerAddr, TransportAdapter};

use crate::tls::Tls;
use crate::{identity, one_way, rate, signed};

const PAYLOAD: usize = 256;
const LATENCIES: u16 = 500;
const MESSAGES: u16 = 10_000;
const LARGE: usize = 64 * 1024;
const LARGE_MESSAGES: u16 = 500;

pub async fn run() -> Outcome {
    let (here, there) = (identity(), identity());
    let (a, b) = (adapter(&here).await?, adapter(&there).await?);
    let address = b.local_addr().ok_or("no address")?.to_string();
    let mut events = b.events();
    a.connect(&PeerAddr::new(there.peer_id(), address)).await?;
    let mut bare = Tls::connect(&here, &there).await?;
    let (mut ours, mut theirs) = (Latency::default(), Latency::default());
    let [mut many, mut raw_many, mut large, mut raw_large] = [(); 4].map(|()| Series::default());
    for round in 0..=ROUNDS as u16 {
        progress(&format!("lan {round}/{ROUNDS}"));
        let latencies = one_way(
            &a,
            &there.peer_id(),
            &mut events,
            signed(&here.key, 60_000 + round * LATENCIES, LATENCIES, PAYLOAD)?,
        )
        .await?;
        let wire = signed(&here.key, 0, 1, PAYLOAD)?.remove(0).encode_wire();
        let raw = bare.one_way(&wire, LATENCIES).await?;
        let sent = rate(
            &a,
            &there.peer_id(),
            &mut events,
            signed(&here.key, round % 6 * MESSAGES, MESSAGES, PAYLOAD)?,
        )
        .await?;
        let raw_sent = bare.rate(&wire, MESSAGES).await?;
        let local = |_| Envelope::local(9, vec![7; LARGE]);
        let megabytes = |rate: f64| rate * LARGE as f64 / 1e6;
        let envelopes = (0..LARGE_MESSAGES).map(local).collect();
        let big = megabytes(rate(&a, &there.peer_id(), &mut events, envelopes).await?);
        let raw_big = megabytes(bare.rate(&vec![7; LARGE], LARGE_MESSAGES).await?);
        if round > 0 {
            ours.push(&latencies);
            theirs.push(&raw);
            for (series, value) in
                [(&mut many, sent), (&mut raw_many, raw_sent), (&mut large, big), (&mut raw_large, raw_big)]
            {
                series.push(value);
            }
        }
    }
    let peer = "rustls 0.23, one write and one read a message";
    let what = "signed envelope of 256 B over the LAN link, from send to event, verified";
    beside("B5", &format!("{what}: median"), "ms", &ours.p50, peer, &theirs.p50);
    beside("B5-p99", &format!("{what}: 99th percentile"), "ms", &ours.p99, peer, &theirs.p99);
    above("B5-rate", "the same as fast as they go", "messages/s", &many, peer, &raw_many);
    above("B6", "local envelopes of 64 KiB as fast as they go", "MB/s", &large, peer, &raw_large);
    figure("B5-verify", "signature checks of one core alone, for comparison", "messages/s", &verify(&here)?);
    Ok(())
}

async fn adapter(identity: &LinkIdentity) -> Outcome<LanAdapter> {
    let adapter = LanLink::new(LanConfig::loopback()).into_adapter(identity)?;
    adapter.start().await?;
    Ok(adapter)
}

/// How many envelopes a core can verify when it does nothing else.
fn verify(identity: &LinkIdentity) -> Outcome<Series> {
    let mut series = Series::default();
    let verifier = civic_crypto::Verifier::new();
    let envelopes = signed(&identity.key, 0, 1000, PAYLOAD)?;
    for _ in 0..ROUNDS {
        let begun = std::time::Instant::now();
        for envelope in &envelopes {
            if let Envelope::Signed(envelope) = envelope {
                envelope.verify(&verifier, crate::NET)?;
            }
        }
        series.push(envelopes.len() as f64 / begun.elapsed().as_secs_f64());
    }
    Ok(series)
}
