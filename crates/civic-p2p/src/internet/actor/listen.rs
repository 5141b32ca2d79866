use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use civic_transport::Error;
use civic_transport::redial::{Input, Redial};
use civic_types::time::Tick;
use futures_util::StreamExt;
use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, TransportError, identify, relay};

use super::Actor;
use crate::internet::identity::is_relayed;
use crate::internet::inner::{backend, lock, random};

/// Relays at which we are or want to be reachable.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    all: Vec<Reservation>,
    /// Whether relays are to be looked for among peers, for nobody reaches us directly.
    needed: bool,
    /// Peers that relay, latest first.
    offers: VecDeque<(PeerId, Multiaddr)>,
}

#[derive(Debug)]
struct Reservation {
    relay: Multiaddr,
    listener: Option<ListenerId>,
    redial: Redial,
    due: Tick,
}

impl Reservations {
    /// A listener is gone: if it was a reservation's, it is asked for again in time.
    pub(super) fn closed(&mut self, listener: ListenerId, now: Tick) {
        if let Some(reservation) = self.all.iter_mut().find(|one| one.listener == Some(listener)) {
            reservation.listener = None;
            reservation.due = reservation.redial.handle(now, Input::Lost(random())).unwrap_or(now);
        }
    }

    /// Nobody reaches us directly.
    pub(super) const fn needed(&mut self) {
        self.needed = true;
    }

    fn add(&mut self, relay: Multiaddr, unit: Duration, cap: Duration) {
        let (redial, due) = (Redial::new(unit, cap), Tick::default());
        self.all.push(Reservation { relay, listener: None, redial, due });
    }
}

impl Actor {
    /// Opens the configured addresses. One that fails is told and counted; only when all do, or one alone is
    /// configured, it is an error.
    pub(super) async fn listen(&mut self) -> Result<(), Error> {
        let config = self.inner.config.clone();
        for address in &config.external_addresses {
            match address.parse() {
                Ok(address) => self.swarm.add_external_address(address),
                Err(_) => self.bad_address(address),
            }
        }
        for relay in &config.relays {
            match relay.parse::<Multiaddr>() {
                Ok(relay) => self.reservations.add(relay, config.backoff_unit, config.backoff_cap),
                Err(_) => self.bad_address(relay),
            }
        }
        let (mut opened, mut failure) = (Vec::new(), None);
        for text in &config.listen {
            let Ok(address) = text.parse::<Multiaddr>() else {
                self.bad_address(text);
                failure = Some(Error::InvalidAddress { address: text.clone() });
                continue;
            };
            match probe(&address).map_err(TransportError::Other) {
                Ok(()) => match self.swarm.listen_on(address) {
                    Ok(listener) => opened.push(listener),
                    Err(error) => failure = Some(self.cannot_listen(text, error)),
                },
                Err(error) => failure = Some(self.cannot_listen(text, error)),
            }
        }
        match failure {
            // Without an interface there is nothing to listen at, and dialling goes on.
            Some(error @ (Error::AddressInUse { .. } | Error::InvalidAddress { .. }))
                if opened.is_empty() =>
            {
                Err(error)
            }
            _ => {
                self.settle(opened).await;
                Ok(())
            }
        }
    }

    fn bad_address(&self, address: &str) {
        self.inner.counters.bad_addresses.add();
        tracing::warn!(address, "the configuration has an address that is none");
    }

    fn cannot_listen(&self, address: &str, error: TransportError<io::Error>) -> Error {
        self.inner.counters.listen_failed.add();
        tracing::warn!(address, error = &error as &dyn std::error::Error, "cannot listen");
        if is_in_use(&error) { Error::AddressInUse { address: address.to_owned() } } else { backend(error) }
    }

    /// Waits until every listener has said where it listens, or long enough.
    async fn settle(&mut self, mut opened: Vec<ListenerId>) {
        let end = self.inner.timer.now().saturating_add(SETTLE);
        let timer = self.inner.timer.clone();
        while !opened.is_empty() {
            tokio::select! {
                event = self.swarm.select_next_some() => {
                    if let SwarmEvent::NewListenAddr { listener_id, .. } = &event {
                        opened.retain(|listener| listener != listener_id);
                    }
                    self.handle(event);
                }
                () = timer.sleep_until(end) => return,
            }
        }
    }

    pub(super) fn listening(&mut self, listener: ListenerId, address: Multiaddr) {
        let full = self.full(&address);
        tracing::info!(address = full, "listening");
        self.inner.network_returned();
        let mut local = lock(&self.inner.local);
        if !local.contains(&full) {
            local.push(full);
        }
        drop(local);
        if let Some(reservation) = self.reservations.all.iter_mut().find(|one| one.listener == Some(listener))
        {
            reservation.redial.handle(self.inner.timer.now(), Input::Connected);
        } else if self.inner.config.assume_reachable && !is_relayed(&address) {
            self.swarm.add_external_address(address);
        }
    }

    pub(super) fn unlisten(&mut self, address: &Multiaddr) {
        let full = self.full(address);
        lock(&self.inner.local).retain(|local| *local != full);
        if self.inner.config.assume_reachable {
            self.swarm.remove_external_address(address);
        }
    }

    /// Asks relays for reservations that are due.
    pub(super) fn reserve(&mut self, now: Tick) -> Tick {
        self.choose_relays();
        let mut next = now.saturating_add(REST);
        for reservation in &mut self.reservations.all {
            if reservation.listener.is_some() {
                continue;
            }
            if reservation.due <= now {
                match self.swarm.listen_on(reservation.relay.clone().with(Protocol::P2pCircuit)) {
                    Ok(listener) => {
                        reservation.listener = Some(listener);
                        continue;
                    }
                    Err(error) => {
                        let relay = &reservation.relay;
                        tracing::debug!(%relay, %error, "no relay");
                        let due = reservation.redial.handle(now, Input::Failed(random()));
                        reservation.due = due.unwrap_or(now).max(now.saturating_add(RELAY_PAUSE));
                    }
                }
            }
            next = next.min(reservation.due);
        }
        next
    }

    /// Notes that a peer relays.
    pub(super) fn offer_relay(&mut self, connection: ConnectionId, peer: PeerId, info: &identify::Info) {
        let relays = info.protocols.contains(&relay::HOP_PROTOCOL_NAME);
        let Some(known) = self.known.get(&connection).filter(|known| relays && known.dialled) else { return };
        let Ok(address) = known.remote.clone().with_p2p(peer) else { return };
        if is_relayed(&address) || self.reservations.offers.iter().any(|(offered, _)| *offered == peer) {
            return;
        }
        self.reservations.offers.push_front((peer, address));
        self.reservations.offers.truncate(MAX_OFFERS);
    }

    /// Takes two relays in different parts of the internet while nobody reaches us otherwise.
    fn choose_relays(&mut self) {
        let direct = self.swarm.external_addresses().any(|address| !is_relayed(address));
        if !self.reservations.needed || direct {
            return;
        }
        while self.reservations.all.len() < WANTED_RELAYS {
            let taken: Vec<_> = self.reservations.all.iter().map(|one| part(&one.relay)).collect();
            let offers = &mut self.reservations.offers;
            let Some(at) = offers.iter().position(|(_, relay)| !taken.contains(&part(relay))) else { return };
            if let Some((_, relay)) = offers.remove(at) {
                let config = &self.inner.config;
                self.reservations.add(relay, config.backoff_unit, config.backoff_cap);
            }
        }
    }
}

/// The /16 or /32 in which a relay is.
fn part(address: &Multiaddr) -> Option<u32> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.to_bits() >> 16),
        Protocol::Ip6(ip) => u32::try_from(ip.to_bits() >> 96).ok(),
        _ => None,
    })
}

/// Whether somebody listens at a fixed port already. libp2p shares TCP ports among the listeners of one
/// user without a word, so it has to be asked first.
fn probe(address: &Multiaddr) -> io::Result<()> {
    let (mut ip, mut outcome) = (None, Ok(()));
    for part in address {
        match part {
            Protocol::Ip4(found) => ip = Some(IpAddr::from(found)),
            Protocol::Ip6(found) => ip = Some(IpAddr::from(found)),
            Protocol::Tcp(port) if port != 0 => {
                outcome = ip.map_or(Ok(()), |ip| TcpListener::bind(SocketAddr::new(ip, port)).map(drop));
            }
            Protocol::Udp(port) if port != 0 => {
                outcome = ip.map_or(Ok(()), |ip| UdpSocket::bind(SocketAddr::new(ip, port)).map(drop));
            }
            _ => {}
        }
    }
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        // What else is wrong shows when it is opened.
        _ => Ok(()),
    }
}

fn is_in_use(error: &TransportError<io::Error>) -> bool {
    let mut cause = Some(error as &(dyn std::error::Error + 'static));
    while let Some(error) = cause {
        let found = error.downcast_ref::<io::Error>();
        if found.is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse) {
            return true;
        }
        cause = error.source();
    }
    matches!(error, TransportError::Other(error) if error.kind() == io::ErrorKind::AddrInUse)
}

/// Longest time for a start to wait until the listeners say where they listen.
const SETTLE: Duration = Duration::from_secs(1);
/// Time between two looks when nothing is due.
const REST: Duration = Duration::from_secs(60);
const RELAY_PAUSE: Duration = Duration::from_secs(1);
/// Relays at which to be reachable, in distinct parts of the internet.
const WANTED_RELAYS: usize = 2;
/// Relays remembered.
const MAX_OFFERS: usize = 16;
