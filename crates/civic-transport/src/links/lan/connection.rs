use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use civic_types::PeerId;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use super::frame::{CloseCode, Frame};
use super::handshake::{Secured, write_frame};
use super::inner::{Inner, lock};
use super::registry::Registered;
use crate::event::{Event, LostReason, Via};
use crate::keepalive::{Input, Keepalive, Output};
use crate::receive::TimeTrust;

/// A registered connection at work: reads, writes and watches over the silence until one of them ends.
struct Connection {
    inner: Arc<Inner>,
    peer: PeerId,
    registered: Registered,
    keepalive: Mutex<Keepalive>,
    /// Whether a write was begun and not finished, after which no frame can follow.
    writing: AtomicBool,
}

/// Runs a connection to its end and takes it off the registry.
pub(super) async fn run(
    inner: Arc<Inner>,
    secured: Secured,
    registered: Registered,
    greeting: Option<Frame>,
) {
    let config = &inner.config;
    let keepalive = Keepalive::new(inner.timer.now(), config.keepalive, config.lost_after);
    let mut close = registered.close.clone();
    let (peer, number) = (secured.peer, registered.connection);
    let connection = Connection {
        inner: inner.clone(),
        peer,
        registered,
        keepalive: Mutex::new(keepalive),
        writing: AtomicBool::new(false),
    };
    let (read, mut write) = tokio::io::split(secured.stream);
    let (reason, code) = tokio::select! {
        reason = connection.read(read, secured.buffer) => (reason, CloseCode::Misbehaved),
        _ = connection.write(&mut write, greeting) => (LostReason::ClosedThere, CloseCode::Goodbye),
        () = connection.watch() => (LostReason::Silent, CloseCode::Goodbye),
        // Fails only when the registry is gone, and the connection with it.
        _ = close.wait_for(Option::is_some) => (LostReason::ClosedHere, CloseCode::Goodbye),
    };
    let told = *close.borrow();
    let goodbye = match (told, reason) {
        (Some(code), _) => Some(code),
        (None, LostReason::Misbehaved) => Some(code),
        (None, _) => None,
    };
    inner.with_registry(|registry| registry.ended(&peer, number, reason, code));
    if let Some(code) = goodbye {
        let farewell = async {
            // The connection is over either way; the other end finds out by itself.
            if !connection.writing.load(Ordering::Relaxed) {
                let _ = write_frame(&mut write, &Frame::Close(code)).await;
            }
            let _ = write.shutdown().await;
        };
        let _ = inner.within(FAREWELL, farewell).await;
    }
    tracing::debug!(%peer, connection = number, ?reason, "connection over");
}

impl Connection {
    async fn read(&self, mut stream: ReadHalf<TlsStream<TcpStream>>, mut buffer: BytesMut) -> LostReason {
        loop {
            loop {
                match Frame::read(&mut buffer) {
                    Ok(None) => break,
                    Ok(Some(frame)) => {
                        if let Some(reason) = self.take(frame).await {
                            return reason;
                        }
                    }
                    Err(error) => {
                        tracing::debug!(peer = %self.peer, %error, "malformed frame");
                        return LostReason::Misbehaved;
                    }
                }
                self.alive(Input::Heard);
            }
            buffer.reserve(READ_BYTES);
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return LostReason::ClosedThere,
                Ok(_) => {
                    self.alive(Input::Heard);
                    let now = self.inner.timer.wall().as_millis();
                    self.registered.heard.store(now, Ordering::Relaxed);
                }
            }
        }
    }

    /// Acts on a frame; a reason ends the connection.
    async fn take(&self, frame: Frame) -> Option<LostReason> {
        match frame {
            Frame::Ping => self.registered.outbound.pong(),
            Frame::Pong => {}
            Frame::Close(CloseCode::Duplicate) => return Some(LostReason::Replaced),
            Frame::Close(_) => return Some(LostReason::ClosedThere),
            Frame::Hello { .. } => return Some(LostReason::Misbehaved),
            Frame::Envelope(wire) => return self.envelope(&wire).await,
        }
        None
    }

    async fn envelope(&self, wire: &Bytes) -> Option<LostReason> {
        let now = self.inner.timer.wall();
        let arrival = lock(&self.inner.receiver).receive(now, TimeTrust::of(now), wire);
        match arrival {
            Ok(arrival) => {
                let hub = &self.inner.hub;
                let grace = self.inner.config.subscriber_grace;
                let in_time = hub.has_room() || self.inner.within(grace, hub.room()).await.is_some();
                let (via, connection) = (Via::Authenticated(self.peer), self.registered.connection);
                let event = Event::Received { via, connection, envelope: arrival.envelope };
                self.inner
                    .peek_registry(|registry| registry.publish(&self.peer, connection, &event, in_time));
                None
            }
            Err(refusal) => {
                tracing::debug!(peer = %self.peer, %refusal, "envelope dropped");
                refusal.is_misbehaviour().then_some(LostReason::Misbehaved)
            }
        }
    }

    async fn write(
        &self,
        stream: &mut WriteHalf<TlsStream<TcpStream>>,
        greeting: Option<Frame>,
    ) -> io::Result<()> {
        if let Some(greeting) = greeting {
            self.writing.store(true, Ordering::Relaxed);
            write_frame(stream, &greeting).await?;
            self.writing.store(false, Ordering::Relaxed);
        }
        let mut buffer = BytesMut::new();
        loop {
            self.registered.outbound.gather(&mut buffer, self.inner.config.coalesce_bytes).await;
            self.writing.store(true, Ordering::Relaxed);
            stream.write_all(&buffer).await?;
            stream.flush().await?;
            self.writing.store(false, Ordering::Relaxed);
            buffer.clear();
            if buffer.capacity() > 2 * self.inner.config.coalesce_bytes {
                buffer = BytesMut::new();
            }
            self.alive(Input::Sent);
        }
    }

    /// Ends when the peer has been silent for too long.
    async fn watch(&self) {
        loop {
            match self.alive(Input::Time) {
                Output::Ping => self.registered.outbound.ping(),
                Output::Silent => return,
                Output::Wait(until) => self.inner.timer.sleep_until(until).await,
            }
        }
    }

    fn alive(&self, input: Input) -> Output {
        let now = self.inner.timer.now();
        match (lock(&self.keepalive).handle(now, input), input) {
            // Due now and said once: the watch will not hear of it again.
            (Output::Ping, Input::Heard | Input::Sent) => {
                self.registered.outbound.ping();
                Output::Wait(now)
            }
            (output, _) => output,
        }
    }
}

/// Longest time to say goodbye: a peer that does not read must not hold up a stop.
const FAREWELL: Duration = Duration::from_millis(200);
/// Bytes read at once: a TLS record.
const READ_BYTES: usize = 16 * 1024;
