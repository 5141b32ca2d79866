//! TLS 1.3 with the device's own key: the two configurations, and who is at the other end.

mod signer;
mod verifier;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use civic_crypto::{DeviceKey, VerifyingKey};
use civic_types::{PeerId, PublicKey};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, CommonState, ConnectionCommon, ServerConfig};

use crate::peer::ChannelBinding;
use signer::DeviceSigner;
use verifier::PeerVerifier;

/// The configurations of one device.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    pub(super) client: Arc<ClientConfig>,
    pub(super) server: Arc<ServerConfig>,
}

impl Tls {
    pub(super) fn new(key: &Arc<DeviceKey>) -> Result<Self, rustls::Error> {
        // Named, never the process's default: with another provider in the build there is none.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let spki = CertificateDer::from(spki(&key.public_key()));
        let certified = Arc::new(CertifiedKey::new(vec![spki], Arc::new(DeviceSigner::new(key.clone()))));
        Ok(Self {
            client: Arc::new(client(provider.clone(), certified.clone())?),
            server: Arc::new(server(provider, certified)?),
        })
    }
}

fn client(provider: Arc<CryptoProvider>, key: Arc<CertifiedKey>) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PeerVerifier))
        .with_client_cert_resolver(Arc::new(rustls::client::AlwaysResolvesClientRawPublicKeys::new(key)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.enable_sni = false;
    Ok(config)
}

fn server(provider: Arc<CryptoProvider>, key: Arc<CertifiedKey>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(PeerVerifier))
        .with_cert_resolver(Arc::new(rustls::server::AlwaysResolvesServerRawPublicKeys::new(key)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// A name for the interface that wants one; it is not sent, and the key alone decides.
pub(super) fn no_name() -> ServerName<'static> {
    ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// Who is at the other end of a finished handshake, if it speaks our protocol.
pub(super) fn peer(connection: &CommonState) -> Option<PeerId> {
    let keys = connection.peer_certificates()?;
    match keys {
        [key] if connection.alpn_protocol() == Some(ALPN) => Some(admit(key)?.public_key().peer_id()),
        _ => None,
    }
}

/// The exporter that binds proofs to this very connection.
pub(super) fn binding<Data>(connection: &ConnectionCommon<Data>) -> Result<ChannelBinding, rustls::Error> {
    let bytes = connection.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]))?;
    Ok(ChannelBinding::from_bytes(bytes))
}

/// The SubjectPublicKeyInfo of an Ed25519 key (RFC 8410): a fixed prefix and the key.
fn spki(key: &PublicKey) -> Vec<u8> {
    [SPKI_PREFIX, key.as_bytes().as_slice()].concat()
}

/// The key of a SubjectPublicKeyInfo, if it is an Ed25519 key that may be used.
fn admit(spki: &[u8]) -> Option<VerifyingKey> {
    let key = <[u8; 32]>::try_from(spki.strip_prefix(SPKI_PREFIX)?).ok()?;
    VerifyingKey::admit(&PublicKey::from_bytes(key)).ok()
}

const ALPN: &[u8] = b"civic/1";
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";
const SPKI_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
