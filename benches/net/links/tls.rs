//! The peer: TLS 1.3 by rustls over TCP, length-prefixed messages, and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use civic_figures::Outcome;
use civic_transport::LinkIdentity;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// Two ends of one connection.
pub struct Tls {
    near: client::TlsStream<TcpStream>,
    far: server::TlsStream<TcpStream>,
}

impl Tls {
    /// With an ordinary certificate, made for this run.
    pub async fn connect(_here: &LinkIdentity, _there: &LinkIdentity) -> Outcome<Self> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let certificate = CertificateDer::from(made.cert.der().to_vec());
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone())?;
        let server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.into())?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let accept = async {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            Outcome::Ok(TlsAcceptor::from(Arc::new(server)).accept(stream).await?)
        };
        let dial = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let name = ServerName::try_from("localhost")?;
            Outcome::Ok(TlsConnector::from(Arc::new(client)).connect(name, stream).await?)
        };
        let (far, near) = tokio::try_join!(accept, dial)?;
        Ok(Self { near, far })
    }

    /// Milliseconds from write to read, one message after the other, the reader in a task of its own as a link's.
    pub async fn one_way(&mut self, message: &[u8], count: u16) -> Outcome<Vec<f64>> {
        let (tell, mut told) = tokio::sync::mpsc::channel(16);
        let (near, far) = (&mut self.near, &mut self.far);
        let read = async {
            for _ in 0..count {
                receive(far).await?;
                tell.send(Instant::now()).await?;
            }
            Outcome::Ok(())
        };
        let write = async {
            let mut samples = Vec::with_capacity(usize::from(count));
            for _ in 0..count {
                let begun = Instant::now();
                send(near, message).await?;
                let at = told.recv().await.ok_or("the reader has ended")?;
                samples.push(at.duration_since(begun).as_secs_f64() * 1000.0);
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            Outcome::Ok(samples)
        };
        Ok(tokio::try_join!(read, write)?.1)
    }

    /// Messages a second.
    pub async fn rate(&mut self, message: &[u8], count: u16) -> Outcome<f64> {
        let begun = Instant::now();
        let (near, far) = (&mut self.near, &mut self.far);
        let read = async {
            for _ in 0..count {
                receive(far).await?;
            }
            Outcome::Ok(())
        };
        let write = async {
            for _ in 0..count {
                send(near, message).await?;
            }
            Outcome::Ok(())
        };
        tokio::try_join!(read, write)?;
        Ok(f64::from(count) / begun.elapsed().as_secs_f64())
    }
}

async fn send(near: &mut client::TlsStream<TcpStream>, message: &[u8]) -> Outcome {
    let framed = [&u32::try_from(message.len())?.to_be_bytes()[..], message].concat();
    near.write_all(&framed).await?;
    Ok(near.flush().await?)
}

async fn receive(far: &mut server::TlsStream<TcpStream>) -> Outcome<Vec<u8>> {
    let mut message = vec![0; far.read_u32().await?.try_into()?];
    far.read_exact(&mut message).await?;
    Ok(message)
}
