use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::{Counts, Ends, Gate};
use crate::error::Error;

pub(super) async fn listen(at: IpAddr) -> Result<TcpListener, Error> {
    TcpListener::bind((at, 0)).await.map_err(Error::pipe("listen as a forwarder"))
}

/// Leads whoever dials to the target of that moment.
pub(super) async fn serve(
    gate: Gate,
    listener: TcpListener,
    target: watch::Receiver<Option<Ends>>,
    counts: Arc<Counts>,
) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        gate.until(true).await;
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            biased;
            () = gate.until(false) => continue,
            accepted = listener.accept() => accepted,
        };
        // What cannot be accepted, or leads nowhere, is the dialler's to try again.
        let (Ok((near, _)), Some(target)) = (accepted, *target.borrow()) else { continue };
        let (gate, counts) = (gate.clone(), counts.clone());
        tokio::spawn(async move {
            // A connection that breaks is the ends' to notice, as on any network.
            let _ = carry(&gate, near, target.tcp, &counts).await;
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
            match gate.pass(count, || to.try_write(rest)) {
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
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::super::Forwarder;
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

    async fn forwarder(gate: &Gate, tcp: SocketAddr) -> Forwarder {
        let forwarder = Forwarder::new(gate, Ipv4Addr::LOCALHOST.into()).await.unwrap();
        forwarder.lead_to(Ends { tcp, udp: tcp });
        forwarder
    }

    async fn ask(stream: &mut TcpStream, byte: u8) -> u8 {
        stream.write_u8(byte).await.unwrap();
        stream.read_u8().await.unwrap()
    }

    #[tokio::test]
    async fn bytes_pass_and_are_counted_each_way() {
        let gate = Gate::new();
        let forwarder = forwarder(&gate, echo().await).await;
        let mut stream = TcpStream::connect(forwarder.ends().tcp).await.unwrap();
        for byte in 1..=3 {
            assert_eq!(timeout(SOON, ask(&mut stream, byte)).await.unwrap(), byte + 1);
        }
        assert_eq!((forwarder.counts(), gate.passed()), ((3, 3), 6));
    }

    #[tokio::test]
    async fn a_cut_is_silence_on_open_sockets_and_a_heal_lets_all_pass() {
        let gate = Gate::new();
        let forwarder = forwarder(&gate, echo().await).await;
        let mut old = TcpStream::connect(forwarder.ends().tcp).await.unwrap();
        timeout(SOON, ask(&mut old, 1)).await.unwrap();

        gate.silence();
        let before = gate.passed();
        // The system takes the dial; nobody answers it.
        let mut new = TcpStream::connect(forwarder.ends().tcp).await.unwrap();
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
        let forwarder = forwarder(&gate, echo().await).await;
        let mut stream = TcpStream::connect(forwarder.ends().tcp).await.unwrap();
        timeout(SOON, ask(&mut stream, 1)).await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(timeout(SOON, stream.read_u8()).await.unwrap().is_err());
    }
}
