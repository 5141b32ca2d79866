//! The cables between the neighbourhoods: forwarders of TCP and UDP that the parent owns and can silence.
//!
//! A cut is silence, not an end: sockets stay open, streams are neither read nor accepted, datagrams are lost.
//! Whoever is at the other end has to find out.

mod gate;
mod tcp;
mod udp;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::Error;

pub(crate) use gate::Gate;

/// An end of a cable: where something answers over TCP and over UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ends {
    pub(crate) tcp: SocketAddr,
    pub(crate) udp: SocketAddr,
}

impl Ends {
    /// Both as multiaddrs: TCP, then QUIC.
    pub(crate) fn addresses(&self) -> [String; 2] {
        let ip = |at: SocketAddr| match at.ip() {
            IpAddr::V4(ip) => format!("/ip4/{ip}"),
            IpAddr::V6(ip) => format!("/ip6/{ip}"),
        };
        let (tcp, udp) = (self.tcp, self.udp);
        [format!("{}/tcp/{}", ip(tcp), tcp.port()), format!("{}/udp/{}/quic-v1", ip(udp), udp.port())]
    }

    /// Of multiaddrs among which there is one of each; the rest is left out.
    pub(crate) fn of(addresses: &[String]) -> Option<Self> {
        let find = |protocol: &str| {
            addresses.iter().find_map(|address| {
                let mut parts = address.split('/').skip(2);
                let (ip, over, port) = (parts.next()?, parts.next()?, parts.next()?);
                let found = SocketAddr::new(ip.parse().ok()?, port.parse().ok()?);
                (over == protocol).then_some(found)
            })
        };
        Some(Self { tcp: find("tcp")?, udp: find("udp")? })
    }
}

/// One cable that leads to one device.
#[derive(Debug)]
pub(crate) struct Forwarder {
    ends: Ends,
    target: watch::Sender<Option<Ends>>,
    counts: Arc<Counts>,
    tasks: [JoinHandle<()>; 2],
}

/// Bytes that have passed.
#[derive(Debug, Default)]
struct Counts {
    to_target: AtomicU64,
    from_target: AtomicU64,
}

impl Forwarder {
    /// Listens at that address of this machine. It leads nowhere yet.
    pub(crate) async fn new(gate: &Gate, at: IpAddr) -> Result<Self, Error> {
        let (target, counts) = (watch::Sender::new(None), Arc::new(Counts::default()));
        let (tcp, udp) = (tcp::listen(at).await?, udp::listen(at).await?);
        let address = |of: std::io::Result<SocketAddr>| of.map_err(Error::pipe("listen as a forwarder"));
        let ends = Ends { tcp: address(tcp.local_addr())?, udp: address(udp.local_addr())? };
        let tasks = [
            tokio::spawn(tcp::serve(gate.clone(), tcp, target.subscribe(), counts.clone())),
            tokio::spawn(udp::serve(gate.clone(), udp, target.subscribe(), counts.clone())),
        ];
        Ok(Self { ends, target, counts, tasks })
    }

    /// Where to dial.
    pub(crate) const fn ends(&self) -> Ends {
        self.ends
    }

    /// Leads there from now on.
    pub(crate) fn lead_to(&self, target: Ends) {
        self.target.send_replace(Some(target));
    }

    /// Bytes that have passed to the target and from it.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.counts.to_target.load(Ordering::SeqCst), self.counts.from_target.load(Ordering::SeqCst))
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_multiaddrs_and_read_from_them() {
        let ends = Ends { tcp: "127.0.0.1:7".parse().unwrap(), udp: "127.0.0.1:8".parse().unwrap() };
        let [tcp, udp] = ends.addresses();
        assert_eq!((tcp.as_str(), udp.as_str()), ("/ip4/127.0.0.1/tcp/7", "/ip4/127.0.0.1/udp/8/quic-v1"));
        let found = [udp + "/p2p/12D3", tcp + "/p2p/12D3"];
        assert_eq!(Ends::of(&found), Some(ends));
        assert_eq!(Ends::of(&found[..1]), None);
    }
}
