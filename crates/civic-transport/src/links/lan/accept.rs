use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::connection;
use super::discovery::Tag;
use super::frame::{CloseCode, Frame};
use super::handshake::{HandshakeError, Secured, accept_tls};
use super::inner::Inner;
use super::registry::{Dialler, Registered};
use crate::peer::{PeerInfo, TransportKind};
use crate::stream::Outbound;

/// Takes connections until the link stops.
pub(super) async fn run(inner: Arc<Inner>, listener: TcpListener) {
    let handshakes = Arc::new(Semaphore::new(inner.config.max_handshakes.max(1)));
    loop {
        // Never closed; and no more are taken from the backlog than handshakes may run.
        let Ok(permit) = handshakes.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, address)) => {
                let task = inner.clone();
                inner.spawn(async move {
                    let greeting = task.within(task.config.handshake_timeout, greet(&task, stream));
                    let outcome =
                        task.unless_stopped(greeting).await.unwrap_or(Some(Err(HandshakeError::Stopped)));
                    drop(permit);
                    match outcome.unwrap_or(Err(HandshakeError::Timeout)) {
                        Ok((secured, registered, tag)) => {
                            let hello = Frame::Hello { tag, net: task.net.clone() };
                            connection::run(task, secured, registered, Some(hello)).await;
                        }
                        Err(error) => tracing::debug!(%address, %error, "inbound connection refused"),
                    }
                });
            }
            Err(error) => {
                // Out of descriptors or memory: others must end first.
                tracing::warn!(%error, "accepting failed");
                inner.timer.sleep_until(inner.timer.now().saturating_add(ACCEPT_PAUSE)).await;
            }
        }
    }
}

async fn greet(inner: &Inner, stream: TcpStream) -> Result<(Secured, Registered, Tag), HandshakeError> {
    let tag = inner.tag();
    let mut secured = accept_tls(&inner.tls, &inner.me, stream).await?;
    let code = match secured.read_hello(&inner.net, tag).await {
        Ok(()) => match register(inner, &secured, Dialler::They, tag) {
            Ok(registered) => return Ok((secured, registered, tag)),
            Err(code) => code,
        },
        Err(HandshakeError::Refusing(code)) => code,
        Err(error) => return Err(error),
    };
    secured.write(&Frame::Close(code)).await?;
    Err(HandshakeError::Refusing(code))
}

/// Enters a connection whose hello was read, and compared with that tag.
pub(super) fn register(
    inner: &Inner,
    secured: &Secured,
    dialler: Dialler,
    tag: Tag,
) -> Result<Registered, CloseCode> {
    let outbound = Arc::new(Outbound::new(inner.config.queue_bytes));
    let info = PeerInfo::new(secured.peer, TransportKind::Lan, inner.timer.wall(), 0);
    let info = info.with_binding(secured.binding.clone());
    inner.with_registry(|registry| registry.register(info, dialler, outbound, tag))
}

/// Before accepting again after a failure.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
