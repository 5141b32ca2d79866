use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use civic_crypto::rng::{SystemRng, random_bytes};
use civic_transport::stream::Outbound;
use civic_transport::stream::frame::FrameError;
use civic_transport::{ChannelBinding, PeerInfo, TransportKind};
use civic_types::{PeerId, PublicKey};
use futures_util::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::Stream;
use tokio::sync::oneshot;

use super::frame::{Frame, Hello, NONCE_BYTES};
use super::registry::{Answer, Registered};
use super::{CloseCode, Dialler, Opened, Path, session};
use crate::internet::identity::{peer_id, public_key};
use crate::internet::inner::Inner;

/// Why no session came about on a stream.
#[derive(Debug, thiserror::Error)]
pub(in crate::internet) enum GreetError {
    #[error("the stream failed")]
    Io(#[from] io::Error),
    #[error("the other end spoke out of turn or malformed")]
    Frame,
    #[error("the session to be moved is gone")]
    Gone,
    #[error("the other end refused: {0:?}")]
    Refused(CloseCode),
    #[error("refused: {0:?}")]
    Refusing(CloseCode),
    #[error("the beginning of the session took too long")]
    Timeout,
    #[error("the link was stopped")]
    Stopped,
}

impl From<FrameError> for GreetError {
    fn from(_: FrameError) -> Self {
        Self::Frame
    }
}

/// What a greeting leads to.
enum Greeted {
    /// A session of its own.
    Session(Box<Begun>),
    /// A session that was there goes on.
    Moved { peer: PeerId },
}

struct Begun {
    peer: PeerId,
    stream: Stream,
    registered: Registered,
    greeting: Option<Frame>,
}

/// Begins a session on a stream just opened, tells whoever dialled, and runs it to its end. Afterwards the
/// connection below is of no use.
pub(in crate::internet) async fn run(
    inner: Arc<Inner>,
    opened: Opened,
    reply: oneshot::Sender<Result<PeerId, GreetError>>,
) {
    let (there, connection, dialler) = (opened.peer, opened.connection, opened.dialler);
    let greeting = inner.within(inner.config.handshake_timeout, greet(&inner, opened));
    let outcome = inner.unless_stopped(greeting).await.unwrap_or(Some(Err(GreetError::Stopped)));
    let outcome = outcome.unwrap_or(Err(GreetError::Timeout));
    let told = match &outcome {
        Ok(Greeted::Session(begun)) => Ok(begun.peer),
        Ok(Greeted::Moved { peer }) => Ok(*peer),
        Err(GreetError::Refused(CloseCode::Duplicate) | GreetError::Refusing(CloseCode::Duplicate)) => {
            // There is a session over a connection that the other end dialled, here or about to be.
            match peer_id(&there) {
                Some(peer) => {
                    let connected =
                        inner.within(inner.config.handshake_timeout, inner.until_connected(&peer));
                    connected.await.map(|()| peer).ok_or(GreetError::Timeout)
                }
                None => Err(GreetError::Frame),
            }
        }
        Err(GreetError::Refused(code)) => Err(GreetError::Refused(*code)),
        Err(GreetError::Refusing(code)) => Err(GreetError::Refusing(*code)),
        Err(GreetError::Stopped) => Err(GreetError::Stopped),
        Err(GreetError::Timeout) => Err(GreetError::Timeout),
        Err(GreetError::Io(error)) => Err(GreetError::Io(error.kind().into())),
        Err(GreetError::Frame) => Err(GreetError::Frame),
        Err(GreetError::Gone) => Err(GreetError::Gone),
    };
    // Whoever asked may have gone; the session stays.
    let _ = reply.send(told);
    match outcome {
        Ok(Greeted::Session(begun)) => {
            let Begun { stream, registered, greeting, .. } = *begun;
            session::run(inner, there, connection, stream, registered, greeting).await;
        }
        // The session that took the stream over closes its connection in the end.
        Ok(Greeted::Moved { .. }) => {}
        Err(error) => {
            tracing::debug!(peer = %there, %error, "no session");
            if let (Dialler::Us, Some(peer)) = (dialler, peer_id(&there)) {
                inner.with_registry(|registry| registry.withdraw_move(&peer));
            }
            if matches!(error, GreetError::Frame) {
                inner.counters.misbehaved.add();
            }
            inner.close_connection(there, connection).await;
        }
    }
}

async fn greet(inner: &Inner, mut opened: Opened) -> Result<Greeted, GreetError> {
    // The access rule has admitted only peers with a key of ours.
    let key = public_key(&opened.peer).ok_or(GreetError::Frame)?;
    let peer = key.peer_id();
    let nonce: [u8; NONCE_BYTES] = random_bytes(&mut SystemRng::new());
    let direct = opened.path == Path::Direct;
    let hello = |moves| Frame::Hello(Hello { moves, nonce });
    let theirs = if opened.dialler == Dialler::Us {
        let offered = direct && inner.with_registry(|registry| registry.offer_move(&peer));
        write_frame(&mut opened.stream, &hello(offered)).await?;
        let theirs = read_hello(&mut opened.stream).await?;
        match (offered, theirs.moves) {
            (true, true) => return take_over(inner, peer, opened),
            (false, true) => return Err(GreetError::Frame),
            (_, false) => theirs,
        }
    } else {
        let theirs = read_hello(&mut opened.stream).await?;
        let answer = match theirs.moves && direct {
            true => inner.peek_registry(|registry| registry.answer_move(&peer)),
            false => Answer::Anew,
        };
        match answer {
            Answer::Anew => {}
            Answer::Move => {
                write_frame(&mut opened.stream, &hello(true)).await?;
                return take_over(inner, peer, opened);
            }
            Answer::Refuse => return refuse(&mut opened.stream, CloseCode::Duplicate).await,
        }
        theirs
    };
    let binding = binding((&inner.key, &nonce), (&key, &theirs.nonce));
    let info = PeerInfo::new(peer, TransportKind::Internet, inner.timer.wall(), 0).with_binding(binding);
    let outbound = Arc::new(Outbound::new(inner.config.queue_bytes));
    let (dialler, path) = (opened.dialler, opened.path);
    match inner.with_registry(|registry| registry.register(info, dialler, path, outbound)) {
        Ok(registered) => {
            let greeting = (dialler == Dialler::They).then(|| hello(false));
            let begun = Begun { peer, stream: opened.stream, registered, greeting };
            Ok(Greeted::Session(Box::new(begun)))
        }
        Err(code) => refuse(&mut opened.stream, code).await,
    }
}

/// Hands the stream to the session that it takes over; if that is gone, the other end finds out when the
/// stream ends.
fn take_over(inner: &Inner, peer: PeerId, opened: Opened) -> Result<Greeted, GreetError> {
    let taken = inner.with_registry(|registry| registry.take_over(&peer, opened));
    if taken { Ok(Greeted::Moved { peer }) } else { Err(GreetError::Gone) }
}

async fn refuse(stream: &mut Stream, code: CloseCode) -> Result<Greeted, GreetError> {
    // The other end learns why if it still listens.
    let _ = write_frame(stream, &Frame::Close(code)).await;
    Err(GreetError::Refusing(code))
}

/// What both ends of a session and nobody else can compute.
fn binding(
    ours: (&PublicKey, &[u8; NONCE_BYTES]),
    theirs: (&PublicKey, &[u8; NONCE_BYTES]),
) -> ChannelBinding {
    let (smaller, greater) =
        if ours.0.as_bytes() < theirs.0.as_bytes() { (ours, theirs) } else { (theirs, ours) };
    let mut hasher = blake3::Hasher::new_derive_key(BINDING_CONTEXT);
    hasher.update(smaller.0.as_bytes()).update(greater.0.as_bytes()).update(smaller.1).update(greater.1);
    ChannelBinding::from_bytes(*hasher.finalize().as_bytes())
}

pub(super) async fn write_frame(stream: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let mut bytes = BytesMut::new();
    frame.write(&mut bytes);
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// Reads the first frame and not a byte more.
async fn read_hello(stream: &mut (impl AsyncRead + Unpin)) -> Result<Hello, GreetError> {
    let mut buffer = BytesMut::new();
    let mut byte = [0];
    loop {
        match Frame::read(&mut buffer)? {
            Some(Frame::Hello(hello)) => return Ok(hello),
            Some(Frame::Close(code)) => return Err(GreetError::Refused(code)),
            // A long frame is no hello; it is not waited for.
            Some(_) => return Err(GreetError::Frame),
            None if buffer.len() > MAX_HELLO_BYTES => return Err(GreetError::Frame),
            None => {}
        }
        stream.read_exact(&mut byte).await?;
        buffer.extend_from_slice(&byte);
    }
}

/// Context of the key derivation, at home in this protocol alone.
const BINDING_CONTEXT: &str = "civicbase/internet binding/1";
/// Length, kind and body of a hello.
const MAX_HELLO_BYTES: usize = 4 + 1 + 2 + NONCE_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_compute_one_binding_and_every_part_of_it_counts() {
        let key = |n| PublicKey::from_bytes([n; 32]);
        let of = |a, x, b, y| binding((&key(a), &[x; 32]), (&key(b), &[y; 32]));
        assert_eq!(of(1, 8, 2, 9), of(2, 9, 1, 8));
        for other in [of(3, 8, 2, 9), of(1, 8, 3, 9), of(1, 7, 2, 9), of(1, 8, 2, 7), of(1, 9, 2, 8)] {
            assert_ne!(of(1, 8, 2, 9), other);
        }
    }
}
