//! A peer that is stopped dead (SIGSTOP) while it is sent to: the sender's memory stays bounded.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop at the first surprise")]
#![cfg(target_os = "linux")]

mod common;

use std::process::Stdio;
use std::time::Duration;

use civic_transport::*;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use common::{QUIC, TCP, node_with, quiet, until, within};

/// The environment variable that makes this test the peer, and what it is to listen at.
const ROLE: &str = "CIVIC_P2P_STOPPED_PEER";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_peer_costs_less_than_32_megabytes() {
    if let Ok(listen) = std::env::var(ROLE) {
        return be_the_peer(&listen).await;
    }
    // The control: what is kept is seen.
    let before = resident();
    let kept = std::hint::black_box(vec![7_u8; 40 * 1024 * 1024]);
    assert!(resident().saturating_sub(before) > 32 * 1024 * 1024);
    drop(kept);
    for listen in [TCP, QUIC] {
        let (mut child, address) = spawn(listen).await;
        let config = quiet().with_keepalive(Duration::from_secs(5), Duration::from_secs(60));
        let a = node_with(1, config.with_listen([listen])).await;
        let peer = within(a.adapter.connect(&PeerAddr::anyone(address))).await.unwrap();
        // While it reads, far more than the bound goes through.
        let before = resident();
        let flowed = flood(&a.adapter, &peer, Duration::from_millis(500)).await;
        assert!(flowed > 16 * 1024 * 1024, "only {flowed} bytes went to a peer that reads");
        signal(&child, "STOP").await;
        let taken = flood(&a.adapter, &peer, Duration::from_secs(2)).await;
        let grown = resident().saturating_sub(before);
        assert!(grown < 32 * 1024 * 1024, "{listen}: {grown} bytes more, {taken} taken");
        assert!(taken < 32 * 1024 * 1024, "{listen}: {taken} bytes were taken for a stopped peer");
        assert!(matches!(
            a.adapter.try_send(&peer, Envelope::local(1, vec![0; 64 * 1024])),
            Err(TrySendError::Busy)
        ));
        // And it goes on once the peer does.
        signal(&child, "CONT").await;
        until(|| a.adapter.try_send(&peer, Envelope::local(1, vec![0; 64 * 1024])).is_ok()).await;
        child.kill().await.unwrap();
    }
}

/// Sends as much as is taken for a while; how many bytes that were.
async fn flood(adapter: &impl TransportAdapter, peer: &civic_types::PeerId, time: Duration) -> usize {
    let taken = std::sync::atomic::AtomicUsize::new(0);
    let send = async {
        loop {
            // A payload of its own each time, as real traffic has.
            let sent = adapter.send(peer, Envelope::local(1, vec![7; 64 * 1024])).await;
            sent.unwrap();
            taken.fetch_add(64 * 1024, std::sync::atomic::Ordering::Relaxed);
        }
    };
    tokio::select! {
        () = send => {}
        () = tokio::time::sleep(time) => {}
    }
    taken.into_inner()
}

async fn be_the_peer(listen: &str) {
    let node = node_with(2, quiet().with_listen([listen])).await;
    println!("\nADDRESS {}", node.address().address);
    std::future::pending::<()>().await;
}

async fn spawn(listen: &str) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--nocapture", "a_stopped_peer"])
        .env(ROLE, listen)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = within(async {
        loop {
            let line = lines.next_line().await.unwrap().expect("the peer ended");
            if let Some((_, address)) = line.split_once("ADDRESS ") {
                return address.to_owned();
            }
        }
    })
    .await;
    // Whatever else it prints must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, address)
}

async fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    let status = Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap();
    assert!(status.success());
}

/// Bytes of memory of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}
