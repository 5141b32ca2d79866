use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Counts, Ends, Gate};
use crate::error::Error;

/// Who sends, as a router with address translation has it: everybody gets a socket towards the target.
#[derive(Debug)]
struct Client {
    upstream: Arc<UdpSocket>,
    /// Set by every datagram to the target, so that a client that only sends is not forgotten.
    used: Arc<AtomicBool>,
    /// Carries what comes back; it ends when the client is forgotten.
    back: JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.back.abort();
    }
}

pub(super) async fn listen(at: IpAddr) -> Result<UdpSocket, Error> {
    UdpSocket::bind((at, 0)).await.map_err(Error::pipe("listen as a forwarder"))
}

/// Leads the datagrams of everybody to the target. While it is silent they are read and lost: what stayed in
/// the socket would come out of it at the heal.
pub(super) async fn serve(
    gate: Gate,
    socket: UdpSocket,
    mut target: watch::Receiver<Option<Ends>>,
    counts: Arc<Counts>,
) {
    let (socket, mut clients) = (Arc::new(socket), HashMap::new());
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let received = tokio::select! {
            biased;
            // The forwarder is gone.
            changed = target.changed() => match changed {
                Ok(()) => {
                    clients.clear();
                    continue;
                }
                Err(_) => return,
            },
            received = socket.recv_from(&mut buffer) => received,
        };
        // What an earlier datagram ran into is no matter of the next one.
        let Ok((read, from)) = received else { continue };
        let Some(to) = target.borrow().filter(|_| gate.is_open()).map(|ends| ends.udp) else { continue };
        let Some(client) = client(&mut clients, from, to, (&gate, &socket, &counts)).await else { continue };
        client.used.store(true, Ordering::SeqCst);
        let datagram = buffer.get(..read).unwrap_or_default();
        // A datagram that the socket does not take now is lost, as on any network.
        let _ = gate.pass(&counts.to_target, || client.upstream.try_send(datagram));
    }
}

/// The client at that address, made if need be; none when there are too many.
async fn client<'a>(
    clients: &'a mut HashMap<SocketAddr, Client>,
    from: SocketAddr,
    to: SocketAddr,
    (gate, socket, counts): (&Gate, &Arc<UdpSocket>, &Arc<Counts>),
) -> Option<&'a Client> {
    if clients.get(&from).is_none_or(|client| client.back.is_finished()) {
        clients.retain(|_, client| !client.back.is_finished());
        if clients.len() >= MAX_CLIENTS {
            return None;
        }
        let upstream = Arc::new(connected(to).await.ok()?);
        let used = Arc::new(AtomicBool::new(false));
        let carrying =
            back(gate.clone(), upstream.clone(), (socket.clone(), from), counts.clone(), used.clone());
        let client = Client { upstream, used, back: tokio::spawn(carrying) };
        clients.insert(from, client);
    }
    clients.get(&from)
}

async fn connected(to: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
    let upstream = UdpSocket::bind(any).await?;
    upstream.connect(to).await?;
    upstream.writable().await?;
    Ok(upstream)
}

/// Carries what the target answers, until nothing has gone either way for long.
async fn back(
    gate: Gate,
    upstream: Arc<UdpSocket>,
    (socket, to): (Arc<UdpSocket>, SocketAddr),
    counts: Arc<Counts>,
    used: Arc<AtomicBool>,
) {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        match timeout(IDLE, upstream.recv(&mut buffer)).await {
            Ok(Ok(read)) => {
                let datagram = buffer.get(..read).unwrap_or_default();
                // Lost while silent, or when the socket does not take it.
                let _ = gate.pass(&counts.from_target, || socket.try_send_to(datagram, to));
            }
            // Nobody was there for an earlier datagram; somebody may be for the next.
            Ok(Err(_)) => {}
            Err(_) if used.swap(false, Ordering::SeqCst) => {}
            Err(_) => return,
        }
    }
}

/// Clients of one forwarder at once; each dial may come from a socket of its own.
const MAX_CLIENTS: usize = 256;
/// Silence both ways after which a client is forgotten: home routers take from 30 s to 2 minutes.
const IDLE: Duration = Duration::from_secs(60);
const MAX_DATAGRAM: usize = 65_535;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::Forwarder;
    use super::*;

    const SOON: Duration = Duration::from_secs(10);
    const A_WHILE: Duration = Duration::from_millis(200);

    async fn socket() -> UdpSocket {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
    }

    /// Answers every datagram with the same and one byte more.
    async fn echo(byte: u8) -> SocketAddr {
        let socket = socket().await;
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 64];
            while let Ok((read, from)) = socket.recv_from(&mut buffer).await {
                let answer = [&buffer[..read], &[byte]].concat();
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        address
    }

    async fn forwarder(gate: &Gate, udp: SocketAddr) -> Forwarder {
        let forwarder = Forwarder::new(gate, Ipv4Addr::LOCALHOST.into()).await.unwrap();
        forwarder.lead_to(Ends { tcp: udp, udp });
        forwarder
    }

    async fn dial(forwarder: &Forwarder) -> UdpSocket {
        let socket = socket().await;
        socket.connect(forwarder.ends().udp).await.unwrap();
        socket
    }

    async fn ask(socket: &UdpSocket, question: &[u8]) -> Vec<u8> {
        socket.send(question).await.unwrap();
        let mut buffer = [0; 64];
        let read = socket.recv(&mut buffer).await.unwrap();
        buffer[..read].to_vec()
    }

    /// Asks again and again, as datagrams may be lost.
    async fn answered(socket: &UdpSocket, question: &[u8]) -> Vec<u8> {
        let asking = async {
            loop {
                if let Ok(answer) = timeout(A_WHILE, ask(socket, question)).await {
                    return answer;
                }
            }
        };
        timeout(SOON, asking).await.unwrap()
    }

    #[tokio::test]
    async fn datagrams_pass_are_counted_each_way_and_answers_find_their_client() {
        let gate = Gate::new();
        let forwarder = forwarder(&gate, echo(b'!').await).await;
        let (one, two) = (dial(&forwarder).await, dial(&forwarder).await);
        assert_eq!(timeout(SOON, ask(&one, b"one")).await.unwrap(), b"one!");
        assert_eq!(timeout(SOON, ask(&two, b"two")).await.unwrap(), b"two!");
        assert_eq!((forwarder.counts(), gate.passed()), ((6, 8), 14));
    }

    #[tokio::test]
    async fn a_cut_loses_datagrams_and_a_heal_does_not_bring_them_back() {
        let gate = Gate::new();
        let forwarder = forwarder(&gate, echo(b'!').await).await;
        let client = dial(&forwarder).await;
        timeout(SOON, ask(&client, b"before")).await.unwrap();

        gate.silence();
        let before = gate.passed();
        assert!(timeout(A_WHILE, ask(&client, b"lost")).await.is_err());
        assert_eq!(gate.passed(), before);

        gate.heal();
        assert_eq!(answered(&client, b"after").await, b"after!");
        assert!(gate.passed() > before);
    }

    #[tokio::test]
    async fn it_leads_to_another_target_when_it_is_told_and_nowhere_before() {
        let gate = Gate::new();
        let forwarder = Forwarder::new(&gate, Ipv4Addr::LOCALHOST.into()).await.unwrap();
        let client = dial(&forwarder).await;
        assert!(timeout(A_WHILE, ask(&client, b"?")).await.is_err());
        for byte in [b'1', b'2'] {
            let udp = echo(byte).await;
            forwarder.lead_to(Ends { tcp: udp, udp });
            assert_eq!(answered(&client, b"?").await, [b'?', byte]);
        }
    }

    #[tokio::test]
    async fn clients_are_bounded() {
        let (gate, counts) = (Gate::new(), Arc::new(Counts::default()));
        let (near, to) = (Arc::new(socket().await), echo(b'!').await);
        let mut clients = HashMap::new();
        for port in 1..=300_u16 {
            let from = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let made = client(&mut clients, from, to, (&gate, &near, &counts)).await.is_some();
            assert_eq!(made, usize::from(port) <= MAX_CLIENTS);
        }
        assert_eq!(clients.len(), MAX_CLIENTS);
    }
}
