use civic_types::value;
use futures_util::future::{self, Either};

use super::Breach;
use super::kit::{Kit, collection, ensure, put, yield_once};
use crate::query::{Query, Scan};

/// Commits that are read through while they happen.
const ROUNDS: u64 = 200;

pub(super) async fn boundaries(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let ids: Vec<String> = (0..20).map(|n| format!("d{n:02}")).collect();
    store.write(ids.iter().map(|id| put(id, value!({"round": 0})))).await?;
    let writing = std::pin::pin!(async {
        for round in 1..=ROUNDS {
            store.write(ids.iter().map(|id| put(id, value!({"round": round})))).await?;
        }
        Ok::<_, Breach>(())
    });
    let reading = std::pin::pin!(async {
        loop {
            let (scan, query) = (Scan::new(collection()), Query::new(collection(), 100));
            for page in [store.scan(&scan).await?, store.query(&query).await?] {
                ensure!(page.items.len() == ids.len(), "{} documents", page.items.len());
                let first = &page.items[0];
                let alike = page.items.iter().all(|s| s.value == first.value && s.rev == first.rev);
                ensure!(alike, "documents of different commits on one page");
            }
            yield_once().await;
        }
    });
    match future::select(writing, reading).await {
        Either::Left((written, _)) => written,
        Either::Right((read, _)) => read,
    }
}
