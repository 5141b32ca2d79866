//! G15-load: a history taken cold from its bytes. And what is kept so that nothing is taken twice.

use automerge::Automerge;
use civic_benches_data::{Change, Random, SEED, automerge as in_automerge, edits, insert_all, shown};
use civic_crdt::Document;
use civic_crdt::document::BodyState;
use civic_crdt::version::pack::{deflate, inflate, pack, unpack};
use civic_crdt::version::{ChainLink, Rules, authenticate};
use civic_figures::{Outcome, beside, cpu, figure, progress, rounds, same};
use civic_types::label::Label;
use civic_types::{PublicKey, Signature};
use ed25519_dalek::VerifyingKey;

use crate::{History, VERSIONS};

/// Versions of a long history.
const LONG: usize = 100_000;

/// A pack of ours loads with every header rebuilt and its CID computed, the run's signature verified, and every body
/// folded; automerge checks the checksum of its chunk and computes the hash of every change to compare the heads.
pub fn run() -> Outcome {
    progress("load");
    let edits = edits(VERSIONS, &mut Random(SEED));
    let History { document, record, versions } = History::new(&edits)?;
    let packed = deflate(&pack(&[record], &versions)?);
    same("the document loaded", &load(&packed)?.heads(), &document.heads())?;
    same("what it shows", &load(&packed)?.view(), &document.view())?;
    let mut forged = versions;
    forged.last_mut().into_iter().for_each(|last| last.signature = Some(Signature::from_bytes([7; 64])));
    same("a forged run", &load(&deflate(&pack(&[record], &forged)?)).is_err(), &true)?;

    let saved = saved_by_automerge(&edits)?;
    let loaded = Automerge::load(&saved)?;
    same("the document in automerge", &shown(document.view().as_ref()), &in_automerge::shown(&loaded))?;
    let millis = |spent: f64| spent / 1e6;
    let (a, b) = rounds(|| millis(cpu(|| load(&packed)).1), || millis(cpu(|| Automerge::load(&saved)).1));
    let what = "10 000 versions: deflated pack inflated, CIDs computed, signature verified, folded";
    beside("G15-load", what, "ms", &a, "automerge 0.12", &b);
    let sizes = [packed.len(), saved.len()].map(|bytes| (bytes as f64 / VERSIONS as f64).into());
    beside("G15-bytes", "the bytes that were loaded, a version", "B", &sizes[0], "automerge 0.12", &sizes[1]);
    Ok(())
}

/// A long history opened from what a device keeps for itself, beside folding its versions again.
pub fn run_long() -> Outcome {
    progress("open: writing");
    let History { document, versions, .. } = History::new(&edits(LONG, &mut Random(SEED)))?;
    let saved = document.save();
    let insert = || {
        let mut document = Document::default();
        insert_all(&mut document, &versions).map(|()| document)
    };
    same("the document opened", &Document::open(&saved)?.view(), &document.view())?;
    same("the document inserted", &insert()?.heads(), &Document::open(&saved)?.heads())?;
    progress("open");
    let millis = |spent: f64| spent / 1e6;
    let (a, b) = rounds(|| millis(cpu(|| Document::open(&saved)).1), || millis(cpu(insert).1));
    beside("open-100k", "100 000 versions: a saved document opened", "ms", &a, "inserting them all", &b);
    figure(
        "open-100k-bytes",
        "that saved document, a version",
        "B",
        &(saved.len() as f64 / LONG as f64).into(),
    );
    Ok(())
}

fn load(deflated: &[u8]) -> Outcome<Document> {
    let opened = unpack(&inflate(deflated)?, |_| Some(Rules::default()))?;
    let headers = opened.versions.iter().map(|packed| (ChainLink::from(&packed.version), packed.signature));
    let found = authenticate(headers, &opened.records, &verifies);
    let authentic = opened.versions.iter().filter(|packed| found.authentic.contains(packed.version.cid()));
    let versions = authentic.map(|packed| (&packed.version, BodyState::of(&packed.version)));
    let mut document = Document::default();
    let inserted = document.insert_all(versions);
    let all = inserted.admitted.len() == opened.versions.len();
    if all { Ok(document) } else { Err("a version does not count".into()) }
}

fn verifies(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    let signed = [Label::ITEM.as_bytes(), message].concat();
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    VerifyingKey::from_bytes(key.as_bytes()).is_ok_and(|key| key.verify_strict(&signed, &signature).is_ok())
}

fn saved_by_automerge(edits: &[Change]) -> Outcome<Vec<u8>> {
    let mut doc = Automerge::new().with_actor(in_automerge::writer(1));
    for edit in edits {
        in_automerge::change(&mut doc, std::slice::from_ref(edit))?;
    }
    Ok(doc.save())
}
