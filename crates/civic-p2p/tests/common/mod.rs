//! Nodes on loopback, a watchdog, and a cable that can go silent.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod stranger;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use civic_crypto::DeviceKey;
use civic_p2p::internet::{InternetAdapter, InternetConfig, InternetLink};
use civic_transport::envelope::{DEFAULT_MAX_HOPS, EnvelopeFields, Priority, SignedEnvelope, Ttl};
use civic_transport::*;
use civic_types::PeerId;
use civic_types::time::{Clock, TokioTimer};
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Notify;

pub(crate) const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub(crate) const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
pub(crate) const NET: &str = "test";

pub(crate) struct Node {
    pub(crate) adapter: InternetAdapter,
    pub(crate) id: PeerId,
}

impl Node {
    pub(crate) fn address(&self) -> PeerAddr {
        PeerAddr::new(self.id, self.adapter.addresses().first().unwrap().clone())
    }

    /// The TCP port, and the libp2p name.
    pub(crate) fn tcp(&self) -> (u16, String) {
        let addresses = self.adapter.addresses();
        let address = addresses.iter().find(|address| address.contains("/tcp/")).unwrap();
        let parts: Vec<_> = address.split('/').collect();
        (parts[4].parse().unwrap(), parts[6].to_owned())
    }
}

/// Quiet: over TCP on loopback, without searching for peers.
pub(crate) fn quiet() -> InternetConfig {
    InternetConfig::loopback().with_listen([TCP]).with_discovery(false)
}

pub(crate) fn identity(seed: u8, net: &str) -> LinkIdentity {
    LinkIdentity::new(Arc::new(DeviceKey::from_seed(&[seed; 32])), net, Arc::new(TokioTimer))
}

pub(crate) async fn node(seed: u8) -> Node {
    node_with(seed, quiet()).await
}

pub(crate) async fn node_with(seed: u8, config: InternetConfig) -> Node {
    node_of(&identity(seed, NET), config).await
}

pub(crate) async fn node_of(identity: &LinkIdentity, config: InternetConfig) -> Node {
    let adapter = InternetLink::new(config).into_adapter(identity).unwrap();
    adapter.start().await.unwrap();
    Node { adapter, id: identity.peer_id() }
}

/// An envelope that the device of a seed signs.
pub(crate) fn signed(seed: u8, net: &str, n: u16, payload: &'static str) -> SignedEnvelope {
    let fields = EnvelopeFields {
        message_type: 9,
        priority: Priority::Normal,
        recipient: None,
        created_s: u32::try_from(TokioTimer.wall().as_secs()).unwrap(),
        ttl: Ttl::MAX,
        max_hops: DEFAULT_MAX_HOPS,
        n,
        payload: payload.into(),
    };
    SignedEnvelope::sign(&DeviceKey::from_seed(&[seed; 32]), net, fields).unwrap()
}

/// The watchdog: nothing here takes that long.
pub(crate) async fn within<T: Send>(future: impl Future<Output = T> + Send) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it takes too long")
}

pub(crate) async fn until(holds: impl Fn() -> bool + Send + Sync) {
    within(async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

pub(crate) async fn next(events: &mut EventStream) -> Event {
    within(events.next()).await.unwrap()
}

pub(crate) async fn discovered(events: &mut EventStream) -> PeerInfo {
    loop {
        if let Event::Discovered(info) = next(events).await {
            return info;
        }
    }
}

pub(crate) async fn lost(events: &mut EventStream) -> (PeerId, LostReason) {
    loop {
        if let Event::Lost { peer, reason, .. } = next(events).await {
            return (peer, reason);
        }
    }
}

pub(crate) async fn received(events: &mut EventStream) -> Envelope {
    loop {
        match next(events).await {
            Event::Received { envelope, .. } => return envelope,
            Event::Lost { reason, .. } => panic!("lost: {reason:?}"),
            _ => {}
        }
    }
}

/// A TCP cable between a dialler and a listener: it can stop carrying without closing.
pub(crate) struct Forwarder {
    port: u16,
    cable: Arc<Cable>,
}

#[derive(Default)]
struct Cable {
    silent: AtomicBool,
    changed: Notify,
}

impl Forwarder {
    /// The same for datagrams, which it loses while silent.
    pub(crate) async fn datagrams_to(target: u16) -> Self {
        let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
        let port = front.local_addr().unwrap().port();
        let cable = Arc::new(Cable::default());
        let shared = cable.clone();
        tokio::spawn(async move {
            let mut backs = HashMap::<SocketAddr, Arc<UdpSocket>>::new();
            let mut buffer = vec![0; 64 * 1024];
            while let Ok((read, from)) = front.recv_from(&mut buffer).await {
                if shared.silent.load(Ordering::SeqCst) {
                    continue;
                }
                let back = match backs.entry(from) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(free) => {
                        let back = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
                        back.connect((Ipv4Addr::LOCALHOST, target)).await.unwrap();
                        tokio::spawn(answer(back.clone(), front.clone(), from, shared.clone()));
                        free.insert(back).clone()
                    }
                };
                let _ = back.send(&buffer[..read]).await;
            }
        });
        Self { port, cable }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cable = Arc::new(Cable::default());
        let shared = cable.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { continue };
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = far.into_split();
                tokio::spawn(carry(near_read, far_write, shared.clone()));
                tokio::spawn(carry(far_read, near_write, shared.clone()));
            }
        });
        Self { port, cable }
    }

    /// As a multiaddr.
    pub(crate) fn address(&self) -> String {
        format!("/ip4/127.0.0.1/tcp/{}", self.port)
    }

    pub(crate) fn set_silent(&self, silent: bool) {
        self.cable.silent.store(silent, Ordering::SeqCst);
        self.cable.changed.notify_waiters();
    }
}

async fn answer(back: Arc<UdpSocket>, front: Arc<UdpSocket>, to: SocketAddr, cable: Arc<Cable>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // An error is the other end's port being closed: it may open again.
        let Ok(read) = back.recv(&mut buffer).await else { continue };
        if !cable.silent.load(Ordering::SeqCst) {
            let _ = front.send_to(&buffer[..read], to).await;
        }
    }
}

/// Neither carries bytes nor follows the end of the stream while silent, as a pulled cable does.
async fn carry(
    mut from: impl AsyncReadExt + Unpin + Send,
    mut to: impl AsyncWriteExt + Unpin + Send,
    cable: Arc<Cable>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        loop {
            let changed = cable.changed.notified();
            if !cable.silent.load(Ordering::SeqCst) {
                break;
            }
            changed.await;
        }
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
