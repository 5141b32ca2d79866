use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use civic_transport::keepalive::{Input, Keepalive, Output};
use civic_transport::receive::TimeTrust;
use civic_transport::stream::Outbound;
use civic_transport::{Event, LostReason, Via};
use civic_types::PeerId;
use futures_util::io::{ReadHalf, WriteHalf};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use libp2p::Stream;
use libp2p::swarm::ConnectionId;
use tokio::sync::mpsc;

use super::frame::{CloseCode, Frame};
use super::greet::write_frame;
use super::registry::Registered;
use crate::internet::identity::peer_id;
use crate::internet::inner::{Inner, lock};

/// A session at work: reads, writes and watches over the silence until one of them ends.
struct Session {
    inner: Arc<Inner>,
    peer: PeerId,
    connection: u64,
    outbound: Arc<Outbound>,
    heard: Arc<std::sync::atomic::AtomicU64>,
    keepalive: Mutex<Keepalive>,
    /// Whether a write was begun and not finished, after which no frame can follow.
    writing: AtomicBool,
}

/// Runs a session to its end, takes it off the registry and closes the connection below.
pub(super) async fn run(
    inner: Arc<Inner>,
    there: libp2p::PeerId,
    mut below: ConnectionId,
    stream: Stream,
    registered: Registered,
    greeting: Option<Frame>,
) {
    let config = &inner.config;
    let keepalive = Keepalive::new(inner.timer.now(), config.keepalive, config.lost_after);
    let Registered { connection: number, outbound, heard, mut close, mut moves } = registered;
    let Some(peer) = peer_id(&there) else { return };
    let session = Session {
        inner: inner.clone(),
        peer,
        connection: number,
        outbound,
        heard,
        keepalive: Mutex::new(keepalive),
        writing: AtomicBool::new(false),
    };
    let (read, mut write) = stream.split();
    let (reads, next_read) = mpsc::channel(1);
    let (writes, next_write) = mpsc::channel(1);
    // Splits a stream that takes the session over between reader and writer; there is one in its life.
    let hand_over = async {
        let Some(opened) = moves.recv().await else { return pending().await };
        below = opened.connection;
        let (read, write) = opened.stream.split();
        // Both channels are empty and their receivers live as long as this future.
        let _ = (reads.send(read).await, writes.send(write).await);
        inner.counters.moved.add();
        pending::<()>().await;
    };
    let (reason, code) = tokio::select! {
        reason = session.read(read, next_read) => (reason, CloseCode::Misbehaved),
        _ = session.write(&mut write, next_write, greeting) => (LostReason::ClosedThere, CloseCode::Goodbye),
        () = session.watch() => (LostReason::Silent, CloseCode::Goodbye),
        // Fails only when the registry is gone, and the session with it.
        _ = close.wait_for(Option::is_some) => (LostReason::ClosedHere, CloseCode::Goodbye),
        () = hand_over => return,
    };
    let told = *close.borrow();
    let goodbye = match (told, reason) {
        (Some(code), _) => Some(code),
        (None, LostReason::Misbehaved) => Some(code),
        (None, _) => None,
    };
    match reason {
        LostReason::Misbehaved => inner.counters.misbehaved.add(),
        LostReason::Silent => inner.counters.silent.add(),
        _ => {}
    }
    inner.with_registry(|registry| registry.ended(&peer, number, reason, code));
    if let Some(code) = goodbye {
        let farewell = async {
            // The session is over either way; the other end finds out by itself.
            if !session.writing.load(Ordering::Relaxed) {
                let _ = write_frame(&mut write, &Frame::Close(code)).await;
            }
            let _ = write.close().await;
        };
        let _ = inner.within(FAREWELL, farewell).await;
    }
    inner.close_connection(there, below).await;
    tracing::debug!(%peer, connection = number, ?reason, "session over");
}

impl Session {
    async fn read(
        &self,
        mut stream: ReadHalf<Stream>,
        mut next: mpsc::Receiver<ReadHalf<Stream>>,
    ) -> LostReason {
        let mut buffer = BytesMut::new();
        let mut chunk = vec![0; READ_BYTES];
        loop {
            loop {
                match Frame::read(&mut buffer) {
                    Ok(None) => break,
                    Ok(Some(Frame::Moved)) => match next.recv().await {
                        Some(moved) if buffer.is_empty() => stream = moved,
                        _ => return LostReason::Misbehaved,
                    },
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
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return LostReason::ClosedThere,
                Ok(count) => {
                    buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
                    self.alive(Input::Heard);
                    self.heard.store(self.inner.timer.wall().as_millis(), Ordering::Relaxed);
                }
            }
        }
    }

    /// Acts on a frame; a reason ends the session.
    async fn take(&self, frame: Frame) -> Option<LostReason> {
        match frame {
            Frame::Ping => self.outbound.pong(),
            Frame::Pong => {}
            Frame::Close(CloseCode::Duplicate) => return Some(LostReason::Replaced),
            Frame::Close(_) => return Some(LostReason::ClosedThere),
            Frame::Hello(_) | Frame::Moved => return Some(LostReason::Misbehaved),
            Frame::Envelope(wire) => return self.envelope(&wire).await,
        }
        None
    }

    async fn envelope(&self, wire: &Bytes) -> Option<LostReason> {
        let now = self.inner.timer.wall();
        let arrival = lock(&self.inner.receiver).receive(now, TimeTrust::of(now), wire);
        match arrival {
            Ok(arrival) => {
                let in_time = self.inner.room().await;
                let (via, connection) = (Via::Authenticated(self.peer), self.connection);
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
        stream: &mut WriteHalf<Stream>,
        mut next: mpsc::Receiver<WriteHalf<Stream>>,
        greeting: Option<Frame>,
    ) -> io::Result<()> {
        let mut buffer = BytesMut::new();
        if let Some(greeting) = greeting {
            greeting.write(&mut buffer);
            self.flush(stream, &mut buffer).await?;
        }
        loop {
            tokio::select! {
                biased;
                Some(mut moved) = next.recv() => {
                    Frame::Moved.write(&mut buffer);
                    self.flush(stream, &mut buffer).await?;
                    std::mem::swap(stream, &mut moved);
                    // The old stream: all that it had to say is said.
                    let _ = moved.close().await;
                }
                () = self.outbound.gather(&mut buffer, self.inner.config.coalesce_bytes) => {
                    self.flush(stream, &mut buffer).await?;
                }
            }
            if buffer.capacity() > 2 * self.inner.config.coalesce_bytes {
                buffer = BytesMut::new();
            }
            self.alive(Input::Sent);
        }
    }

    async fn flush(&self, stream: &mut WriteHalf<Stream>, buffer: &mut BytesMut) -> io::Result<()> {
        self.writing.store(true, Ordering::Relaxed);
        stream.write_all(buffer).await?;
        stream.flush().await?;
        self.writing.store(false, Ordering::Relaxed);
        buffer.clear();
        Ok(())
    }

    /// Ends when the peer has been silent for too long.
    async fn watch(&self) {
        loop {
            match self.alive(Input::Time) {
                Output::Ping => self.outbound.ping(),
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
                self.outbound.ping();
                Output::Wait(now)
            }
            (output, _) => output,
        }
    }
}

/// Longest time to say goodbye: a peer that does not read must not hold up a stop.
const FAREWELL: Duration = Duration::from_millis(200);
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;
