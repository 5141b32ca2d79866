//! Who writes what: all of it follows from the rows, the number of devices and the seed.

mod contest;
mod rng;

use std::time::Duration;

use self::rng::Rng;
use crate::data::Row;
use crate::write::{BATCH, Op, Write, field};

/// Writes that are one commit.
pub(crate) type Commit = Vec<Write>;

/// The whole work of a run. Devices are numbered from 0 here and from 1 for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What each device loads.
    pub(crate) load: Vec<Vec<Commit>>,
    /// What each device writes from the cut on, its own documents and the contested ones; nothing for the
    /// device that is down.
    pub(crate) cut: Vec<Vec<Commit>>,
    /// What each device writes once all have noticed the cut.
    pub(crate) alone: Vec<Vec<Commit>>,
    /// What the device that is killed is busy with when it dies: one kill, and more should it meet a pause.
    pub(crate) bursts: Vec<Burst>,
    /// Documents that all change on purpose.
    pub(crate) contested: usize,
    /// The device that is killed.
    pub(crate) killed: usize,
    /// The device that is down for the whole cut; with fewer than five there is none to spare.
    pub(crate) down: Option<usize>,
    /// The device that goes from the first neighbourhood to the second in the cut.
    pub(crate) mover: usize,
    /// The neighbourhood in which each device begins, 0 or 1.
    pub(crate) sites: Vec<usize>,
}

/// Commits that are fed without a pause, into which the kill comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Burst {
    pub(crate) commits: Vec<Commit>,
    /// Acknowledgements to wait for before the kill.
    pub(crate) kill_after: usize,
    /// How long after them it comes, so that it meets any step of a commit.
    pub(crate) kill_delay: Duration,
}

impl Plan {
    pub(crate) fn new(rows: &[Row], devices: usize, seed: u64) -> Self {
        // The first half, and the odd one, is one neighbourhood. Killed, moved and down are different devices.
        let first = devices.div_ceil(2);
        let sites = (0..devices).map(|device| usize::from(device >= first)).collect();
        let (killed, mover) = (devices.saturating_sub(1), 1);
        let down = (devices >= 5).then(|| first - 1);
        let load = (0..devices).map(|device| load(rows, device, devices)).collect();

        let mut order: Vec<&Row> = rows.iter().collect();
        Rng::new(seed, 1).shuffle(&mut order);
        let count = (rows.len() / 10).clamp(2, MAX_CONTESTED);
        let (contested, own) = order.split_at(count.min(order.len()));
        let writers: Vec<usize> = (0..devices).filter(|device| Some(*device) != down).collect();
        let mut rounds = contest::rounds(contested, &writers, seed);
        let mut cut: Vec<Vec<Commit>> = vec![Vec::new(); devices];
        for (at, device) in writers.iter().enumerate() {
            let mut rng = Rng::new(seed, 100 + *device as u64);
            let mine: Vec<&Row> = own.iter().skip(at).step_by(writers.len()).copied().collect();
            let mine = mine.get(..(mine.len() / 4).clamp(1, MAX_OWN).min(mine.len())).unwrap_or_default();
            if let Some(cut) = cut.get_mut(*device) {
                cut.extend(alone(mine, *device, &mut rng));
                cut.extend(rounds.remove(device).unwrap_or_default());
            }
        }
        // The last third, contested documents, comes when all know that they are cut off, and after the crash.
        let alone =
            cut.iter_mut().map(|commits| commits.split_off(commits.len() - commits.len() / 3)).collect();
        let mut rng = Rng::new(seed, 2);
        let bursts = (0..BURSTS).map(|number| burst(own, killed, number, &mut rng)).collect();
        Self { load, cut, alone, bursts, contested: count, killed, down, mover, sites }
    }

    /// Documents that are loaded.
    pub(crate) fn documents(&self) -> usize {
        self.load.iter().flatten().map(Vec::len).sum()
    }
}

/// Every `devices`-th document, from the device's own number.
fn load(rows: &[Row], device: usize, devices: usize) -> Vec<Commit> {
    let mine: Vec<&Row> = rows.iter().skip(device).step_by(devices).collect();
    let first = |row: &&Row| {
        let mut ops: Vec<Op> = row.fields.iter().map(|(name, value)| Op::set(name, value)).collect();
        ops.push(Op::set(field::STATUS, "normal"));
        ops.push(Op::increment(field::NEEDS, 1));
        ops.push(Op::add(field::VOLUNTEERS, contest::COORDINATOR));
        ops.push(Op::append(field::LOG, format!("d{}: registered", device + 1)));
        Write::patch(&row.id, ops)
    };
    mine.chunks(BATCH).map(|chunk| chunk.iter().map(first).collect()).collect()
}

/// Changes of documents that nobody else touches.
fn alone(rows: &[&Row], device: usize, rng: &mut Rng) -> Vec<Commit> {
    let name = device + 1;
    let write = |(at, row): (usize, &&Row)| {
        let by = 1 + i64::try_from(rng.below(9)).unwrap_or_default();
        let ops = vec![
            Op::increment(field::NEEDS, by),
            Op::append(field::LOG, format!("d{name}: alone {at}")),
            Op::add(field::VOLUNTEERS, format!("helper {}", rng.below(50))),
        ];
        Write::patch(&row.id, ops)
    };
    let writes: Vec<Write> = rows.iter().enumerate().map(write).collect();
    writes.chunks(ALONE_BATCH).map(<[Write]>::to_vec).collect()
}

/// One commit after the other, so that a kill meets one.
fn burst(rows: &[&Row], device: usize, burst: usize, rng: &mut Rng) -> Burst {
    let name = device + 1;
    let mut commits = Vec::new();
    for number in 0..BURST_COMMITS {
        let mut chosen: Vec<&&Row> = (0..BURST_BATCH).filter_map(|_| rng.pick(rows)).collect();
        chosen.sort_by(|a, b| a.id.cmp(&b.id));
        chosen.dedup_by(|a, b| a.id == b.id);
        let log = format!("d{name}: burst {burst}.{number}");
        let ops = || vec![Op::increment(field::NEEDS, 1), Op::append(field::LOG, log.clone())];
        commits.push(chosen.into_iter().map(|row| Write::patch(&row.id, ops())).collect());
    }
    let kill_after = 2 + rng.below(BURST_COMMITS / 3);
    let kill_delay = Duration::from_micros(rng.next() % MAX_KILL_DELAY_MICROS);
    Burst { commits, kill_after, kill_delay }
}

/// Kills that may be needed to meet a commit; the journal bounds its torn lines by it.
pub(crate) const BURSTS: usize = 8;
const MAX_KILL_DELAY_MICROS: u64 = 8000;
const MAX_CONTESTED: usize = 60;
const MAX_OWN: usize = 400;
const ALONE_BATCH: usize = 20;
const BURST_COMMITS: usize = 40;
const BURST_BATCH: usize = 40;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::write::How;

    fn rows(count: usize) -> Vec<Row> {
        (0..count)
            .map(|i| Row { id: format!("area-{i}"), fields: vec![("county".into(), "Here".into())] })
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_plan_and_another_seed_another() {
        let rows = rows(500);
        assert_eq!(Plan::new(&rows, 5, 7), Plan::new(&rows, 5, 7));
        assert_ne!(Plan::new(&rows, 5, 7).cut, Plan::new(&rows, 5, 8).cut);
    }

    #[test]
    fn every_document_is_loaded_once_in_batches_and_the_down_device_writes_nothing_later() {
        let plan = Plan::new(&rows(1234), 5, 1);
        let all: Vec<_> = plan.load.iter().flatten().flatten().map(|write| &write.document).collect();
        assert_eq!((all.len(), plan.documents()), (1234, 1234));
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 1234);
        assert!(plan.load.iter().flatten().all(|commit| commit.len() <= BATCH));
        assert_eq!((plan.killed, plan.down), (4, Some(2)));
        assert!(plan.cut[2].is_empty());
        assert_eq!(Plan::new(&rows(20), 3, 1).down, None);
    }

    #[test]
    fn each_neighbourhood_has_somebody_before_and_after_the_move_and_nobody_plays_two_parts() {
        for devices in 3..=10 {
            let plan = Plan::new(&rows(100), devices, 1);
            let here = |at: &usize, site| plan.sites[*at] == site && Some(*at) != plan.down;
            let running = |site| (0..devices).filter(|at| here(at, site)).count();
            assert!(running(0) >= 2 && running(1) >= 1, "{devices}");
            assert_eq!(plan.sites[plan.mover], 0);
            let parts = [Some(plan.killed), Some(plan.mover), plan.down.or(Some(0))];
            assert_eq!(parts.iter().collect::<BTreeSet<_>>().len(), 3, "{devices}");
        }
    }

    #[test]
    fn the_same_documents_are_changed_on_every_side_in_every_way() {
        let plan = Plan::new(&rows(400), 5, 3);
        let mut by: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        let mut hows = Vec::new();
        let mut ops = BTreeSet::new();
        let both = plan.cut.iter().enumerate().chain(plan.alone.iter().enumerate());
        let commits = both.flat_map(|(device, commits)| commits.iter().map(move |commit| (device, commit)));
        for (device, write) in
            commits.flat_map(|(device, commit)| commit.iter().map(move |write| (device, write)))
        {
            by.entry(&write.document).or_default().insert(device);
            hows.push(write.how);
            ops.extend(write.ops.iter().map(std::mem::discriminant).map(|d| format!("{d:?}")));
        }
        assert_eq!(by.values().filter(|devices| devices.len() == 4).count(), plan.contested);
        for how in [How::Delete, How::Patch, How::Update] {
            assert!(hows.contains(&how), "{how:?}");
        }
        assert_eq!(ops.len(), 5);
    }

    #[test]
    fn updates_and_deletes_are_commits_of_their_own() {
        let plan = Plan::new(&rows(400), 4, 9);
        for commit in plan.cut.iter().chain(&plan.alone).flatten() {
            assert!(commit.len() == 1 || commit.iter().all(|write| write.how == How::Patch), "{commit:?}");
            let documents: BTreeSet<_> = commit.iter().map(|write| &write.document).collect();
            assert_eq!(documents.len(), commit.len());
        }
    }
}
