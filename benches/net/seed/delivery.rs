//! From a write here to the document there, over the LAN link: TLS on the loopback interface, both durable.

use std::path::Path;
use std::time::{Duration, Instant};

use civic_figures::{Latency, Outcome, ROUNDS, figure, progress};
use civicbase::NodeOptions;
use civicbase::{Collection, Node};
use futures_util::StreamExt;

use crate::nodes::{document, key, millis, node, within};

const WRITES: u64 = 30;

/// Longer than the debounce, so that every write finds both ends at rest.
const PAUSE: Duration = Duration::from_millis(40);

pub async fn run() -> Outcome {
    let dir = tempfile::tempdir()?;
    let plain = Pair::open(&dir.path().join("plain"), |node| node).await?;
    let eager = paced(Duration::ZERO);
    let zero = Pair::open(&dir.path().join("zero"), |node| node.sync(eager.clone())).await?;
    let [mut from_call, mut from_commit, mut zero_call, mut zero_commit] =
        [(); 4].map(|()| Latency::default());
    for round in 0..=ROUNDS as u64 {
        progress(&format!("delivery {round}/{ROUNDS}"));
        let numbers = round * WRITES..(round + 1) * WRITES;
        let mut samples: [Vec<f64>; 4] = Default::default();
        for number in numbers {
            for (pair, at) in [(&plain, 0), (&zero, 2)] {
                tokio::time::sleep(PAUSE).await;
                let (total, committed) = pair.deliver(number).await?;
                samples[at].push(total);
                samples[at + 1].push(total - committed);
            }
        }
        if round > 0 {
            let legs = [&mut from_call, &mut from_commit, &mut zero_call, &mut zero_commit];
            legs.into_iter().zip(&samples).for_each(|(leg, samples)| leg.push(samples));
        }
    }
    for (id, what, series) in [
        ("delivery", "from calling set to the document on the other device", &from_call),
        ("delivery-after-commit", "from the commit to the document on the other device", &from_commit),
        ("delivery-eager", "from calling set, debounce 0", &zero_call),
        ("delivery-eager-after-commit", "from the commit, debounce 0", &zero_commit),
    ] {
        figure(&format!("{id}-p50"), &format!("{what}, median"), "ms", &series.p50);
        figure(&format!("{id}-p99"), &format!("{what}, 99th percentile"), "ms", &series.p99);
    }
    plain.close().await?;
    zero.close().await
}

/// Two nodes of one community, connected.
struct Pair {
    nodes: [Node; 2],
    here: Collection,
    there: Collection,
}

impl Pair {
    async fn open(dir: &Path, options: impl Fn(NodeOptions) -> NodeOptions) -> Outcome<Self> {
        let hall = options(node(&dir.join("hall"))).start().await?;
        let shop = options(node(&dir.join("shop"))).start().await?;
        shop.join(&hall.create_community("Harbour").await?).await?;
        let here = hall.collection("pumps").await?;
        within("settled", shop.settled(&hall.peer_id())).await??;
        let there = shop.collection("pumps").await?;
        Ok(Self { nodes: [hall, shop], here, there })
    }

    /// Milliseconds until the other has it, and until it was durable here.
    async fn deliver(&self, number: u64) -> Outcome<(f64, f64)> {
        let mut changes = self.there.changes();
        let begun = Instant::now();
        self.here.set(key(number), document(number)).await?;
        let committed = millis(begun);
        within("delivery", async {
            while self.there.get(key(number)).await?.is_none() {
                changes.next().await.ok_or("the feed ended")?;
            }
            Ok((millis(begun), committed))
        })
        .await?
    }

    async fn close(self) -> Outcome {
        for node in self.nodes {
            node.close().await?;
        }
        Ok(())
    }
}

fn paced(debounce: Duration) -> civic_sync::SyncConfig {
    civic_sync::SyncConfig::default().with_debounce(debounce)
}
