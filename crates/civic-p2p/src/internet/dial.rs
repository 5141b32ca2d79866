use std::sync::Arc;
use std::time::Duration;

use civic_transport::redial::{Input, Redial};
use civic_transport::{Error, PeerAddr};
use civic_types::PeerId;
use civic_types::time::Tick;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use libp2p::Multiaddr;
use tokio::sync::oneshot;

use super::actor::Command;
use super::inner::{Inner, lock, random};
use super::message::{CloseCode, GreetError};

/// Who waits for the first attempt, if it decides whether the address is kept.
pub(super) type First = Option<oneshot::Sender<Result<PeerId, Error>>>;

/// An attempt as the actor sees it.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) address: Multiaddr,
    /// Who must answer.
    pub(super) want: Option<PeerId>,
    /// Whether a node that speaks libp2p but not our protocol will do.
    pub(super) foreign: bool,
    /// Whether to dial from the port that we listen at, which routers then keep open for others.
    pub(super) reuse_port: bool,
    pub(super) reply: Reply,
}

pub(super) type Reply = oneshot::Sender<Result<Reached, DialError>>;

/// Who answered.
#[derive(Debug)]
pub(super) enum Reached {
    Session(PeerId),
    /// A node of another kind; the channel ends with the connection.
    Foreign(oneshot::Receiver<()>),
}

/// Why nobody did.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("the connection ended early")]
    Closed,
    #[error(transparent)]
    Greet(#[from] GreetError),
    #[error("the other end is this device itself")]
    Myself,
    #[error("dialling failed")]
    Swarm(#[from] libp2p::swarm::DialError),
    #[error("it took too long")]
    Timeout,
    #[error("the other end does not speak the protocol of this network")]
    Unsupported,
    #[error("another device answered")]
    WrongPeer { got: PeerId },
}

/// One address that is kept dialled.
pub(super) struct Target {
    pub(super) id: u64,
    pub(super) address: PeerAddr,
    pub(super) parsed: Multiaddr,
    /// Whether it is a bootstrap address: a node of another kind will do, and failures are told.
    pub(super) bootstrap: bool,
}

/// Keeps one address dialled until the task is aborted.
pub(super) async fn run(inner: Arc<Inner>, target: Target, mut first: First) {
    let mut redial = Redial::new(inner.config.backoff_unit, inner.config.backoff_cap);
    let mut known = target.address.peer;
    let mut patience = Patience { left: Duration::ZERO, granted: false };
    let mut warned = !target.bootstrap;
    loop {
        let outcome = match known {
            Some(peer) if first.is_none() && inner.is_connected(&peer) => Ok(Reached::Session(peer)),
            _ if patience.left.is_zero() => attempt(&inner, &target, true).await,
            _ => insist(&inner, &target, known, &mut patience.left).await,
        };
        let input = match outcome {
            Ok(reached) => {
                let since = inner.timer.now();
                redial.handle(since, Input::Connected);
                stay(&inner, &target, reached, &mut known, &mut first).await;
                patience.grant(&inner, inner.timer.now().since(since));
                Input::Lost(random())
            }
            Err(error) => {
                if let Some(first) = first.take() {
                    lock(&inner.targets).remove(target.id);
                    // Whoever asked may have gone.
                    let _ = first.send(Err(refusal(error, &target.address)));
                    return;
                }
                let address = &target.address.address;
                if std::mem::replace(&mut warned, true) {
                    tracing::debug!(address, error = &error as &dyn std::error::Error, "dial failed");
                } else {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(address, error, "a bootstrap address is out of reach");
                }
                patience.left = Duration::ZERO;
                Input::Failed(random())
            }
        };
        if let Some(at) = redial.handle(inner.timer.now(), input) {
            // Insisting has its own pace.
            let pace = inner.timer.now().saturating_add(inner.config.backoff_unit);
            inner.rest_until(if patience.left.is_zero() { at } else { at.min(pace) }).await;
        }
    }
}

/// How long to insist after a loss. A session that did not last grants nothing, so a peer that accepts and
/// closes is not dialled every second for ever.
struct Patience {
    left: Duration,
    granted: bool,
}

impl Patience {
    fn grant(&mut self, inner: &Inner, lasted: Duration) {
        if !self.granted || lasted >= inner.config.backoff_cap / STABLE_PART {
            (self.left, self.granted) = (inner.config.insist, true);
        }
    }
}

/// Stays while the connection does.
async fn stay(
    inner: &Inner,
    target: &Target,
    reached: Reached,
    known: &mut Option<PeerId>,
    first: &mut First,
) {
    match reached {
        Reached::Session(peer) => {
            *known = Some(peer);
            lock(&inner.shunned).remove(&peer);
            lock(&inner.targets).set_peer(target.id, peer);
            if let Some(first) = first.take() {
                // Whoever asked may have gone; the session stays.
                let _ = first.send(Ok(peer));
            }
            inner.until_lost(&peer).await;
        }
        // Ends with the connection, whichever way the channel ends.
        Reached::Foreign(closed) => drop(closed.await),
    }
}

/// Tries again at every turn of the redial unit, without waiting for attempts that hang: on a network that
/// was silent the newest one is the first to get through.
async fn insist(
    inner: &Arc<Inner>,
    target: &Target,
    known: Option<PeerId>,
    left: &mut Duration,
) -> Result<Reached, DialError> {
    let mut attempts = FuturesUnordered::new();
    let begun = inner.timer.now();
    let patience = *left;
    let connected = async {
        match known {
            Some(peer) => inner.until_connected(&peer).await,
            None => std::future::pending().await,
        }
    };
    let mut connected = std::pin::pin!(connected);
    let mut next: Tick = begun;
    let outcome = loop {
        let spent = inner.timer.now().since(begun);
        if spent >= patience && attempts.is_empty() {
            break Err(DialError::Timeout);
        }
        let due = spent < patience && attempts.len() < MAX_ATTEMPTS;
        tokio::select! {
            () = &mut connected => break known.map(Reached::Session).ok_or(DialError::Closed),
            Some(outcome) = attempts.next() => match outcome {
                Ok(reached) => break Ok(reached),
                // It is there and does not want us now.
                Err(error @ DialError::Greet(GreetError::Refused(CloseCode::NoRoom))) => break Err(error),
                Err(_) => {}
            },
            () = inner.timer.sleep_until(next), if due => {
                attempts.push(attempt(inner, target, false));
                // Between a half and a whole unit: many that lost one hub do not come back in step.
                let unit = inner.config.backoff_unit;
                let jitter = (unit / 2).as_nanos().saturating_mul(random().into()) >> u64::BITS;
                let jitter = Duration::from_nanos(u64::try_from(jitter).unwrap_or_default());
                next = inner.timer.now().saturating_add(unit / 2 + jitter);
            }
        }
    };
    *left = left.saturating_sub(inner.timer.now().since(begun));
    outcome
}

/// One attempt, up to a session.
async fn attempt(inner: &Arc<Inner>, target: &Target, reuse_port: bool) -> Result<Reached, DialError> {
    let (reply, outcome) = oneshot::channel();
    let attempt = Attempt {
        address: target.parsed.clone(),
        want: target.address.peer,
        foreign: target.bootstrap,
        reuse_port,
        reply,
    };
    let outcome = async {
        if !inner.tell(Command::Dial(attempt)).await {
            return Err(DialError::Greet(GreetError::Stopped));
        }
        outcome.await.unwrap_or(Err(DialError::Closed))
    };
    inner.within(inner.config.handshake_timeout, outcome).await.unwrap_or(Err(DialError::Timeout))
}

/// What the caller of `connect` is told.
fn refusal(error: DialError, address: &PeerAddr) -> Error {
    match (error, address.peer) {
        (DialError::WrongPeer { got }, Some(want)) => Error::WrongPeer { got, want },
        (DialError::Myself, _) => Error::InvalidAddress { address: address.address.clone() },
        (DialError::Greet(GreetError::Stopped), _) => Error::Inactive,
        (error, _) => Error::Unreachable { address: address.address.clone(), source: Box::new(error) },
    }
}

/// Attempts at one address at once.
const MAX_ATTEMPTS: usize = 10;
/// A session is stable after the back-off cap's tenth, as for [`Redial`].
const STABLE_PART: u32 = 10;
