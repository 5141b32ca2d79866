use std::collections::BTreeSet;

use bytes::Bytes;
use civic_types::time::Stamp;
use civic_types::{Cid, CollectionId, DocumentId, DocumentKey, FieldOp, FieldPath, ReplicaId, Value};

use super::operation::RawOperation;
use super::trace::{Spoil, Step};
use crate::Document;
use crate::document::{Author, BodyState, Past, Plan, write};
use crate::version::{Body, BodyRef, Header, Rules, Version};

/// What came of a trace's steps.
pub(super) struct Played {
    /// Every version, parents before children, with its body as far as anybody can read it.
    pub(super) versions: Vec<(Version, BodyState)>,
    /// Versions that must be refused by whoever holds the others.
    pub(super) illegal: Vec<Version>,
}

/// Plays the steps on devices that start with nothing.
pub(super) fn play(steps: &[Step]) -> Option<Played> {
    let key = DocumentKey::new(CollectionId::from_bytes([9; 32]), DocumentId::new("pump-3").ok()?);
    let devices = (1..=DEVICES).map(Device::new).collect();
    let played = Played { versions: Vec::new(), illegal: Vec::new() };
    let mut world = World { key, devices, replicas: DEVICES, played };
    for step in steps {
        world.take(step);
    }
    Some(world.played)
}

struct World {
    key: DocumentKey,
    devices: Vec<Device>,
    /// Replica ids given out.
    replicas: u8,
    played: Played,
}

#[derive(Clone)]
struct Device {
    replica: ReplicaId,
    document: Document,
    /// What it wrote as this replica.
    log: Vec<Cid>,
    /// Its wall clock.
    millis: u64,
}

impl Device {
    fn new(number: u8) -> Self {
        let replica = ReplicaId::from_bytes([number; 16]);
        Self { replica, document: Document::default(), log: Vec::new(), millis: 0 }
    }
}

impl World {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Clock { device, millis } => self.change(*device, |device| device.millis = *millis),
            Step::Fork { device } if self.devices.len() < MAX_DEVICES => {
                let twin = self.device(*device);
                self.devices.extend(twin.map(|twin| Device { millis: twin.millis + 1, ..twin }));
            }
            Step::Fork { .. } => {}
            Step::Branch { device, heads, changes } => self.branch(*device, heads, changes),
            Step::Pull { device, from } => self.pull(*device, *from),
            Step::Patch { device, base, changes } => self.plan(*device, |document| {
                let base = base.as_ref().map_or_else(|| document.heads(), |base| pick(document, base));
                document.patch(&base, &fitting(document, &base, changes)).ok()
            }),
            Step::Put { device, value: Some(value) } => {
                self.plan(*device, |document| document.put(&document.heads(), value).ok());
            }
            Step::Put { device, value: None } => {
                self.plan(*device, |document| document.delete(&document.heads()).ok());
            }
            Step::Raw { device, parents, operations, spoil } => {
                self.raw(*device, parents, operations, *spoil);
            }
            Step::Restart { device } => {
                let replica = self.new_replica();
                self.change(*device, |device| {
                    device.replica = replica;
                    device.log.clear();
                });
            }
            Step::Rollback { device, to } => {
                self.plan(*device, |document| document.rollback(&pick(document, to)).ok());
            }
        }
    }

    /// Writes on a checkout, as a replica of its own, and takes the branch home.
    fn branch(&mut self, at: usize, heads: &[usize], changes: &[FieldOp]) {
        let replica = self.new_replica();
        let Some(home) = self.device(at) else { return };
        let Ok(document) = home.document.checkout(&pick(&home.document, heads)) else { return };
        let mut branch = Device { replica, document, log: Vec::new(), millis: home.millis };
        let changes = fitting(&branch.document, &branch.document.heads(), changes);
        if let Ok(plan) = branch.document.patch(&branch.document.heads(), &changes)
            && let Some((version, body)) = self.write(&mut branch, &plan)
        {
            self.change(at, |home| drop(home.document.insert(&version, body.clone())));
            self.played.versions.push((version, body));
        }
    }

    fn pull(&mut self, at: usize, from: Option<usize>) {
        let from: Vec<Device> = match from {
            Some(from) => self.device(from).into_iter().collect(),
            None => self.devices.clone(),
        };
        let versions = self.played.versions.clone();
        let offered = versions
            .iter()
            .filter(|(version, _)| from.iter().any(|device| device.document.contains(version.cid())));
        self.change(at, |device| {
            offered.for_each(|(version, body)| drop(device.document.insert(version, body.clone())));
        });
    }

    fn plan(&mut self, at: usize, plan: impl FnOnce(&Document) -> Option<Plan>) {
        // A refused plan writes nothing.
        let Some(mut device) = self.device(at) else { return };
        let Some(plan) = plan(&device.document) else { return };
        let Some((version, body)) = self.write(&mut device, &plan) else { return };
        self.change(at, |slot| *slot = device);
        self.played.versions.push((version, body));
    }

    fn write(&self, device: &mut Device, plan: &Plan) -> Option<(Version, BodyState)> {
        if plan.is_empty() {
            return None;
        }
        let author = Author {
            replica: device.replica,
            position: position(&device.log),
            previous: device.log.last().cloned(),
            stamp: self.stamp(device, &device.document.heads()),
        };
        let written = write(&device.document, &self.key, plan, &author, None, &Rules::default()).ok()?;
        let body = written.body();
        device.log.push(written.version.cid().clone());
        drop(device.document.insert(&written.version, body.clone()));
        Some((written.version, body))
    }

    /// An admissible header around a body that need not mean anything, or one that must be refused.
    fn raw(&mut self, at: usize, parents: &[usize], operations: &[RawOperation], spoil: Spoil) {
        let Some(mut device) = self.device(at) else { return };
        let mut parents = pick(&device.document, parents);
        parents.sort();
        parents.dedup();
        let own = self.own(&device.replica, &parents);
        let last_dot = own.iter().map(|header| header.last_dot()).max().unwrap_or_default();
        let operations: Vec<_> = operations.iter().map(RawOperation::operation).collect();
        let count = u64::try_from(operations.len()).unwrap_or(u64::MAX);
        let mut body = Body::new(operations).encode();
        if spoil == Spoil::Body {
            body.push(0);
        }
        let stamp = match own.iter().map(|header| header.stamp).max() {
            Some(last) if spoil == Spoil::Time => last,
            _ => self.stamp(&device, &parents),
        };
        let is_illegal = spoil == Spoil::Dot || (spoil == Spoil::Time && !own.is_empty());
        let header = Header {
            auth: None,
            body: BodyRef::Inline(Bytes::from(body)),
            collection: self.key.collection,
            document: self.key.document.clone(),
            group: None,
            position: position(&device.log),
            operations: count + u64::from(spoil == Spoil::Count),
            parents,
            previous: device.log.last().cloned(),
            replica: device.replica,
            first_dot: last_dot + 1 + u64::from(spoil == Spoil::Dot),
            stamp,
        };
        let Ok(version) = Version::from_header(&header, &Rules::default()) else { return };
        if is_illegal {
            return self.played.illegal.push(version);
        }
        let is_known = self.played.versions.iter().any(|(known, _)| known.cid() == version.cid());
        let unreadable = spoil == Spoil::Unreadable;
        let body = if unreadable { BodyState::Unreadable } else { BodyState::of(&version) };
        device.log.push(version.cid().clone());
        drop(device.document.insert(&version, body.clone()));
        self.change(at, |slot| *slot = device);
        if !is_known {
            self.played.versions.push((version, body));
        }
    }

    /// By the wall clock, but after the replica's last among the ancestors: equal ones of others come up.
    fn stamp(&self, device: &Device, parents: &[Cid]) -> Stamp {
        let now = Stamp { millis: device.millis, counter: 0 };
        let own = self.own(&device.replica, parents);
        match own.iter().map(|header| header.stamp).max() {
            Some(last) if last >= now => match last.counter.checked_add(1) {
                Some(counter) => Stamp { counter, ..last },
                None => Stamp { millis: last.millis + 1, counter: 0 },
            },
            _ => now,
        }
    }

    /// The replica's versions among some versions and their ancestors.
    fn own(&self, replica: &ReplicaId, versions: &[Cid]) -> Vec<&Header> {
        let mut open: Vec<&Cid> = versions.iter().collect();
        let (mut seen, mut own) = (BTreeSet::new(), Vec::new());
        while let Some(next) = open.pop() {
            let found = self.played.versions.iter().find(|(version, _)| version.cid() == next);
            let Some((version, _)) = found.filter(|_| seen.insert(next)) else { continue };
            open.extend(&version.header().parents);
            own.extend((version.header().replica == *replica).then(|| version.header()));
        }
        own
    }

    fn new_replica(&mut self) -> ReplicaId {
        self.replicas = self.replicas.saturating_add(1);
        ReplicaId::from_bytes([self.replicas; 16])
    }

    fn device(&self, at: usize) -> Option<Device> {
        self.devices.get(at.checked_rem(self.devices.len())?).cloned()
    }

    fn change(&mut self, at: usize, change: impl FnOnce(&mut Device)) {
        let at = at.checked_rem(self.devices.len()).unwrap_or_default();
        self.devices.get_mut(at).map(change);
    }
}

/// Versions of a document, counted modulo how many it has.
fn pick(document: &Document, numbers: &[usize]) -> Vec<Cid> {
    let pick = |number: &usize| document.versions().nth(number.checked_rem(document.len())?);
    numbers.iter().filter_map(pick).map(|version| version.cid().clone()).collect()
}

/// The changes that each alone could be made at a base, splices made to fit what is there.
fn fitting(document: &Document, base: &[Cid], changes: &[FieldOp]) -> Vec<FieldOp> {
    let Ok(past) = document.at(base) else { return Vec::new() };
    let changes = changes.iter().map(|change| fit(change, &past));
    changes.filter(|change| document.patch(base, std::slice::from_ref(change)).is_ok()).collect()
}

fn fit(change: &FieldOp, past: &Past<'_>) -> FieldOp {
    let length = |path: &FieldPath| match past.field(path) {
        Some(Value::Text(text)) => text.chars().count(),
        Some(Value::List(list)) => list.len(),
        _ => 0,
    };
    let mut change = change.clone();
    if let FieldOp::Splice { path, index, remove, .. } | FieldOp::SpliceText { path, index, remove, .. } =
        &mut change
    {
        *index %= length(path) + 1;
        *remove = (*remove).min(length(path) - *index);
    }
    change
}

fn position(log: &[Cid]) -> u64 {
    u64::try_from(log.len()).unwrap_or(u64::MAX).saturating_add(1)
}

/// Honest devices at the start.
const DEVICES: u8 = 3;

/// Copies stop there: small histories meet more.
const MAX_DEVICES: usize = 5;
