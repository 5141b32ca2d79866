//! The seed latency table: local write and read, delivery to a neighbour, reconciliation, disk.
//!
//! `cargo bench --bench seed -- write read` runs only those parts. Nodes are opened as applications open
//! them (`Node::at`: key file, sealed SQLite, LAN link over TLS), in the system's temporary folder.

mod delivery;
mod disk;
mod local;
mod nodes;
mod reconcile;

use civic_figures::{Outcome, busy, figure};

#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let runs = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let mut load = busy()?;
    if runs("write") {
        local::write().await?;
    }
    if runs("read") {
        local::read().await?;
    }
    if runs("delivery") {
        delivery::run().await?;
    }
    if runs("reconcile") {
        reconcile::run().await?;
    }
    if runs("disk") {
        disk::run().await?;
    }
    load.push(busy()?.median());
    figure(
        "load",
        "processes that wanted to run, before and after (1 minute's mean; min and max)",
        "processes",
        &load,
    );
    Ok(())
}
