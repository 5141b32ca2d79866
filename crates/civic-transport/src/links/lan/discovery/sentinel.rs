use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use civic_types::time::Clock;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::broadcast::share;
use super::bucket::Bucket;
use super::interfaces::Network;

/// Counts the bytes of multicast DNS: its daemon remembers whatever comes, without a bound, and has to be
/// ended before it has no time to hear that.
#[derive(Debug)]
pub(super) struct Sentinel {
    socket: UdpSocket,
    joined: Vec<Ipv4Addr>,
    bytes: Bucket,
    buffer: Vec<u8>,
}

impl Sentinel {
    /// # Errors
    ///
    /// Where a socket cannot be bound to a group: then only the daemon's own count is there.
    pub(super) fn open() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        share(&socket)?;
        socket.set_nonblocking(true)?;
        // Bound to the group, since whatever is sent to this device alone is for the daemon.
        socket.bind(&SocketAddr::from((GROUP, PORT)).into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        Ok(Self {
            socket,
            joined: Vec::new(),
            bytes: Bucket::new(MAX_BYTES_PER_S),
            buffer: vec![0; MAX_DATAGRAM_BYTES],
        })
    }

    /// Hears those networks too.
    pub(super) fn join(&mut self, networks: &[Network]) {
        self.joined.retain(|ip| networks.iter().any(|network| network.ip() == *ip));
        for network in networks {
            let IpAddr::V4(ip) = network.ip() else { continue };
            // One that was joined before says so, and one that went away left by itself.
            if !self.joined.contains(&ip) && self.socket.join_multicast_v4(GROUP, ip).is_ok() {
                self.joined.push(ip);
            }
        }
    }

    /// Ends when more comes than honest devices send. Cancelled, it has counted what it heard.
    pub(super) async fn flood(&mut self, clock: &(impl Clock + ?Sized)) {
        loop {
            match self.socket.recv(&mut self.buffer).await {
                Ok(length) => {
                    let cost = u32::try_from(length + DATAGRAM_COST_BYTES).unwrap_or(u32::MAX);
                    if !self.bytes.take_many(clock.now(), cost) {
                        return;
                    }
                }
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }
}

/// Fifty times what a crowded network says. Remembered, a byte takes up to about 30.
const MAX_BYTES_PER_S: u32 = 256 * 1024;
/// What a datagram counts beside its bytes.
const DATAGRAM_COST_BYTES: usize = 64;
/// The longest datagram of multicast DNS (RFC 6762, section 17).
const MAX_DATAGRAM_BYTES: usize = 9000;
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5353;
