//! B14: what a libp2p connection takes of memory, in a process that holds 2000 of them.
//!
//! One hub takes 2000 connections of 20 diallers, all in this process, so each connection is held twice; the
//! growth of the process is divided by the number of ends.

use civic_figures::{Outcome, Series, figure, progress};
use civic_p2p::internet::{InternetAdapter, InternetConfig, InternetLink};
use civic_transport::{PeerAddr, TransportAdapter};

use crate::identity;

const CONNECTIONS: usize = 2000;
const ENDS: usize = 2;
const AT_ONCE: usize = 50;

/// The transports; each belongs in a process of its own, or it takes what the one before has freed.
pub const QUIC: (&str, &str, &str) = ("QUIC", "/ip4/127.0.0.1/udp/0/quic-v1", "");
pub const TCP: (&str, &str, &str) = ("TCP", "/ip4/127.0.0.1/tcp/0", "-tcp");

pub async fn run((name, listen, suffix): (&str, &str, &str)) -> Outcome {
    let hub = open(InternetConfig::hub().with_listen([listen]).with_discovery(false)).await?;
    let address = hub.addresses().first().ok_or("no address")?.clone();
    // A device has one session with a peer, so every connection is another device's. What such a device takes
    // without a connection is measured first and does not count.
    let mut devices = Vec::with_capacity(CONNECTIONS);
    for number in 0..CONNECTIONS {
        let config = InternetConfig::loopback().with_listen(Vec::<String>::new()).with_discovery(false);
        devices.push(open(config).await?);
        if number % 500 == 499 {
            progress(&format!("memory {name}: {} devices", number + 1));
        }
    }
    let idle = resident_kb()?;
    for group in devices.chunks(AT_ONCE) {
        let dial = |device| dial(device, &address);
        futures_util::future::try_join_all(group.iter().map(dial)).await?;
    }
    let connected = hub.peers().len();
    if connected != CONNECTIONS {
        return Err(format!("{connected} of {CONNECTIONS} connected").into());
    }
    let mut each = Series::default();
    each.push((resident_kb()? - idle) / (CONNECTIONS * ENDS) as f64);
    let what =
        format!("memory of one end of a connection over {name}, {CONNECTIONS} connections in one process");
    figure(&format!("B14-memory{suffix}"), &what, "KB", &each);
    for device in devices {
        device.stop().await?;
    }
    hub.stop().await?;
    Ok(())
}

async fn open(mut config: InternetConfig) -> Outcome<InternetAdapter> {
    // It looks at the whole process, which here is two thousand devices.
    config.max_process_bytes = 16 << 30;
    let adapter = InternetLink::new(config).into_adapter(&identity())?;
    adapter.start().await?;
    Ok(adapter)
}

async fn dial(device: &InternetAdapter, address: &str) -> Outcome {
    device.connect(&PeerAddr::anyone(address)).await?;
    Ok(())
}

fn resident_kb() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
