use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use civic_crdt::document::BodyState;
use civic_crdt::version::pack::{self, PackedVersion, Unpacked};
use civic_crdt::version::{Admission, Authenticated, ChainLink, authenticate};
use civic_store::{CommitHook, Precondition, ReadView, WriteBatch};
use civic_types::item::ReplicaRecord;
use civic_types::time::Stamp;
use civic_types::{Cid, CollectionId, PeerId, PublicKey, ReplicaId, Signature};

use super::shared::Shared;
use super::txn::Txn;
use crate::error::Error;
use crate::table::{self, StoredVersion};

/// Of a run with a signature on every version, one in so many is kept: the others add nothing but bytes.
const SIGNATURE_EVERY: usize = 32;

/// What became of a pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Versions that were new.
    pub admitted: usize,
    /// Versions that were held already.
    pub known: usize,
    /// Versions that wait for parents.
    pub parked: usize,
    /// The greatest stamp among the new ones.
    pub latest: Option<Stamp>,
}

/// A pack whose signatures have been verified.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) collection: CollectionId,
    records: Vec<ReplicaRecord>,
    versions: Vec<StoredVersion>,
    authentic: BTreeSet<Cid>,
    /// Where runs end: versions with a signature of their own.
    ends: BTreeSet<usize>,
    signatures: Signatures,
    from: PeerId,
}

/// Which signatures of a pack are verified and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signatures {
    /// Every one.
    All,
    /// As many as prove the whole, and one in 32 of a long run.
    Sparse,
}

impl Incoming {
    /// Verifies what the pack brings; outside the store's lock.
    pub(super) fn verify(
        shared: &Shared,
        unpacked: Unpacked,
        from: PeerId,
        mut signatures: Signatures,
    ) -> Self {
        let verify = |key: &PublicKey, message: &[u8], signature: &Signature| {
            shared
                .verifier
                .key(key)
                .and_then(|key| key.verify(civic_types::label::Label::ITEM, message, signature))
                .is_ok()
        };
        let links = |keep: &dyn Fn(usize) -> bool| -> Vec<(ChainLink, Option<Signature>)> {
            let versions = unpacked.versions.iter().enumerate();
            versions.map(|(at, v)| (ChainLink::from(&v.version), v.signature.filter(|_| keep(at)))).collect()
        };
        let mut found = Authenticated::default();
        if signatures == Signatures::Sparse {
            let kept = thin(&unpacked.versions);
            found = authenticate(links(&|at| kept.contains(&at)), &unpacked.records, &verify);
        }
        if found.authentic.len() < unpacked.versions.len() {
            signatures = Signatures::All;
            found = authenticate(links(&|_| true), &unpacked.records, &verify);
            // Each signature by itself: the version that vouches for another may have to wait.
            for link in links(&|_| true) {
                found.signed.extend(authenticate([link], &unpacked.records, &verify).signed);
            }
        }
        let ends: BTreeSet<usize> = match signatures {
            Signatures::All => places(&unpacked.versions, |v| found.signed.contains(v.version.cid())),
            Signatures::Sparse => places(&unpacked.versions, |v| v.signature.is_some()),
        };
        let versions = unpacked.versions.into_iter().map(|packed| StoredVersion {
            signature: packed.signature.filter(|_| found.signed.contains(packed.version.cid())),
            version: packed.version,
            block: packed.block,
        });
        Self {
            collection: unpacked.collection,
            records: unpacked.records,
            versions: versions.collect(),
            authentic: found.authentic,
            ends,
            signatures,
            from,
        }
    }
}

/// The places of versions of which something holds.
fn places(versions: &[PackedVersion], holds: impl Fn(&PackedVersion) -> bool) -> BTreeSet<usize> {
    versions.iter().enumerate().filter(|(_, version)| holds(version)).map(|(at, _)| at).collect()
}

/// Which signatures of each log are worth verifying: the last, and every 32nd of a long run.
fn thin(versions: &[PackedVersion]) -> BTreeSet<usize> {
    let mut logs: BTreeMap<ReplicaId, Vec<(u64, usize)>> = BTreeMap::new();
    for (at, packed) in versions.iter().enumerate().filter(|(_, packed)| packed.signature.is_some()) {
        let header = packed.version.header();
        logs.entry(header.replica).or_default().push((header.position, at));
    }
    let mut kept = BTreeSet::new();
    for log in logs.values_mut() {
        log.sort_unstable();
        kept.extend(log.iter().rev().step_by(SIGNATURE_EVERY).map(|(_, at)| *at));
    }
    kept
}

/// Admits a pack inside the store's transaction: each author's signed run as a whole or not at all.
#[derive(Debug)]
pub(super) struct ImportHook {
    pub(super) shared: Arc<Shared>,
    pub(super) incoming: Incoming,
    /// The parked record that the pack comes from: removed with its admission, or everything stays.
    pub(super) parked: Option<Bytes>,
    pub(super) outcome: Mutex<Outcome>,
}

/// What the hook has to say besides whether the batch was committed.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) imported: Imported,
    /// The pack was not admitted, because some of it has to wait and the rest would lose its proof: verify
    /// all its signatures and come again.
    pub(super) sparse: bool,
}

impl CommitHook for ImportHook {
    fn on_commit(&self, view: &dyn ReadView, batch: &mut WriteBatch) -> Result<(), civic_store::Error> {
        let (txn, imported) = self.admit(view)?;
        let sparse = imported.parked > 0 && self.incoming.signatures == Signatures::Sparse;
        let waits_on = imported.parked > 0 && self.parked.is_some();
        if !sparse && !waits_on {
            let record =
                self.parked.iter().map(|key| (table::remove(table::PARKED, key.clone()), Precondition::None));
            batch.ops.extend(record);
            batch.ops.extend(txn.finish()?.into_iter().map(|op| (op, Precondition::None)));
        }
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Outcome { imported, sparse };
        Ok(())
    }
}

impl ImportHook {
    fn admit<'a>(&'a self, view: &'a dyn ReadView) -> Result<(Txn<'a>, Imported), Error> {
        let mut txn = Txn::new(view, &self.shared);
        let (collection, versions) = (self.incoming.collection, &self.incoming.versions);
        let mut imported = Imported::default();
        let mut new: Vec<usize> = Vec::new();
        for (at, stored) in versions.iter().enumerate() {
            if txn.holds(&collection, stored.version.cid())? {
                imported.known += 1;
            } else {
                new.push(at);
            }
        }
        self.check_authentic(&mut txn, &new)?;
        let parked = self.without_parents(&mut txn, &mut new)?;
        self.keep_records(&mut txn, &new)?;
        for at in new {
            let Some(stored) = versions.get(at) else { continue };
            self.admit_one(&mut txn, stored)?;
            imported.admitted += 1;
            imported.latest = imported.latest.max(Some(stored.version.header().stamp));
        }
        imported.parked = parked.len();
        self.park(&mut txn, &parked)?;
        Ok((txn, imported))
    }

    /// Every new version must be its author's: by a signature in the pack or by a held version that follows.
    fn check_authentic(&self, txn: &mut Txn<'_>, new: &[usize]) -> Result<(), Error> {
        let mut vouched = self.incoming.authentic.clone();
        for at in new.iter().rev() {
            let Some(stored) = self.incoming.versions.get(*at) else { continue };
            let cid = stored.version.cid();
            if !vouched.contains(cid) && !txn.vouched_by_held(&stored.version)? {
                return Err(Error::Refused { what: "a version is not its author's" });
            }
            vouched.insert(cid.clone());
            vouched.extend(stored.version.header().previous.clone());
        }
        Ok(())
    }

    /// Takes runs out of `new` that miss a parent, and all that build on them.
    fn without_parents(&self, txn: &mut Txn<'_>, new: &mut Vec<usize>) -> Result<Vec<usize>, Error> {
        let collection = self.incoming.collection;
        let runs = self.runs();
        let mut parked: BTreeSet<usize> = BTreeSet::new();
        let mut coming: BTreeSet<&Cid> = new.iter().filter_map(|at| self.cid(*at)).collect();
        loop {
            let mut lacking = BTreeSet::new();
            for at in new.iter().filter(|at| !parked.contains(at)) {
                let Some(stored) = self.incoming.versions.get(*at) else { continue };
                for parent in &stored.version.header().parents {
                    if !coming.contains(parent) && !txn.holds(&collection, parent)? {
                        lacking.extend(runs.get(at).copied());
                    }
                }
            }
            if lacking.is_empty() {
                break;
            }
            for at in new.iter().filter(|at| runs.get(at).is_some_and(|run| lacking.contains(run))) {
                parked.insert(*at);
                if let Some(cid) = self.cid(*at) {
                    coming.remove(cid);
                }
            }
        }
        new.retain(|at| !parked.contains(at));
        self.topological(new);
        Ok(parked.into_iter().collect())
    }

    /// Puts parents before children; packs are nearly so already.
    fn topological(&self, new: &mut Vec<usize>) {
        let all: BTreeSet<&Cid> = new.iter().filter_map(|at| self.cid(*at)).collect();
        let (mut placed, mut ordered) = (BTreeSet::new(), Vec::with_capacity(new.len()));
        let mut rest = std::mem::take(new);
        while !rest.is_empty() {
            let before = rest.len();
            rest.retain(|at| {
                let Some(stored) = self.incoming.versions.get(*at) else { return false };
                let parents = &stored.version.header().parents;
                let ready = parents.iter().all(|parent| placed.contains(parent) || !all.contains(parent));
                if ready {
                    placed.insert(stored.version.cid());
                    ordered.push(*at);
                }
                !ready
            });
            // Hashes cannot form a cycle, so every pass places at least one.
            if rest.len() == before {
                break;
            }
        }
        *new = ordered;
    }

    /// The number of the run that each version is part of: a log's versions up to and with a signature.
    fn runs(&self) -> BTreeMap<usize, usize> {
        let mut logs: BTreeMap<ReplicaId, Vec<(u64, usize)>> = BTreeMap::new();
        for (at, stored) in self.incoming.versions.iter().enumerate() {
            let header = stored.version.header();
            logs.entry(header.replica).or_default().push((header.position, at));
        }
        let (mut runs, mut run) = (BTreeMap::new(), 0);
        for log in logs.values_mut() {
            log.sort_unstable();
            for (_, at) in log {
                runs.insert(*at, run);
                run += usize::from(self.incoming.ends.contains(at));
            }
            run += 1;
        }
        runs
    }

    fn admit_one(&self, txn: &mut Txn<'_>, stored: &StoredVersion) -> Result<(), Error> {
        let body = stored.block.clone().map_or_else(|| BodyState::of(&stored.version), BodyState::Readable);
        let document = &mut txn.document(&stored.version.key())?.document;
        match document.insert(&stored.version, body) {
            Admission::Admitted => txn.add(stored, Some(self.incoming.from)),
            Admission::Known => Ok(()),
            // Its parents are held, so one of them is of another document.
            Admission::Parked { .. } => Err(Error::Refused { what: "a parent is of another document" }),
            Admission::Refused(_) => Err(Error::Refused { what: "a version contradicts its ancestors" }),
        }
    }

    /// Remembers the records of the replicas whose versions are new.
    fn keep_records(&self, txn: &mut Txn<'_>, new: &[usize]) -> Result<(), Error> {
        let versions = new.iter().filter_map(|at| self.incoming.versions.get(*at));
        let replicas: BTreeSet<ReplicaId> = versions.map(|stored| stored.version.header().replica).collect();
        for record in &self.incoming.records {
            let id = record.id();
            if !replicas.contains(&id) {
                continue;
            }
            let bytes = record.to_bytes();
            let held = txn.view().record(table::REPLICA, id.as_bytes())?.unwrap_or_default();
            if !held.as_chunks::<48>().0.contains(&bytes) && held.len() < MAX_RECORDS * bytes.len() {
                let key = Bytes::copy_from_slice(id.as_bytes());
                txn.push(table::put(table::REPLICA, key, [&held[..], &bytes].concat()));
            }
        }
        Ok(())
    }

    /// Keeps what waits, under quota; beyond it, it is dropped and comes again with the next round.
    fn park(&self, txn: &mut Txn<'_>, parked: &[usize]) -> Result<(), Error> {
        let waiting: Vec<&StoredVersion> =
            parked.iter().filter_map(|at| self.incoming.versions.get(*at)).collect();
        let replicas: BTreeSet<ReplicaId> = waiting.iter().map(|v| v.version.header().replica).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let records: Vec<_> =
            self.incoming.records.iter().filter(|r| replicas.contains(&r.id())).copied().collect();
        let versions = waiting.into_iter().map(|stored| PackedVersion {
            version: stored.version.clone(),
            signature: stored.signature,
            block: stored.block.clone(),
        });
        let bytes = pack::pack(&records, &versions.collect::<Vec<_>>())?;
        let (of_peer, of_all) = super::park::scans(&self.incoming.from);
        let (of_peer, of_all) = (txn.view().records(&of_peer)?, txn.view().records(&of_all)?);
        if let Some(key) = super::park::room_for(&self.incoming.from, &bytes, &of_peer, &of_all) {
            txn.push(table::put(table::PARKED, key, bytes));
        }
        Ok(())
    }

    fn cid(&self, at: usize) -> Option<&Cid> {
        self.incoming.versions.get(at).map(|stored| stored.version.cid())
    }
}

/// Records of one replica id that are kept: more than one means that somebody found a collision of 128 bits.
const MAX_RECORDS: usize = 4;

/// Puts a block beside the version that links it.
#[derive(Debug)]
pub(super) struct BlockHook {
    pub(super) shared: Arc<Shared>,
    pub(super) collection: CollectionId,
    pub(super) block: Cid,
    pub(super) bytes: Bytes,
}

impl CommitHook for BlockHook {
    fn on_commit(&self, view: &dyn ReadView, batch: &mut WriteBatch) -> Result<(), civic_store::Error> {
        let mut txn = Txn::new(view, &self.shared);
        txn.add_block(self.collection, &self.block, &self.bytes)?;
        batch.ops.extend(txn.finish()?.into_iter().map(|op| (op, Precondition::None)));
        Ok(())
    }
}
