//! The documents that everybody changes while they cannot hear each other.

use std::collections::BTreeMap;

use super::Commit;
use super::rng::Rng;
use crate::data::Row;
use crate::write::{How, Op, Write, field};

/// Who is a volunteer everywhere from the start.
pub(super) const COORDINATOR: &str = "coordinator";

/// What each writer does to each document, three times over.
pub(super) fn rounds(contested: &[&Row], writers: &[usize], seed: u64) -> BTreeMap<usize, Vec<Commit>> {
    let mut all = BTreeMap::new();
    for device in writers {
        let mut rng = Rng::new(seed, 1000 + *device as u64);
        let mut removed: BTreeMap<usize, &str> = BTreeMap::new();
        let mut commits = Vec::new();
        for round in 0..ROUNDS {
            let mut pending = Vec::new();
            for (at, row) in contested.iter().enumerate() {
                let write = change(row, at, *device, round, &mut removed, &mut rng);
                if write.how == How::Patch {
                    pending.push(write);
                } else {
                    commits.push(vec![write]);
                }
            }
            commits.extend(pending.chunks(PATCH_BATCH).map(<[Write]>::to_vec));
        }
        all.insert(*device, commits);
    }
    all
}

/// Every fourth document may be deleted; the others may be changed by `update`, which reads what it changes.
fn change(
    row: &Row,
    at: usize,
    device: usize,
    round: usize,
    removed: &mut BTreeMap<usize, &str>,
    rng: &mut Rng,
) -> Write {
    let tag = format!("d{}: round {round}", device + 1);
    if at.is_multiple_of(4) && rng.percent(25) {
        return Write::delete(&row.id);
    }
    if !at.is_multiple_of(4) && rng.percent(25) {
        let ops = vec![Op::set(field::STATUS, format!("checked by {tag}")), Op::set(field::NOTE, tag)];
        return Write::update(&row.id, ops);
    }
    // One operation that is always there, so that every write makes a version.
    let mut ops = vec![Op::append(field::LOG, tag)];
    if rng.percent(70) {
        ops.extend(rng.pick(&STATUS).map(|status| Op::set(field::STATUS, *status)));
    }
    if rng.percent(60) {
        let by = i64::try_from(rng.below(7)).unwrap_or_default() - 3;
        ops.push(Op::increment(field::NEEDS, if by == 0 { 10 } else { by }));
    }
    if rng.percent(30) {
        ops.extend(rng.pick(&LOG).map(|line| Op::append(field::LOG, *line)));
    }
    volunteers(at, removed, rng, &mut ops);
    Write::patch(&row.id, ops)
}

/// Adds, removes, and adds again what the round before removed; never both of one name in one write.
fn volunteers(at: usize, removed: &mut BTreeMap<usize, &str>, rng: &mut Rng, ops: &mut Vec<Op>) {
    let again = removed.remove(&at).filter(|_| rng.percent(60));
    let leaves = rng.percent(50).then(|| rng.pick(&NAMES).copied()).flatten();
    let comes = again.or_else(|| rng.percent(50).then(|| rng.pick(&NAMES).copied()).flatten());
    if let Some(name) = comes {
        ops.push(Op::add(field::VOLUNTEERS, name));
    }
    if let Some(name) = leaves.filter(|name| Some(*name) != comes) {
        ops.push(Op::remove(field::VOLUNTEERS, name));
        removed.insert(at, name);
    }
}

const ROUNDS: usize = 3;
const PATCH_BATCH: usize = 10;
const STATUS: [&str; 5] = ["closed", "dry", "evacuated", "flooded", "open"];
const LOG: [&str; 3] = ["no power", "water is back", "road blocked"];
const NAMES: [&str; 6] = [COORDINATOR, "Ada", "Kim", "Lin", "Noor", "Sam"];
