use std::time::Duration;

use civic_types::time::{Clock, SystemClock};
use futures_util::future::try_join_all;

use super::pace::{agree, all_equal};
use super::town::{Town, called, names};
use crate::error::Error;
use crate::plan::Plan;
use crate::report::Timeline;

/// What the cut left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Bytes that had passed over the cables when it began.
    passed: u64,
    /// Whether a device went over and all was as it must be.
    moved_ok: bool,
    /// Whether the neighbourhoods came to hold different things.
    parted: bool,
}

/// How it ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Healed {
    /// From heal to equal roots; none if that did not come.
    pub(super) took: Option<Duration>,
    /// The same for each device, to all it was to hold.
    pub(super) settled: Vec<Option<Duration>>,
    /// Bytes that passed between the neighbourhoods from cut to heal, over whatever.
    pub(super) crossed: u64,
    /// Whether the device that moved carried its changes over and got those that it found there.
    pub(super) moved_ok: bool,
    /// Whether the neighbourhoods held different things before the heal.
    pub(super) parted: bool,
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

/// The cables go silent; everybody writes on, one is killed, one moves, one is not there.
pub(super) async fn cut(town: &mut Town, plan: &Plan, timeline: &Timeline) -> Result<Cut, Error> {
    if let Some(device) = plan.down.and_then(|down| town.devices.get_mut(down)) {
        device.stop().await?;
    }
    let running = running(town, plan);
    let base = town.statuses(&running).await?.first().map_or(0, |status| status.versions);
    town.gate.silence();
    town.crossing.watch();
    let (cut_at, passed) = (SystemClock.wall(), town.gate.passed());
    timeline.say("CUT: the cables are silent; nobody is told");
    if let Some(down) = plan.down {
        timeline.say(&format!("{} is switched off for the whole cut", names(&[down])));
    }
    write_apart(town, plan, timeline).await?;
    let noticed = notice(town, &running, cut_at.as_millis()).await?;
    for (device, after) in running.iter().copied().zip(noticed) {
        let how =
            if device == plan.killed { "finds nobody since its restart" } else { "noticed by keepalive" };
        timeline.say(&format!("{} {how}, {after} ms after the cut: no internet", names(&[device])));
    }
    let far: Vec<u64> = town.statuses(&running).await?.iter().map(|status| status.far).collect();
    town.crossing.offline(&running.iter().copied().zip(far).collect::<Vec<_>>());
    let held = inside(town, plan, timeline).await?;
    let moved_ok = cross_over(town, plan, base, held, timeline).await?;
    write_alone(town, plan, timeline).await?;
    inside(town, plan, timeline).await?;
    let sides = [0, 1].map(|site| running_side(town, plan, site).first().copied());
    let sides: Vec<usize> = sides.into_iter().flatten().collect();
    let parted = !all_equal(&town.roots(&sides).await?);
    Ok(Cut { passed, moved_ok, parted })
}

/// Each neighbourhood comes to hold the same inside; how many versions.
async fn inside(town: &mut Town, plan: &Plan, timeline: &Timeline) -> Result<[u64; 2], Error> {
    let mut held = [0; 2];
    for (site, held) in held.iter_mut().enumerate() {
        let who = running_side(town, plan, site);
        let bar = timeline.bar(called(site), 0);
        let agreed = agree(town, &who, None, INSIDE_LIMIT, &bar).await?;
        drop(bar);
        if !agreed.reached {
            let what = format!("agreeing inside {}, {}", called(site), names(&who));
            return Err(Error::Timeout { what, limit: INSIDE_LIMIT });
        }
        let all = if who.len() == 1 { "alone, holds" } else { "still agree, with" };
        timeline.say(&format!("{}: {} {all} {} versions", called(site), names(&who), agreed.versions));
        *held = agreed.versions;
    }
    Ok(held)
}

/// A device goes from the first neighbourhood to the second, with what only the first has. Whether the second
/// then holds that, the device what only the second had, and whoever stayed behind nothing new.
async fn cross_over(
    town: &mut Town,
    plan: &Plan,
    base: u64,
    [left, found]: [u64; 2],
    timeline: &Timeline,
) -> Result<bool, Error> {
    let mover = plan.mover;
    town.bring(mover, 1).await?;
    let (carries, name) = (left.saturating_sub(base), names(&[mover]));
    timeline.say(&format!(
        "MOVE: {name} goes from {} to {} and carries {carries} versions",
        called(0),
        called(1)
    ));
    let (here, behind) = (running_side(town, plan, 1), running_side(town, plan, 0));
    let bar = timeline.bar(called(1), 0);
    let agreed = agree(town, &here, Some(found + carries), INSIDE_LIMIT, &bar).await?;
    drop(bar);
    let stayed = town.statuses(&behind).await?.iter().all(|status| status.versions == left);
    let ok = agreed.reached && agreed.versions == found + carries && stayed;
    let text = if ok {
        format!("{} now hold {} versions: theirs, and all that {name} brought", names(&here), agreed.versions)
    } else {
        format!("{name} did NOT carry its changes over")
    };
    timeline.say(&text);
    Ok(ok)
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
            timeline.say(&format!("{} was {text}; it is started again", names(&[at])));
            Ok(())
        }
    });
    try_join_all(work).await?;
    town.lead_cables();
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
    timeline.say(&format!("{total} more writes by devices that know that there is no internet"));
    Ok(())
}

/// Waits until these devices have found out that the internet is gone; how many milliseconds it took each. One
/// that was started anew during the cut found nobody there from the start.
async fn notice(town: &mut Town, who: &[usize], cut_millis: u64) -> Result<Vec<u64>, Error> {
    let waiting = async {
        loop {
            let statuses = town.statuses(who).await?;
            let since: Option<Vec<u64>> = statuses.iter().map(|status| status.offline_since).collect();
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
    let crossed = crossed(town, plan, cut).await?;
    let roots = if cut.parted { "two different roots" } else { "the roots do NOT differ" };
    timeline.say(&format!("{roots}; {crossed} bytes crossed since the cut"));
    town.gate.heal();
    timeline.say("HEAL: the cables carry again");
    let healed_at = SystemClock.now();
    if let Some(device) = plan.down.and_then(|down| town.devices.get_mut(down)) {
        device.start().await?;
    }
    town.lead_cables();
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
    let Cut { moved_ok, parted, .. } = cut;
    Ok(Healed { took, settled, crossed, moved_ok, parted })
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
    town.lead_cables();
    let everybody = town.everybody();
    let equal = all_equal(&town.roots(&everybody).await?);
    let crossed = crossed(town, plan, cut).await?;
    let how = if equal { "equal" } else { "different" };
    timeline.say(&format!("NO HEAL: the cables stay cut, the roots are {how}; {crossed} bytes crossed"));
    let Cut { moved_ok, parted, .. } = cut;
    Ok(Healed { took: None, settled: vec![None; everybody.len()], crossed, moved_ok, parted })
}

/// Bytes that have come from one neighbourhood to the other since the cut.
async fn crossed(town: &mut Town, plan: &Plan, cut: Cut) -> Result<u64, Error> {
    let running = running(town, plan);
    town.statuses(&running).await?;
    Ok(town.gate.passed().saturating_sub(cut.passed) + town.crossing.bytes())
}

fn running(town: &Town, plan: &Plan) -> Vec<usize> {
    town.everybody().into_iter().filter(|at| Some(*at) != plan.down).collect()
}

fn running_side(town: &Town, plan: &Plan, site: usize) -> Vec<usize> {
    town.side(site).into_iter().filter(|at| Some(*at) != plan.down).collect()
}

/// How long spreading so many documents may take on a slow machine.
fn patience(documents: usize) -> Duration {
    Duration::from_secs(90 + documents as u64 / 50)
}

const INSIDE_LIMIT: Duration = Duration::from_secs(60);
const NOTICE_LIMIT: Duration = Duration::from_secs(60);
const NOTICE_POLL: Duration = Duration::from_millis(100);
