//! Waiting for the devices to agree, and noting when each was there.

use std::time::Duration;

use civic_types::time::{Clock, SystemClock, Tick};

use super::town::Town;
use crate::error::Error;
use crate::report::Bar;

/// When devices came to hold what all hold in the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Agreement {
    /// Whether they did within the time.
    pub(super) reached: bool,
    /// How long each device took to hold the last version, in the order asked; none if it never did.
    pub(super) each: Vec<Option<Duration>>,
    /// How long it took until all roots were equal.
    pub(super) took: Duration,
    /// Versions that all hold.
    pub(super) versions: u64,
}

/// Polls until these devices hold equally many versions, `want` if given, and have equal roots.
pub(super) async fn agree(
    town: &mut Town,
    who: &[usize],
    want: Option<u64>,
    limit: Duration,
    bar: &Bar,
) -> Result<Agreement, Error> {
    let clock = SystemClock;
    let start = clock.now();
    let mut samples: Vec<(Tick, Vec<u64>)> = Vec::new();
    loop {
        let held: Vec<u64> = town.statuses(who).await?.iter().map(|status| status.versions).collect();
        bar.set(held.iter().sum());
        let first = held.first().copied().unwrap_or_default();
        let equal = held.iter().all(|versions| *versions == first) && want.is_none_or(|want| first >= want);
        samples.push((clock.now(), held));
        let reached = equal && all_equal(&town.roots(who).await?);
        let took = clock.now().since(start);
        if reached || took >= limit {
            let each =
                (0..who.len()).map(|at| first_at_end(&samples, at, start).filter(|_| reached)).collect();
            return Ok(Agreement { reached, each, took, versions: first });
        }
        tokio::time::sleep(POLL).await;
    }
}

pub(super) fn all_equal(roots: &[String]) -> bool {
    roots.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// When a device was first seen with as many versions as it had in the end.
fn first_at_end(samples: &[(Tick, Vec<u64>)], at: usize, start: Tick) -> Option<Duration> {
    let end = samples.last()?.1.get(at)?;
    let first = samples.iter().find(|(_, held)| held.get(at) == Some(end))?;
    Some(first.0.since(start))
}

const POLL: Duration = Duration::from_millis(50);
