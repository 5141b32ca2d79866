//! G5: a counter of a thousand actors.

use civic_benches_data::{Random, SEED};
use civic_crdt::{Crdt, PnCounter};
use civic_figures::{Outcome, beside, cpu, rounds, same};
use civic_types::ReplicaId;
use crdts::{CmRDT, CvRDT, PNCounter};

const ACTORS: u16 = 1000;
/// Merges in a round.
const MERGES: usize = 200;

type Crdts = PNCounter<[u8; 32]>;

pub fn run() -> Outcome {
    let (mut here, mut there) = (PnCounter::new(), PnCounter::new());
    let (mut crdts_here, mut crdts_there) = (Crdts::new(), Crdts::new());
    let mut random = Random(SEED);
    for actor in 0..ACTORS {
        let up = random.below(2) == 0;
        let both = random.below(2) == 0;
        for (at, ours, theirs) in [(0, &mut here, &mut crdts_here), (1, &mut there, &mut crdts_there)] {
            // Half of the actors are known alike, of the others each side knows one change more of every second.
            let times = if both || usize::from(actor % 2) == at { 2 } else { 1 };
            for _ in 0..times {
                ours.increment(replica(actor), if up { 1 } else { -1 })?;
                let id = id(actor);
                theirs.apply(if up { theirs.inc(id) } else { theirs.dec(id) });
            }
        }
    }
    let (mut ours, mut theirs) = (here.clone(), crdts_here.clone());
    ours.merge(&there);
    theirs.merge(crdts_there.clone());
    same("the sums", &ours.value().to_string(), &theirs.read().to_string())?;
    let merge_ours = || {
        let mut counters = vec![here.clone(); MERGES];
        cpu(|| {
            counters
                .iter_mut()
                .map(|counter| counter.merge(&there))
                .filter(|effect| effect.is_changed())
                .count()
        })
        .1 / MERGES as f64
    };
    let merge_theirs = || {
        let mut counters: Vec<_> = (0..MERGES).map(|_| (crdts_here.clone(), crdts_there.clone())).collect();
        cpu(|| {
            counters
                .drain(..)
                .map(|(mut counter, other)| {
                    counter.merge(other);
                    counter
                })
                .collect::<Vec<_>>()
        })
        .1 / MERGES as f64
    };
    let (a, b) = rounds(merge_ours, merge_theirs);
    beside("G5", "PN-Counter: 1000 actors, merge", "ns", &a, "crdts 7.3", &b);
    Ok(())
}

/// Ids look like hashes: the first bytes tell them apart.
fn id(actor: u16) -> [u8; 32] {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&Random(u64::from(actor)).next().to_be_bytes());
    id
}

fn replica(actor: u16) -> ReplicaId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&id(actor)[..16]);
    ReplicaId::from_bytes(bytes)
}
