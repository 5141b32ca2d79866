//! G1 to G4: one set in four libraries.

use civic_crdt::or_set::OrSetDelta;
use civic_crdt::{Crdt, Element};
use civic_figures::{Outcome, beside, cpu, figure, progress, rounds, same};
use crdts::CvRDT;

use crate::live::bytes_of;
use crate::peers::{Crdts, Loro, Ours, Yrs, change_crdts, change_ours, elements_crdts, elements_ours};
use crate::workload::{Workload, workload};

pub fn run() -> Outcome {
    let Workload { common, apart: [here, there] } = workload();
    progress("set: building");
    let (ours, live_ours) = bytes_of(|| {
        let mut set = Ours::new();
        change_ours(&mut set, &common);
        set
    });
    let (theirs, live_theirs) = bytes_of(|| {
        let mut set = Crdts::new();
        change_crdts(&mut set, &common);
        set
    });
    let elements = elements_ours(&ours);
    same("the sets before", &elements, &elements_crdts(&theirs))?;

    let (mut ours_here, mut ours_there) = (ours.clone(), ours.clone());
    change_ours(&mut ours_here, &here);
    change_ours(&mut ours_there, &there);
    let (mut crdts_here, mut crdts_there) = (theirs.clone(), theirs.clone());
    change_crdts(&mut crdts_here, &here);
    change_crdts(&mut crdts_there, &there);
    merge(&ours_here, &ours_there, &crdts_here, &crdts_there)?;

    progress("set: delta");
    let delta = ours_there.delta_since(&ours.version()).encode();
    let changed = elements_ours(&ours_there);
    let apply_ours = || {
        let mut set = ours.clone();
        let applied = cpu(|| OrSetDelta::decode(&delta).map(|delta| set.apply(&delta))).1;
        (set, applied)
    };
    same("the set after our delta", &changed, &elements_ours(&apply_ours().0))?;

    let yrs = Yrs::new(&common, &there)?;
    let apply_yrs = || {
        let doc = Yrs::open(&yrs.base, 1)?;
        let (applied, spent) = cpu(|| Yrs::apply(&doc, &yrs.update));
        applied?;
        Outcome::Ok((doc, spent))
    };
    same("the set after yrs' update", &changed, &Yrs::elements(&apply_yrs()?.0))?;
    let (ours_ns, yrs_ns) = rounds(|| apply_ours().1, || apply_yrs().map_or(f64::NAN, |(_, spent)| spent));
    beside(
        "G2-yrs",
        "OR-Set: bytes of a delta of 12 500 changes decoded and applied",
        "ns",
        &ours_ns,
        "yrs 0.28",
        &yrs_ns,
    );

    let loro = Loro::new(&common, &there)?;
    let import = || {
        let doc = loro.open()?;
        let (applied, spent) = cpu(|| doc.import(&loro.update));
        applied?;
        Outcome::Ok((doc, spent))
    };
    same("the set after loro's import", &changed, &Loro::elements(&import()?.0))?;
    let (ours_ns, loro_ns) = rounds(|| apply_ours().1, || import().map_or(f64::NAN, |(_, spent)| spent));
    beside(
        "G2-loro",
        "OR-Set: bytes of a delta of 12 500 changes decoded and applied",
        "ns",
        &ours_ns,
        "loro 1.17",
        &loro_ns,
    );
    for (peer, bytes) in [("yrs 0.28", &yrs.update), ("loro 1.17", &loro.update)] {
        let id = if peer.starts_with("yrs") { "G2-bytes-yrs" } else { "G2-bytes-loro" };
        beside(id, "OR-Set: that delta", "B", &size(delta.len()), peer, &size(bytes.len()));
    }

    let per = |bytes: usize| (bytes as f64 / elements.len() as f64).into();
    let what = "OR-Set: heap bytes an element after 100 000 adds and 50 000 removes";
    beside("G3", what, "B", &per(live_ours), "crdts 7.3", &per(live_theirs));

    let canonical = ours.encode_canonical();
    same("the set saved and loaded", &elements, &elements_ours(&Ours::decode_canonical(&canonical)?))?;
    let mut cbor = Vec::new();
    ciborium::into_writer(&theirs, &mut cbor)?;
    beside(
        "G4",
        "OR-Set: canonical bytes",
        "B",
        &size(canonical.len()),
        "crdts 7.3 in CBOR",
        &size(cbor.len()),
    );
    let bare: usize = elements.iter().map(|element| element.canonical().len()).sum();
    let over = canonical.len() - bare - 2 * 40;
    figure("G4-over", "OR-Set: canonical bytes an element above its own and 40 an actor", "B", &per(over));
    Ok(())
}

fn merge(ours: &Ours, ours_other: &Ours, theirs: &Crdts, theirs_other: &Crdts) -> Outcome {
    progress("set: merge");
    let merge_ours = || {
        let mut set = ours.clone();
        let spent = cpu(|| set.merge(ours_other)).1;
        (set, spent)
    };
    let merge_theirs = || {
        let (mut set, other) = (theirs.clone(), theirs_other.clone());
        let spent = cpu(|| set.merge(other)).1;
        (set, spent)
    };
    same("the merged sets", &elements_ours(&merge_ours().0), &elements_crdts(&merge_theirs().0))?;
    let (a, b) = rounds(|| merge_ours().1, || merge_theirs().1);
    beside(
        "G1",
        "OR-Set: 50 000 elements, 12 500 changes on each side, full merge",
        "ns",
        &a,
        "crdts 7.3",
        &b,
    );
    Ok(())
}

fn size(bytes: usize) -> civic_figures::Series {
    (bytes as f64).into()
}
