//! The cables between the neighbourhoods: TCP forwarders that the parent owns and can silence.
//!
//! A cut is silence, not an end: sockets stay open, nothing is read, nothing passes, nothing is accepted.
//! Whoever is at the other end has to find out.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::error::Error;

/// All cables of a run. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    open: watch::Sender<bool>,
    /// Held while bytes pass, so that none does once [`Gate::silence`] has returned.
    passing: Mutex<bool>,
    passed: AtomicU64,
}

/// One listener that leads to one device.
#[derive(Debug)]
pub(crate) struct Forwarder {
    address: SocketAddr,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counts {
    to_target: AtomicU64,
    from_target: AtomicU64,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let (open, passing) = (watch::Sender::new(true), Mutex::new(true));
        Self(Arc::new(Inner { open, passing, passed: AtomicU64::new(0) }))
    }

    /// Cuts every cable.
    pub(crate) fn silence(&self) {
        *self.lock() = false;
        self.0.open.send_replace(false);
    }

    /// Mends every cable.
    pub(crate) fn heal(&self) {
        *self.lock() = true;
        self.0.open.send_replace(true);
    }

    /// Bytes that have passed so far, both ways.
    pub(crate) fn passed(&self) -> u64 {
        self.0.passed.load(Ordering::SeqCst)
    }

    async fn until(&self, open: bool) {
        let mut watch = self.0.open.subscribe();
        // The sender lives as long as the gate.
        let _ = watch.wait_for(|now| *now == open).await;
    }

    /// Writes what the socket takes now; nothing while silent.
    fn pass(&self, to: &OwnedWriteHalf, bytes: &[u8], count: &AtomicU64) -> io::Result<usize> {
        let open = self.lock();
        if !*open {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let written = to.try_write(bytes)?;
        count.fetch_add(written as u64, Ordering::SeqCst);
        self.0.passed.fetch_add(written as u64, Ordering::SeqCst);
        Ok(written)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.0.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forwarder {
    /// Listens on the loopback interface and leads whoever dials to `target`.
    pub(crate) async fn new(gate: &Gate, target: SocketAddr) -> Result<Self, Error> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.map_err(Error::pipe("listen as a forwarder"))?;
        let address = listener.local_addr().map_err(Error::pipe("listen as a forwarder"))?;
        let counts = Arc::new(Counts::default());
        let task = tokio::spawn(accept(gate.clone(), listener, target, counts.clone()));
        Ok(Self { address, counts, task })
    }

    /// Where to dial.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes that have passed to the target and from it.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.counts.to_target.load(Ordering::SeqCst), self.counts.from_target.load(Ordering::SeqCst))
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(gate: Gate, listener: TcpListener, target: SocketAddr, counts: Arc<Counts>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        gate.until(true).await;
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            biased;
            () = gate.until(false) => continue,
            accepted = listener.accept() => accepted,
        };
        // What cannot be accepted is the dialler's to try again.
        let Ok((near, _)) = accepted else { continue };
        let (gate, counts) = (gate.clone(), counts.clone());
        tokio::spawn(async move {
            // A connection that breaks is the ends' to notice, as on any network.
            let _ = carry(&gate, near, target, &counts).await;
            drop(place);
        });
    }
}

async fn carry(gate: &Gate, near: TcpStream, target: SocketAddr, counts: &Counts) -> io::Result<()> {
    let far = TcpStream::connect(target).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    tokio::try_join!(
        pump(gate, near_read, far_write, &counts.to_target),
        pump(gate, far_read, near_write, &counts.from_target),
    )?;
    Ok(())
}

/// Carries one direction to its end; what was read when the silence began waits for its end.
async fn pump(
    gate: &Gate,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    count: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        gate.until(true).await;
        let read = tokio::select! {
            biased;
            () = gate.until(false) => continue,
            read = from.read(&mut buffer) => read?,
        };
        let mut rest = buffer.get(..read).unwrap_or_default();
        if rest.is_empty() {
            gate.until(true).await;
            return to.shutdown().await;
        }
        while !rest.is_empty() {
            gate.until(true).await;
            to.writable().await?;
            match gate.pass(&to, rest, count) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Connections through one forwarder at once; diallers that gave up during a cut count until it ends.
const MAX_CONNECTIONS: usize = 1024;

const BUFFER_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);
    const A_WHILE: Duration = Duration::from_millis(200);

    /// Answers every byte with the byte after it.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    while let Ok(byte) = stream.read_u8().await {
                        stream.write_u8(byte + 1).await.unwrap();
                    }
                });
            }
        });
        address
    }

    async fn ask(stream: &mut TcpStream, byte: u8) -> u8 {
        stream.write_u8(byte).await.unwrap();
        stream.read_u8().await.unwrap()
    }

    #[tokio::test]
    async fn bytes_pass_and_are_counted_each_way() {
        let gate = Gate::new();
        let forwarder = Forwarder::new(&gate, echo().await).await.unwrap();
        let mut stream = TcpStream::connect(forwarder.address()).await.unwrap();
        for byte in 1..=3 {
            assert_eq!(timeout(SOON, ask(&mut stream, byte)).await.unwrap(), byte + 1);
        }
        assert_eq!((forwarder.counts(), gate.passed()), ((3, 3), 6));
    }

    #[tokio::test]
    async fn a_cut_is_silence_on_open_sockets_and_a_heal_lets_all_pass() {
        let gate = Gate::new();
        let forwarder = Forwarder::new(&gate, echo().await).await.unwrap();
        let mut old = TcpStream::connect(forwarder.address()).await.unwrap();
        timeout(SOON, ask(&mut old, 1)).await.unwrap();

        gate.silence();
        let before = gate.passed();
        // The system takes the dial; nobody answers it.
        let mut new = TcpStream::connect(forwarder.address()).await.unwrap();
        assert!(timeout(A_WHILE, ask(&mut old, 5)).await.is_err());
        assert!(timeout(A_WHILE, ask(&mut new, 7)).await.is_err());
        assert_eq!(gate.passed(), before);

        gate.heal();
        assert_eq!(timeout(SOON, old.read_u8()).await.unwrap().unwrap(), 6);
        assert_eq!(timeout(SOON, new.read_u8()).await.unwrap().unwrap(), 8);
        assert!(gate.passed() > before);
    }

    #[tokio::test]
    async fn the_end_of_a_stream_passes_too() {
        let gate = Gate::new();
        let forwarder = Forwarder::new(&gate, echo().await).await.unwrap();
        let mut stream = TcpStream::connect(forwarder.address()).await.unwrap();
        timeout(SOON, ask(&mut stream, 1)).await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(timeout(SOON, stream.read_u8()).await.unwrap().is_err());
    }
}
