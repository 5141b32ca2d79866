//! Two devices that never met hold 2000 documents in common and 100 each of their own; they meet.

use std::time::Instant;

use civic_figures::{Outcome, ROUNDS, Series, figure, progress};
use civicbase::Node;

use crate::local::fill;
use crate::nodes::{address, millis, node, within};

const COMMON: u64 = 2000;
const OWN: u64 = 100;

pub async fn run() -> Outcome {
    let (mut time, mut bytes) = (Series::default(), Series::default());
    for round in 0..=ROUNDS {
        progress(&format!("reconcile {round}/{ROUNDS}"));
        let (millis, kilobytes) = meet().await?;
        if round > 0 {
            time.push(millis);
            bytes.push(kilobytes);
        }
    }
    figure(
        "reconcile",
        "from connect to equal roots, 2000 documents in common and 100 own each, first contact",
        "ms",
        &time,
    );
    figure("reconcile-bytes", "frames sent by both for it, links' own bytes not counted", "kB", &bytes);
    Ok(())
}

/// Milliseconds and kilobytes.
async fn meet() -> Outcome<(f64, f64)> {
    let dir = tempfile::tempdir()?;
    let hall = node(&dir.path().join("hall")).start().await?;
    let ticket = hall.create_community("Harbour").await?;
    fill(&hall.collection("pumps").await?, 0..COMMON).await?;
    let mut met = Vec::new();
    for (name, first) in [("shop", COMMON), ("clinic", COMMON + OWN)] {
        let other = node(&dir.path().join(name)).start().await?;
        other.join(&ticket).await?;
        within("settled", other.settled(&hall.peer_id())).await??;
        met.push((other, first));
    }
    // Both have theirs from the hall, which leaves before either writes.
    hall.close().await?;
    for (node, first) in &met {
        fill(&node.collection("pumps").await?, *first..first + OWN).await?;
    }
    let [(shop, _), (clinic, _)] = met.as_slice() else { return Err("two nodes".into()) };
    let sent_before = sent(shop) + sent(clinic);
    let to = address(clinic)?;
    let begun = Instant::now();
    within("connected", shop.connect(&to)).await??;
    within("settled", shop.settled(&clinic.peer_id())).await??;
    within("settled", clinic.settled(&shop.peer_id())).await??;
    let (one, other) = (shop.root().await?, clinic.root().await?);
    let took = millis(begun);
    if one != other {
        return Err("settled with different roots".into());
    }
    let kilobytes = (sent(shop) + sent(clinic) - sent_before) as f64 / 1e3;
    for (node, _) in met {
        let held = node.collection("pumps").await?.get(crate::nodes::key(COMMON + 2 * OWN - 1)).await?;
        held.ok_or("a document is missing")?;
        node.close().await?;
    }
    Ok((took, kilobytes))
}

fn sent(node: &Node) -> u64 {
    node.replication().iter().map(|peer| peer.totals.bytes_sent).sum()
}
