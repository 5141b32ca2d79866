//! Links: latency and throughput of the LAN link beside bare TLS (B5, B6), of the libp2p link (B14), and memory
//! of a libp2p connection.
//!
//! `cargo bench --bench links -- lan internet memory` runs only those parts, and `-- memory-tcp` one more. Everything is on the loopback
//! interface, both ends in one process.

mod internet;
mod lan;
mod memory;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use civic_crypto::DeviceKey;
use civic_crypto::rng::SystemRng;
use civic_figures::{Outcome, figure};
use civic_transport::envelope::{DEFAULT_MAX_HOPS, EnvelopeFields, SignedEnvelope, Ttl};
use civic_transport::{Envelope, Event, EventStream, LinkIdentity, Priority, TransportAdapter};
use civic_types::PeerId;
use civic_types::time::{Clock, TokioTimer};
use futures_util::StreamExt;

pub const NET: &str = "bench";

#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let runs = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    if runs("lan") {
        lan::run().await?;
    }
    if runs("internet") {
        internet::run().await?;
    }
    if runs("memory") {
        memory::run(memory::QUIC).await?;
    }
    if wanted.iter().any(|name| name == "memory-tcp") {
        memory::run(memory::TCP).await?;
    }
    figure("load", "processes that wanted to run at the end", "processes", &civic_figures::busy()?);
    Ok(())
}

/// A new device.
pub fn identity() -> LinkIdentity {
    LinkIdentity::new(Arc::new(DeviceKey::generate(&mut SystemRng::new())), NET, Arc::new(TokioTimer))
}

/// Signed envelopes of that payload, numbered from there: one of the same second and number would be a copy.
pub fn signed(key: &DeviceKey, from: u16, count: u16, payload: usize) -> Outcome<Vec<Envelope>> {
    let created_s = u32::try_from(TokioTimer.wall().as_secs())?;
    (from..from + count)
        .map(|n| {
            let fields = EnvelopeFields {
                message_type: 9,
                priority: Priority::Normal,
                recipient: None,
                created_s,
                ttl: Ttl::MAX,
                max_hops: DEFAULT_MAX_HOPS,
                n,
                payload: vec![7; payload].into(),
            };
            Ok(SignedEnvelope::sign(key, NET, fields)?.into())
        })
        .collect()
}

/// Milliseconds from `send` at one end to the event at the other, one envelope after the other.
pub async fn one_way(
    from: &dyn TransportAdapter,
    to: &PeerId,
    events: &mut EventStream,
    envelopes: Vec<Envelope>,
) -> Outcome<Vec<f64>> {
    let mut samples = Vec::with_capacity(envelopes.len());
    for envelope in envelopes {
        let begun = Instant::now();
        from.send(to, envelope).await?;
        arrived(events).await?;
        samples.push(begun.elapsed().as_secs_f64() * 1000.0);
        // So that neither end is still busy with the one before.
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    Ok(samples)
}

/// Envelopes a second, sent as fast as the link takes them.
pub async fn rate(
    from: &dyn TransportAdapter,
    to: &PeerId,
    events: &mut EventStream,
    envelopes: Vec<Envelope>,
) -> Outcome<f64> {
    let (begun, count) = (Instant::now(), envelopes.len());
    let send = async {
        for envelope in envelopes {
            from.send(to, envelope).await?;
        }
        Outcome::Ok(())
    };
    let receive = async {
        for _ in 0..count {
            arrived(events).await?;
        }
        Outcome::Ok(())
    };
    tokio::try_join!(send, receive)?;
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// Waits for the next envelope.
pub async fn arrived(events: &mut EventStream) -> Outcome {
    loop {
        match events.next().await {
            Some(Event::Received { .. }) => return Ok(()),
            Some(Event::Lagged { missed }) => return Err(format!("{missed} events were missed").into()),
            Some(_) => {}
            None => return Err("the events have ended".into()),
        }
    }
}
