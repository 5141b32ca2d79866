//! Nodes on loopback, a watchdog, a cable that can go silent, and a client that speaks TLS but not our
//! protocol.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use civic_crypto::DeviceKey;
use civic_transport::links::lan::{LanAdapter, LanConfig, LanLink};
use civic_transport::*;
use civic_types::PeerId;
use civic_types::time::TokioTimer;
use futures_util::StreamExt;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub(crate) struct Node {
    pub(crate) adapter: LanAdapter,
    pub(crate) id: PeerId,
}

impl Node {
    pub(crate) fn address(&self) -> PeerAddr {
        PeerAddr::new(self.id, self.adapter.local_addr().unwrap().to_string())
    }
}

pub(crate) fn identity(seed: u8, net: &str) -> LinkIdentity {
    LinkIdentity::new(Arc::new(DeviceKey::from_seed(&[seed; 32])), net, Arc::new(TokioTimer))
}

pub(crate) async fn node(seed: u8) -> Node {
    node_with(seed, LanConfig::loopback()).await
}

pub(crate) async fn node_with(seed: u8, config: LanConfig) -> Node {
    let identity = identity(seed, "test");
    let adapter = LanLink::new(config).into_adapter(&identity).unwrap();
    adapter.start().await.unwrap();
    Node { adapter, id: identity.peer_id() }
}

/// The watchdog: nothing here takes that long.
pub(crate) async fn within<T: Send>(future: impl Future<Output = T> + Send) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it takes too long")
}

pub(crate) async fn until(holds: impl Fn() -> bool + Send + Sync) {
    within(async {
        while !holds() {
            tokio::task::yield_now().await;
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

/// The first frame of a dialler, as the document draws it.
pub(crate) fn hello(net: &str, site: &str) -> Vec<u8> {
    let lp = |text: &str| [&u32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
    let tagged = [b"civicbase/site/1\0".as_slice(), &lp(net), &lp(site)].concat();
    let body = [&[1], &blake3::hash(&tagged).as_bytes()[..16], net.as_bytes()].concat();
    [&u32::try_from(1 + body.len()).unwrap().to_be_bytes(), [0].as_slice(), &body].concat()
}

/// A cable between a dialler and a listener: it can stop carrying without closing, and damage what it
/// carries.
pub(crate) struct Forwarder {
    address: String,
    cable: Arc<Cable>,
}

#[derive(Default)]
struct Cable {
    silent: AtomicBool,
    tamper: AtomicBool,
    changed: Notify,
}

impl Forwarder {
    pub(crate) async fn to(target: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let cable = Arc::new(Cable::default());
        let shared = cable.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&target).await else { continue };
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = far.into_split();
                tokio::spawn(carry(near_read, far_write, shared.clone()));
                tokio::spawn(carry(far_read, near_write, shared.clone()));
            }
        });
        Self { address, cable }
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    pub(crate) fn set_silent(&self, silent: bool) {
        self.cable.silent.store(silent, Ordering::SeqCst);
        self.cable.changed.notify_waiters();
    }

    pub(crate) fn tamper(&self) {
        self.cable.tamper.store(true, Ordering::SeqCst);
    }
}

/// Also swallows the end of the stream while silent, as a pulled cable does.
async fn carry(
    mut from: impl AsyncReadExt + Unpin + Send,
    mut to: impl AsyncWriteExt + Unpin + Send,
    cable: Arc<Cable>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        while cable.silent.load(Ordering::SeqCst) {
            cable.changed.notified().await;
        }
        if read == 0 {
            return;
        }
        if cable.tamper.load(Ordering::SeqCst) {
            buffer[read - 1] ^= 1;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// TLS 1.3 with a raw key of its own and any ALPN name; `None` when it is refused.
pub(crate) async fn raw_tls(
    address: &str,
    seed: u8,
    alpn: &[u8],
) -> Option<tokio_rustls::client::TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let pkcs8 = [hex::decode("302e020100300506032b657004220420").unwrap(), vec![seed; 32]].concat();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8));
    let key = provider.key_provider.load_private_key(key).unwrap();
    let spki = CertificateDer::from(key.public_key().unwrap().to_vec());
    let key = Arc::new(rustls::sign::CertifiedKey::new(vec![spki], key));
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_client_cert_resolver(Arc::new(rustls::client::AlwaysResolvesClientRawPublicKeys::new(key)));
    config.alpn_protocols = if alpn.is_empty() { Vec::new() } else { vec![alpn.to_vec()] };
    let name = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream =
        within(tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream)).await.ok()?;
    if alpn == b"civic/1" {
        return Some(stream);
    }
    // TLS 1.3 lets a client finish before the server has judged it.
    let mut byte = [0];
    let answered = within(stream.read(&mut byte)).await;
    matches!(answered, Ok(1..)).then_some(stream)
}

#[derive(Debug)]
struct Anybody;

impl rustls::client::danger::ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        unreachable!("TLS 1.3 only")
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        vec![rustls::SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
