use std::sync::Arc;

use civic_crypto::rng::{SystemRng, random_bytes};
use civic_types::PeerId;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::accept::register;
use super::connection;
use super::frame::{CloseCode, Frame};
use super::handshake::{HandshakeError, dial_tls};
use super::inner::{Inner, lock};
use super::registry::Dialler;
use crate::error::Error;
use crate::peer::PeerAddr;
use crate::redial::{Input, Redial};

/// Who waits for the first attempt, if it decides whether the address is kept.
pub(super) type First = Option<oneshot::Sender<Result<PeerId, Error>>>;

/// On whose behalf an address is dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Whoever asked for it by hand, who may have changed their mind about a peer.
    User,
    /// Discovery, which leaves alone whom the user disconnected.
    Discovery,
}

/// Keeps one address dialled until the task is aborted.
pub(super) async fn run(inner: Arc<Inner>, target: u64, address: PeerAddr, mut first: First) {
    let mut redial = Redial::new(inner.config.backoff_unit, inner.config.backoff_cap);
    let mut known = address.peer;
    loop {
        let outcome = match known {
            Some(peer) if first.is_none() && inner.is_connected(&peer) => Ok(peer),
            _ => dial(&inner, &address, For::User).await,
        };
        let input = match outcome {
            Ok(peer) => {
                known = Some(peer);
                lock(&inner.targets).set_peer(target, peer);
                if let Some(first) = first.take() {
                    // Whoever asked may have gone; the connection stays.
                    let _ = first.send(Ok(peer));
                }
                redial.handle(inner.timer.now(), Input::Connected);
                inner.until_lost(&peer).await;
                Input::Lost(random())
            }
            Err(error) => {
                tracing::debug!(address = address.address, %error, "dial failed");
                if let Some(first) = first.take() {
                    lock(&inner.targets).remove(target);
                    let _ = first.send(Err(refusal(error, &address)));
                    return;
                }
                Input::Failed(random())
            }
        };
        if let Some(at) = redial.handle(inner.timer.now(), input) {
            inner.timer.sleep_until(at).await;
        }
    }
}

/// One attempt, up to a registered connection with a task of its own. Who answered is remembered.
pub(super) async fn dial(
    inner: &Arc<Inner>,
    address: &PeerAddr,
    on_behalf: For,
) -> Result<PeerId, HandshakeError> {
    let attempt = inner.within(inner.config.handshake_timeout, attempt(inner, address, on_behalf));
    let outcome = attempt.await.unwrap_or(Err(HandshakeError::Timeout));
    if let (Ok(peer), Ok(address)) = (&outcome, address.address.parse()) {
        inner.remember(*peer, address);
    }
    outcome
}

async fn attempt(inner: &Arc<Inner>, address: &PeerAddr, on_behalf: For) -> Result<PeerId, HandshakeError> {
    let tag = inner.tag();
    let stream = TcpStream::connect(&address.address).await?;
    let mut secured = dial_tls(&inner.tls, &inner.me, stream).await?;
    let peer = secured.peer;
    if address.peer.is_some_and(|want| want != peer) {
        return Err(HandshakeError::WrongPeer { got: peer });
    }
    match on_behalf {
        For::User => inner.unshun(&peer),
        For::Discovery if inner.is_shunned(&peer) => return Err(HandshakeError::Unwanted),
        For::Discovery => {}
    }
    secured.write(&Frame::Hello { tag, net: inner.net.clone() }).await?;
    let code = match secured.read_hello(&inner.net, tag).await {
        Ok(()) => match register(inner, &secured, Dialler::Us, tag) {
            Ok(registered) => {
                inner.spawn(connection::run(inner.clone(), secured, registered, None));
                return Ok(peer);
            }
            Err(code) => code,
        },
        Err(HandshakeError::Refused(CloseCode::Duplicate)) => CloseCode::Duplicate,
        Err(HandshakeError::Refusing(code)) => code,
        Err(error) => return Err(error),
    };
    // A refusal: the other end learns why if it still listens.
    let _ = secured.write(&Frame::Close(code)).await;
    match code {
        // There is a connection that the other end dialled, here or about to be.
        CloseCode::Duplicate => {
            inner.until_connected(&peer).await;
            Ok(peer)
        }
        code => Err(HandshakeError::Refusing(code)),
    }
}

/// What the caller of `connect` is told.
fn refusal(error: HandshakeError, address: &PeerAddr) -> Error {
    match (error, address.peer) {
        (HandshakeError::WrongPeer { got }, Some(want)) => Error::WrongPeer { got, want },
        (HandshakeError::Myself, _) => Error::InvalidAddress { address: address.address.clone() },
        (HandshakeError::Stopped, _) => Error::Inactive,
        (error, _) => Error::Unreachable { address: address.address.clone(), source: Box::new(error) },
    }
}

fn random() -> u64 {
    u64::from_be_bytes(random_bytes(&mut SystemRng::new()))
}
