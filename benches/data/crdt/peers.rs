//! The same set in each library.

use civic_crdt::OrSet;
use civic_figures::Outcome;
use civic_types::ReplicaId;
use crdts::{CmRDT, Orswot};
use loro::{ExportMode, LoroDoc};
use yrs::updates::decoder::Decode;
use yrs::{Doc, Map, ReadTxn, StateVector, Transact, Update};

use crate::workload::Change;

pub type Ours = OrSet<String>;
pub type Crdts = Orswot<String, [u8; 32]>;

pub fn change_ours(set: &mut Ours, changes: &[Change]) {
    for Change { side, remove, element } in changes {
        let replica = ReplicaId::from_bytes([*side as u8; 16]);
        if *remove {
            set.remove(replica, element);
        } else {
            set.add(replica, element.clone());
        }
    }
}

pub fn change_crdts(set: &mut Crdts, changes: &[Change]) {
    for Change { side, remove, element } in changes {
        let op = if *remove {
            set.rm(element.clone(), set.contains(element).derive_rm_ctx())
        } else {
            set.add(element.clone(), set.read_ctx().derive_add_ctx([*side as u8; 32]))
        };
        set.apply(op);
    }
}

pub fn elements_ours(set: &Ours) -> Vec<String> {
    sorted(set.iter().cloned())
}

pub fn elements_crdts(set: &Crdts) -> Vec<String> {
    sorted(set.iter().map(|entry| entry.val.clone()))
}

/// A document of yrs with the set as keys of a map, and the update that a change brings.
pub struct Yrs {
    pub base: Vec<u8>,
    pub update: Vec<u8>,
}

impl Yrs {
    pub fn new(common: &[Change], apart: &[Change]) -> Outcome<Self> {
        let doc = Doc::with_client_id(1);
        change_yrs(&doc, common);
        let (base, seen) = {
            let read = doc.transact();
            (read.encode_state_as_update_v1(&StateVector::default()), read.state_vector())
        };
        let other = Self::open(&base, 2)?;
        change_yrs(&other, apart);
        let update = other.transact().encode_state_as_update_v1(&seen);
        Ok(Self { base, update })
    }

    pub fn open(base: &[u8], client: u64) -> Outcome<Doc> {
        let doc = Doc::with_client_id(client);
        Self::apply(&doc, base)?;
        Ok(doc)
    }

    pub fn apply(doc: &Doc, update: &[u8]) -> Outcome {
        doc.transact_mut().apply_update(Update::decode_v1(update)?)?;
        Ok(())
    }

    pub fn elements(doc: &Doc) -> Vec<String> {
        let map = doc.get_or_insert_map(ROOT);
        sorted(map.keys(&doc.transact()).map(str::to_owned))
    }
}

/// A document of loro with the set as keys of a map, and the update that a change brings.
pub struct Loro {
    base: Vec<u8>,
    pub update: Vec<u8>,
}

impl Loro {
    pub fn new(common: &[Change], apart: &[Change]) -> Outcome<Self> {
        let doc = LoroDoc::new();
        doc.set_peer_id(1)?;
        change_loro(&doc, common)?;
        let base = doc.export(ExportMode::Snapshot)?;
        let seen = doc.oplog_vv();
        doc.set_peer_id(2)?;
        change_loro(&doc, apart)?;
        let update = doc.export(ExportMode::updates(&seen))?;
        Ok(Self { base, update })
    }

    /// Opened and read once, so that nothing lazy is left to the import.
    pub fn open(&self) -> Outcome<LoroDoc> {
        let doc = LoroDoc::new();
        doc.import(&self.base)?;
        Self::elements(&doc);
        Ok(doc)
    }

    pub fn elements(doc: &LoroDoc) -> Vec<String> {
        sorted(doc.get_map(ROOT).keys().map(|key| key.to_string()))
    }
}

fn change_yrs(doc: &Doc, changes: &[Change]) {
    let map = doc.get_or_insert_map(ROOT);
    let mut write = doc.transact_mut();
    for Change { remove, element, .. } in changes {
        if *remove {
            map.remove(&mut write, element);
        } else {
            map.insert(&mut write, element.as_str(), true);
        }
    }
}

fn change_loro(doc: &LoroDoc, changes: &[Change]) -> Outcome {
    let map = doc.get_map(ROOT);
    for Change { remove, element, .. } in changes {
        if *remove {
            map.delete(element)?;
        } else {
            // A value that is there already would be no operation: every add writes something else.
            let before = map.get(element).is_some();
            map.insert(element, if before { 2 } else { 1 })?;
        }
    }
    doc.commit();
    Ok(())
}

fn sorted(elements: impl Iterator<Item = String>) -> Vec<String> {
    let mut elements: Vec<_> = elements.collect();
    elements.sort_unstable();
    elements
}

const ROOT: &str = "set";
