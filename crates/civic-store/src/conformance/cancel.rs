use civic_types::value;
use futures_util::FutureExt;
use futures_util::future;

use super::Breach;
use super::kit::{Kit, batch, ensure, put};
use crate::batch::{Origin, WriteBatch};

/// Polls after which a commit is dropped.
const MOST_POLLS: usize = 6;

/// Commits in flight around it, so that it meets full groups and empty ones.
const ROUNDS: u32 = 40;

pub(super) async fn all_or_nothing(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let mut begun = 0_u64;
    for round in 0..ROUNDS {
        for polls in 0..=MOST_POLLS {
            let id = |part: &str| format!("{part}-{round}-{polls}");
            let ops: WriteBatch = batch([put(&id("a"), round), put(&id("b"), round)]);
            let mut commit = store.adapter.commit(ops, Origin::Local);
            let mut done = false;
            for _ in 0..polls {
                done = done || (&mut commit).now_or_never().transpose()?.is_some();
                // Others' work between two polls.
                drop(store.value("a").await?);
                if round % 2 == 1 && !done {
                    store.write([put("between", polls_number(polls))]).await?;
                    begun += 1;
                }
            }
            drop(commit);
            // A commit after it: what was handed over before is decided by then.
            let barrier = store.write([put("barrier", value!(round))]).await?;
            begun += 1;
            let (a, b) = future::try_join(store.value(&id("a")), store.value(&id("b"))).await?;
            ensure!(a.is_some() == b.is_some(), "half a batch after {polls} polls");
            ensure!(polls > 0 || a.is_none(), "a commit that was never polled has happened");
            ensure!(!done || a.is_some(), "an acknowledged commit is not there");
            begun += u64::from(a.is_some());
            ensure!(barrier.seq == begun, "commit {} is the {begun}th that happened", barrier.seq);
        }
    }
    Ok(())
}

fn polls_number(polls: usize) -> u64 {
    u64::try_from(polls).unwrap_or_default()
}
