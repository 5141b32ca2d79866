//! G6 to G8: documents of eight fields in four libraries.

mod automerge;
mod loro;
mod ours;
mod yrs;

use civic_benches_data::{Change, FIELDS, Fields, Random, SEED, household};
use civic_figures::{Outcome, Series, above, beside, cpu, figure, progress, rounds, same};

use self::automerge::Automerge;
use self::loro::Loro;
use self::ours::Ours;
use self::yrs::Yrs;
use crate::live::bytes_of;

/// Documents in a round.
const DOCUMENTS: usize = 500;

/// A library that keeps documents.
trait Library {
    /// An open document.
    type Document;

    /// What one side has when it has written a document and one change more, and gets from the other, which wrote
    /// one change beside that one.
    fn write(work: &Work) -> Outcome<Sent>;

    /// Opens what there is here and takes what was sent.
    fn merge(sent: &Sent) -> Outcome<Self::Document>;

    /// The merged document as bytes, history and all.
    fn encode(sent: &Sent) -> Outcome<Vec<u8>>;

    /// What is shown.
    fn shown(document: &Self::Document) -> Fields;
}

/// What happens to one document.
struct Work {
    fields: Vec<Change>,
    /// A change of each side, of different fields.
    changes: [Change; 2],
}

/// The bytes that one side has, and those that it gets.
struct Sent {
    here: Vec<u8>,
    update: Vec<u8>,
}

pub fn run() -> Outcome {
    let work = work();
    let ours = written::<Ours>(&work)?;
    let (size, live) = (encoded_bytes::<Ours>(&ours)?, live_bytes::<Ours>(&ours)?);
    let many = ours::packed_together(&work)? as f64 / DOCUMENTS as f64;
    figure("G7-many", "those bytes where 500 documents of two authors travel in one pack", "B", &many.into());
    compare::<Automerge>("automerge", "automerge 0.12", &work, &ours, [&size, &live])?;
    compare::<Loro>("loro", "loro 1.17", &work, &ours, [&size, &live])?;
    compare::<Yrs>("yrs", "yrs 0.28", &work, &ours, [&size, &live])
}

fn compare<L: Library>(
    id: &str,
    peer: &str,
    work: &[Work],
    ours: &[Sent],
    [size, live]: [&Series; 2],
) -> Outcome {
    progress(&format!("documents: {id}"));
    let theirs = written::<L>(work)?;
    let (a, b) = rates::<L>(ours, &theirs);
    let what = "8 fields, one changed on each side: decoded, validated, merged";
    above(&format!("G6-{id}"), what, "documents/s", &a, peer, &b);
    let what = "8 fields and two changes beside each other: the document's bytes";
    beside(&format!("G7-{id}"), what, "B", size, peer, &encoded_bytes::<L>(&theirs)?);
    let what = "8 fields and two changes beside each other: heap bytes of the open document";
    beside(&format!("G8-{id}"), what, "B", live, peer, &live_bytes::<L>(&theirs)?);
    Ok(())
}

fn work() -> Vec<Work> {
    let mut random = Random(SEED);
    let mut one = || {
        let fields = household(&mut random);
        let (first, apart) = (random.below(FIELDS.len()), 1 + random.below(FIELDS.len() - 1));
        let changes = [first, (first + apart) % FIELDS.len()].map(|field| fields[field].another(&mut random));
        Work { fields, changes }
    };
    (0..DOCUMENTS).map(|_| one()).collect()
}

/// What each document is on both sides; merged, it must show what was written last to each field.
fn written<L: Library>(work: &[Work]) -> Outcome<Vec<Sent>> {
    let mut all = Vec::new();
    for work in work {
        let sent = L::write(work)?;
        let last = work.fields.iter().chain(&work.changes);
        let fields = last.map(|change| (change.field.to_owned(), change.value.to_string())).collect();
        same("the merged document", &L::shown(&L::merge(&sent)?), &fields)?;
        all.push(sent);
    }
    Ok(all)
}

/// Documents a second, ours and theirs.
fn rates<L: Library>(ours: &[Sent], theirs: &[Sent]) -> (Series, Series) {
    fn rate<L: Library>(sent: &[Sent]) -> f64 {
        let merge = || sent.iter().filter(|sent| L::merge(sent).is_ok()).count();
        let (merged, nanos) = cpu(merge);
        merged as f64 / nanos * 1e9
    }
    rounds(|| rate::<Ours>(ours), || rate::<L>(theirs))
}

fn encoded_bytes<L: Library>(sent: &[Sent]) -> Outcome<Series> {
    let mut all = 0;
    for sent in sent {
        all += L::encode(sent)?.len();
    }
    Ok((all as f64 / sent.len() as f64).into())
}

fn live_bytes<L: Library>(sent: &[Sent]) -> Outcome<Series> {
    // Once before, so that what a library makes once and for all is not counted.
    let merge = || -> Outcome<Vec<L::Document>> { sent.iter().map(L::merge).collect() };
    merge()?;
    let (documents, live) = bytes_of(merge);
    Ok((live as f64 / documents?.len() as f64).into())
}
