use std::io;

use bytes::BytesMut;
use civic_types::PeerId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::discovery::Tag;
use super::frame::{CloseCode, Frame};
use super::tls::{self, Tls};
use crate::peer::ChannelBinding;
use crate::stream::frame::FrameError;

/// A connection whose TLS is done: we know who is there.
#[derive(Debug)]
pub(super) struct Secured {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) peer: PeerId,
    pub(super) binding: ChannelBinding,
    /// Bytes that were read ahead.
    pub(super) buffer: BytesMut,
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error("TLS failed")]
    Tls(#[from] rustls::Error),
    #[error("the other end is no peer of this protocol")]
    NotOurs,
    #[error("the other end is this device itself")]
    Myself,
    #[error("another device answered")]
    WrongPeer { got: PeerId },
    #[error("the other end spoke out of turn or malformed")]
    Frame,
    #[error("the other end refused: {0:?}")]
    Refused(CloseCode),
    #[error("refused: {0:?}")]
    Refusing(CloseCode),
    #[error("the user is done with that peer")]
    Unwanted,
    #[error("the handshake took too long")]
    Timeout,
    #[error("the link was stopped")]
    Stopped,
}

impl From<FrameError> for HandshakeError {
    fn from(_: FrameError) -> Self {
        Self::Frame
    }
}

/// The dialler's TLS.
pub(super) async fn dial_tls(tls: &Tls, me: &PeerId, stream: TcpStream) -> Result<Secured, HandshakeError> {
    stream.set_nodelay(true)?;
    let stream = TlsConnector::from(tls.client.clone()).connect(tls::no_name(), stream).await?;
    let (peer, binding) = {
        let (_, connection) = stream.get_ref();
        (tls::peer(connection), tls::binding(connection)?)
    };
    secured(me, stream.into(), peer, binding)
}

/// The listener's TLS.
pub(super) async fn accept_tls(tls: &Tls, me: &PeerId, stream: TcpStream) -> Result<Secured, HandshakeError> {
    stream.set_nodelay(true)?;
    let stream = TlsAcceptor::from(tls.server.clone()).accept(stream).await?;
    let (peer, binding) = {
        let (_, connection) = stream.get_ref();
        (tls::peer(connection), tls::binding(connection)?)
    };
    secured(me, stream.into(), peer, binding)
}

fn secured(
    me: &PeerId,
    stream: TlsStream<TcpStream>,
    peer: Option<PeerId>,
    binding: ChannelBinding,
) -> Result<Secured, HandshakeError> {
    match peer {
        None => Err(HandshakeError::NotOurs),
        Some(peer) if peer == *me => Err(HandshakeError::Myself),
        Some(peer) => Ok(Secured { stream, peer, binding, buffer: BytesMut::new() }),
    }
}

impl Secured {
    pub(super) async fn write(&mut self, frame: &Frame) -> Result<(), HandshakeError> {
        write_frame(&mut self.stream, frame).await.map_err(Into::into)
    }

    /// Reads the other end's hello and compares its network and site.
    pub(super) async fn read_hello(&mut self, net: &str, tag: Tag) -> Result<(), HandshakeError> {
        match read_frame(&mut self.stream, &mut self.buffer).await? {
            Frame::Hello { tag: site, net: there } if there == net && site == tag => Ok(()),
            Frame::Hello { .. } => Err(HandshakeError::Refusing(CloseCode::OtherNetwork)),
            Frame::Close(code) => Err(HandshakeError::Refused(code)),
            _ => Err(HandshakeError::Frame),
        }
    }
}

pub(super) async fn write_frame(stream: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let mut bytes = BytesMut::new();
    frame.write(&mut bytes);
    stream.write_all(&bytes).await?;
    stream.flush().await
}

async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<Frame, HandshakeError> {
    loop {
        if let Some(frame) = Frame::read(buffer)? {
            return Ok(frame);
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}
