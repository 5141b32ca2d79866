use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::announcement::ANNOUNCEMENT_BYTES;
use super::interfaces::Network;

/// The socket of the announcements, which the nodes of one device share.
#[derive(Debug)]
pub(super) struct Broadcast {
    socket: UdpSocket,
    port: u16,
}

impl Broadcast {
    /// # Errors
    ///
    /// When the port cannot be shared or the system has no IPv4.
    pub(super) fn open(port: u16) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        share(&socket)?;
        socket.set_broadcast(true)?;
        socket.set_nonblocking(true)?;
        // A socket that is bound to one address of ours hears no broadcasts.
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, port })
    }

    /// Tells every network. What is lost is said again.
    pub(super) fn send(&self, datagram: &[u8], networks: &[Network]) {
        for to in networks.iter().filter_map(Network::broadcast) {
            if let Err(error) = self.socket.try_send_to(datagram, (IpAddr::V4(to), self.port).into()) {
                tracing::debug!(%to, %error, "announcement not sent");
            }
        }
    }

    /// The next datagram that is not too long.
    pub(super) async fn recv(&self) -> (Vec<u8>, SocketAddr) {
        loop {
            let mut buffer = [0; ANNOUNCEMENT_BYTES + 1];
            match self.socket.recv_from(&mut buffer).await {
                Ok((length, from)) if length == ANNOUNCEMENT_BYTES => {
                    return (buffer.iter().take(length).copied().collect(), from);
                }
                Ok(_) => {}
                Err(error) => {
                    // On some systems an error of an earlier send.
                    tracing::debug!(%error, "announcement not received");
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// Lets others bind the same port.
pub(super) fn share(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    // Linux shares by the first option alone, and by this one only among processes of one user.
    #[cfg(all(unix, not(target_os = "linux"), not(target_os = "android")))]
    socket.set_reuse_port(true)?;
    Ok(())
}
