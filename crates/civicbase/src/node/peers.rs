use civic_crypto::community::TicketAddress;
use civic_sync::{PeerSync, SyncEventStream};
use civic_transport::multi::LinkStatus;
use civic_transport::{PeerAddr, PeerInfo, TransportKind};
use civic_types::PeerId;
use futures_util::{StreamExt, stream};

use super::running::{Network, Node};
use crate::error::Error;

/// How far this device reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// To peers over the internet.
    Connected,
    /// To nobody: it works alone until somebody comes near.
    Isolated,
    /// To peers near by.
    Local,
}

/// Peers.
impl Node {
    /// Dials a peer, and keeps it: a connection that is lost is dialled again with back-off.
    ///
    /// # Errors
    ///
    /// [`Error::NoLink`]; [`Error::Link`] when nobody answers now, which forgets the address, or when another
    /// device answers than the address names.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, the peer is connected and kept, or not.
    pub async fn connect(&self, address: &PeerAddr) -> Result<PeerId, Error> {
        Ok(self.network()?.link.connect(address).await?)
    }

    /// The peers connected now, ascending by id.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.inner().network.as_ref().map(|network| network.link.peers()).unwrap_or_default()
    }

    /// Closes the connections to a peer and forgets its addresses; nothing for one that is not connected. It may
    /// be found again, or dial by itself.
    ///
    /// # Errors
    ///
    /// [`Error::NoLink`], [`Error::Link`].
    ///
    /// # Cancel safety
    ///
    /// The peer is disconnected or not.
    pub async fn disconnect(&self, peer: &PeerId) -> Result<(), Error> {
        Ok(self.network()?.link.disconnect(peer).await?)
    }

    /// How each link does, where there are several; empty for a node of one link or none.
    #[must_use]
    pub fn links(&self) -> Vec<LinkStatus> {
        let multi = self.inner().network.as_ref().and_then(|network| network.multi.as_ref());
        multi.map(|multi| multi.links()).unwrap_or_default()
    }

    /// How replication stands with each peer met so far, ascending by id.
    #[must_use]
    pub fn replication(&self) -> Vec<PeerSync> {
        self.inner().network.as_ref().map(|network| network.sync.peers()).unwrap_or_default()
    }

    /// What replication does from now on; dropping the stream ends it. Without a link there is nothing to
    /// tell and the stream has ended.
    #[must_use]
    pub fn events(&self) -> SyncEventStream {
        match &self.inner().network {
            Some(network) => network.sync.events(),
            None => stream::empty().boxed(),
        }
    }

    /// How far this device reaches now.
    #[must_use]
    pub fn status(&self) -> Status {
        let peers = self.peers();
        let internet = |peer: &PeerInfo| peer.transports.contains(&TransportKind::Internet);
        match peers.as_slice() {
            [] => Status::Isolated,
            some if some.iter().any(internet) => Status::Connected,
            _ => Status::Local,
        }
    }

    /// Compares with a peer soon, if it is connected, as every connection, every change and a timer do by
    /// themselves. Nothing waits for its end; [`settled`](Self::settled) does.
    ///
    /// # Errors
    ///
    /// [`Error::NoLink`], [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// It was asked for or not.
    pub async fn sync_with(&self, peer: &PeerId) -> Result<(), Error> {
        Ok(self.network()?.sync.sync_with(peer).await?)
    }

    /// Waits until this device and the peer hold the same versions of all they share: equal roots. What was
    /// written here before the call is there after it.
    ///
    /// It waits for ever for a peer that never comes or shares no community; put a timeout around it.
    ///
    /// # Errors
    ///
    /// [`Error::NoLink`], [`Error::Closed`], [`Error::Sync`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it only waits.
    pub async fn settled(&self, peer: &PeerId) -> Result<(), Error> {
        Ok(self.network()?.sync.settled(peer).await?)
    }

    /// Where the LAN link listens, with the port that the system picked; `None` without one.
    #[cfg(feature = "lan")]
    #[must_use]
    pub fn listen_addr(&self) -> Option<std::net::SocketAddr> {
        self.inner().listening.as_ref().and_then(civic_transport::links::lan::LanAddress::get)
    }

    /// Moves the LAN link to another neighbourhood: it leaves the peers of the old one and finds those of the
    /// new one, as [`LanSite::set`](civic_transport::links::lan::LanSite::set) says.
    ///
    /// # Errors
    ///
    /// [`Error::NoLink`] without a LAN link that was configured as an option.
    #[cfg(feature = "lan")]
    pub fn set_lan_site(&self, site: impl Into<String>) -> Result<(), Error> {
        self.inner().site.as_ref().ok_or(Error::NoLink)?.set(site);
        Ok(())
    }

    /// Where the internet link listens, as multiaddrs that end in `/p2p/…`; empty without one that was
    /// configured as an option.
    #[cfg(feature = "libp2p")]
    #[must_use]
    pub fn internet_addrs(&self) -> Vec<String> {
        let internet = self.inner().internet.as_ref();
        internet.map(civic_p2p::internet::InternetAddress::all).unwrap_or_default()
    }

    /// Where others may reach this device now, as tickets say it.
    ///
    /// That is the address given as
    #[cfg_attr(
        all(feature = "lan", feature = "sqlite"),
        doc = "[`advertise`](super::NodeOptions::advertise),"
    )]
    #[cfg_attr(not(all(feature = "lan", feature = "sqlite")), doc = "`advertise`,")]
    /// else the one at which a LAN link listens, with the device's own address where it listens on all, else,
    /// in memory, its id.
    #[must_use]
    pub fn ticket_address(&self) -> Option<TicketAddress> {
        let network = self.inner().network.as_ref()?;
        let address = match (&self.inner().advertised, network.link.kind()) {
            (Some(advertised), _) => advertised.clone(),
            (None, TransportKind::Memory) => self.peer_id().to_string(),
            (None, _) => self.reachable()?,
        };
        Some(TicketAddress { peer: Some(self.peer_id()), address })
    }

    #[cfg(feature = "lan")]
    fn reachable(&self) -> Option<String> {
        let mut address = self.listen_addr()?;
        if address.ip().is_unspecified() {
            address.set_ip(own_address(address.is_ipv6())?);
        }
        Some(address.to_string())
    }

    #[cfg(not(feature = "lan"))]
    #[expect(clippy::unused_self, reason = "as with a LAN link")]
    const fn reachable(&self) -> Option<String> {
        None
    }

    fn network(&self) -> Result<&Network, Error> {
        self.inner().network.as_ref().ok_or(Error::NoLink)
    }
}

/// The address from which this device would send to another network. A datagram socket is asked and nothing
/// is sent; the destinations are the ones reserved for documentation.
#[cfg(feature = "lan")]
fn own_address(v6: bool) -> Option<std::net::IpAddr> {
    let (any, elsewhere) = if v6 { ("[::]:0", "[2001:db8::1]:9") } else { ("0.0.0.0:0", "192.0.2.1:9") };
    let socket = std::net::UdpSocket::bind(any).ok()?;
    socket.connect(elsewhere).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}
