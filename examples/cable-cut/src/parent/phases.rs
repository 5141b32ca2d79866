use std::time::Duration;

use civic_types::time::{Clock, SystemClock};
use futures_util::future::try_join_all;

use super::pace::{agree, all_equal};
use super::town::{NEIGHBOURS, Town};
use crate::error::Error;
use crate::plan::Plan;
use crate::report::Timeline;

/// What the cut left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Bytes that had passed when it began.
    passed: u64,
}

/// How it ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Healed {
    /// From heal to equal roots; none if that did not come.
    pub(super) took: Option<Duration>,
    /// The same for each device, to all it was to hold.
    pub(super) settled: Vec<Option<Duration>>,
    /// Bytes that passed between cut and heal.
    pub(super) crossed: u64,
}

/// Everybody loads a part of the documents, and all get all.
pub(super) async fn load(town: &mut Town, plan: &Plan, timeline: &Timeline) -> Result<(), Error> {
    let (documents, everybody) = (plan.documents(), town.everybody());
    let bar = timeline.bar("loading", documents as u64);
    let done = |writes: usize| bar.add(writes as u64);
    let loads = town.devices.iter_mut().zip(&plan.load);
    try_join_all(loads.map(|(device, commits)| device.write(commits, &done))).await?;
    drop(bar);
    timeline.say(&format!("{documents} documents are written, each by one of the devices"));
    let bar = timeline.bar("spreading", documents as u64 * everybody.len() as u64);
    let limit = patience(documents);
    let agreed = agree(town, &everybody, Some(documents as u64), limit, &bar).await?;
    drop(bar);
    if !agreed.reached {
        return Err(Error::Timeout { what: "spreading the documents".to_owned(), limit });
    }
    timeline.say(&format!("every device holds all {} versions; the roots are equal", agreed.versions));
    Ok(())
}

/// The cables go silent; everybody writes on, one is killed, one is not there.
pub(super) async fn cut(town: &mut Town, plan: &Plan, timeline: &Timeline) -> Result<Cut, Error> {
    if let Some(device) = plan.down.and_then(|down| town.devices.get_mut(down)) {
        device.stop().await?;
    }
    town.gate.silence();
    let (cut_at, passed) = (SystemClock.wall(), town.gate.passed());
    timeline.say("CUT: the cables are silent; nobody is told");
    if let Some(down) = plan.down {
        timeline.say(&format!("d{} is switched off for the whole cut", down + 1));
    }
    write_apart(town, plan, timeline).await?;
    let alone = plan_alone(town, plan);
    let noticed = notice(town, &alone, cut_at.as_millis()).await?;
    for (device, after) in alone.into_iter().zip(noticed) {
        let how =
            if device == plan.killed { "finds nobody since its restart" } else { "noticed by keepalive" };
        timeline.say(&format!("d{} {how}, {after} ms after the cut: nobody is there", device + 1));
    }
    write_alone(town, plan, timeline).await?;
    let bar = timeline.bar("neighbours", 0);
    let neighbours = agree(town, &NEIGHBOURS, None, NEIGHBOUR_LIMIT, &bar).await?;
    drop(bar);
    if !neighbours.reached {
        return Err(Error::Timeout {
            what: "the neighbours d1 and d2 agreeing".to_owned(),
            limit: NEIGHBOUR_LIMIT,
        });
    }
    timeline.say(&format!("d1 and d2 still reach each other: both hold {} versions", neighbours.versions));
    Ok(Cut { passed })
}

async fn write_apart(town: &mut Town, plan: &Plan, timeline: &Timeline) -> Result<(), Error> {
    let total: usize = plan.cut.iter().flatten().map(Vec::len).sum();
    let bar = timeline.bar("writing apart", total as u64);
    let done = |writes: usize| bar.add(writes as u64);
    let work = town.devices.iter_mut().zip(&plan.cut).enumerate().map(|(at, (device, commits))| {
        let done = &done;
        async move {
            device.write(commits, done).await?;
            if at != plan.killed {
                return Ok::<(), Error>(());
            }
            let met = device.kill_amid(&plan.bursts).await?;
            let text = match met {
                Some(after) => {
                    format!("killed by SIGKILL in a commit, {after} or more after the burst began")
                }
                None => "killed by SIGKILL again and again, and never in a commit".to_owned(),
            };
            timeline.say(&format!("d{} was {text}; it is started again", at + 1));
            Ok(())
        }
    });
    try_join_all(work).await?;
    drop(bar);
    let text = format!("{total} writes apart, {} documents changed on every side on purpose", plan.contested);
    timeline.say(&text);
    Ok(())
}

async fn write_alone(town: &mut Town, plan: &Plan, timeline: &Timeline) -> Result<(), Error> {
    let total: usize = plan.alone.iter().flatten().map(Vec::len).sum();
    let bar = timeline.bar("writing alone", total as u64);
    let done = |writes: usize| bar.add(writes as u64);
    let work = town.devices.iter_mut().zip(&plan.alone);
    try_join_all(work.map(|(device, commits)| device.write(commits, &done))).await?;
    drop(bar);
    timeline.say(&format!("{total} more writes by devices that know that they are cut off"));
    Ok(())
}

/// Whoever runs and has no neighbour.
fn plan_alone(town: &Town, plan: &Plan) -> Vec<usize> {
    let all = town.everybody().into_iter();
    all.filter(|device| !NEIGHBOURS.contains(device) && Some(*device) != plan.down).collect()
}

/// Waits until these devices have found out that nobody is there; how many milliseconds it took each. One
/// that was started anew during the cut found nobody from the start.
async fn notice(town: &mut Town, alone: &[usize], cut_millis: u64) -> Result<Vec<u64>, Error> {
    let waiting = async {
        loop {
            let statuses = town.statuses(alone).await?;
            let since: Option<Vec<u64>> = statuses.iter().map(|status| status.alone_since).collect();
            if let Some(since) = since {
                return Ok(since.into_iter().map(|millis| millis.saturating_sub(cut_millis)).collect());
            }
            tokio::time::sleep(NOTICE_POLL).await;
        }
    };
    let late = |_| Error::Timeout { what: "noticing the cut".to_owned(), limit: NOTICE_LIMIT };
    tokio::time::timeout(NOTICE_LIMIT, waiting).await.map_err(late)?
}

/// The cables carry again; all get all.
pub(super) async fn heal(
    town: &mut Town,
    plan: &Plan,
    cut: Cut,
    timeline: &Timeline,
) -> Result<Healed, Error> {
    let (everybody, documents) = (town.everybody(), plan.documents());
    let roots = running_roots(town, plan).await?;
    let sides = roots.iter().collect::<std::collections::BTreeSet<_>>().len();
    let crossed = town.gate.passed().saturating_sub(cut.passed);
    timeline.say(&format!("{sides} different roots; {crossed} bytes crossed since the cut"));
    town.gate.heal();
    timeline.say("HEAL: the cables carry again");
    let healed_at = SystemClock.now();
    if let Some(device) = plan.down.and_then(|down| town.devices.get_mut(down)) {
        device.start().await?;
    }
    let started = SystemClock.now().since(healed_at);
    let bar = timeline.bar("converging", 0);
    let agreed = agree(town, &everybody, None, patience(documents), &bar).await?;
    drop(bar);
    let took = agreed.reached.then_some(agreed.took + started);
    timeline.say(&took.map_or_else(
        || "the devices did NOT converge in time".to_owned(),
        |took| format!("all roots are equal, {} ms after the heal", took.as_millis()),
    ));
    let settled = agreed.each.into_iter().map(|each| each.map(|each| each + started)).collect();
    Ok(Healed { took, settled, crossed })
}

/// The cables stay cut; whoever was down is started to be looked at.
pub(super) async fn stay_cut(
    town: &mut Town,
    plan: &Plan,
    cut: Cut,
    timeline: &Timeline,
) -> Result<Healed, Error> {
    if let Some(device) = plan.down.and_then(|down| town.devices.get_mut(down)) {
        device.start().await?;
    }
    let everybody = town.everybody();
    let equal = all_equal(&town.roots(&everybody).await?);
    let crossed = town.gate.passed().saturating_sub(cut.passed);
    let how = if equal { "equal" } else { "different" };
    timeline.say(&format!("NO HEAL: the cables stay cut, the roots are {how}; {crossed} bytes crossed"));
    Ok(Healed { took: None, settled: vec![None; everybody.len()], crossed })
}

async fn running_roots(town: &mut Town, plan: &Plan) -> Result<Vec<String>, Error> {
    let running: Vec<usize> = town.everybody().into_iter().filter(|at| Some(*at) != plan.down).collect();
    town.roots(&running).await
}

/// How long spreading so many documents may take on a slow machine.
fn patience(documents: usize) -> Duration {
    Duration::from_secs(90 + documents as u64 / 50)
}

const NEIGHBOUR_LIMIT: Duration = Duration::from_secs(60);
const NOTICE_LIMIT: Duration = Duration::from_secs(60);
const NOTICE_POLL: Duration = Duration::from_millis(100);
