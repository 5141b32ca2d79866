//! [`Orphans`]: versions that came before their parents wait here, each sender within a quota.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use civic_types::{Cid, PeerId};

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrphanLimits {
    /// Versions of one sender. Default 512: a burst of some documents' recent history.
    pub per_peer: usize,
    /// Bytes of one sender. Default 2 MiB: as many versions of the largest size that stands in one item.
    pub per_peer_bytes: usize,
    /// Versions of all senders. Default 8192: sixteen senders at their quota.
    pub total: usize,
    /// Bytes of all senders. Default 16 MiB: what a phone spares.
    pub total_bytes: usize,
}

impl Default for OrphanLimits {
    fn default() -> Self {
        Self { per_peer: 512, per_peer_bytes: 2 << 20, total: 8192, total_bytes: 16 << 20 }
    }
}

/// What became of a version that was to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Parked {
    /// It waits.
    Kept,
    /// It waits already, whoever brought it first.
    Known,
    /// It misses nothing and was not kept: it is for the document to admit.
    Needless,
    /// Its sender is at its quota: nothing was kept and nobody else's was dropped.
    OverQuota,
}

/// Versions that wait for parents, of any number of documents.
///
/// A sender at its quota is refused and has only itself to blame. When all senders together are too many,
/// the oldest of whoever holds most bytes goes, so that many senders with little each cannot be pushed out
/// by one with much. What is dropped can be asked for again: nothing counts before it is admitted.
///
/// ```
/// use civic_crdt::orphans::{OrphanLimits, Orphans, Parked};
/// use civic_types::{Cid, HashAlgorithm, PeerId};
///
/// let cid = |byte| Cid::dag_cbor(HashAlgorithm::Sha2_256, &[byte]);
/// let peer = PeerId::from_bytes([1; 32]);
/// let mut orphans = Orphans::new(OrphanLimits::default());
/// assert_eq!(orphans.park(peer, cid(2), vec![cid(1)], 100, "the child"), Parked::Kept);
/// assert_eq!(orphans.wanted().collect::<Vec<_>>(), [&cid(1)]);
/// assert_eq!(orphans.arrived(&cid(1)), [(cid(2), "the child")]);
/// ```
#[derive(Clone, Debug)]
pub struct Orphans<T> {
    limits: OrphanLimits,
    waiting: BTreeMap<Cid, Orphan<T>>,
    /// Missing parents, each with the versions that wait for it.
    wanted: BTreeMap<Cid, BTreeSet<Cid>>,
    senders: BTreeMap<PeerId, Sender>,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Orphan<T> {
    from: PeerId,
    missing: BTreeSet<Cid>,
    bytes: usize,
    content: T,
}

#[derive(Clone, Debug, Default)]
struct Sender {
    /// In order of arrival.
    versions: VecDeque<Cid>,
    bytes: usize,
}

impl<T> Orphans<T> {
    /// Nothing waits.
    #[must_use]
    pub const fn new(limits: OrphanLimits) -> Self {
        Self { limits, waiting: BTreeMap::new(), wanted: BTreeMap::new(), senders: BTreeMap::new(), bytes: 0 }
    }

    /// Lets a version wait for these parents.
    ///
    /// `bytes` is what the version costs, its body included.
    pub fn park(
        &mut self,
        from: PeerId,
        version: Cid,
        missing: Vec<Cid>,
        bytes: usize,
        content: T,
    ) -> Parked {
        if self.waiting.contains_key(&version) {
            return Parked::Known;
        }
        if missing.is_empty() {
            return Parked::Needless;
        }
        let held = self.senders.get(&from);
        let (count, size) = held.map_or((0, 0), |sender| (sender.versions.len(), sender.bytes));
        if count >= self.limits.per_peer || size.saturating_add(bytes) > self.limits.per_peer_bytes {
            return Parked::OverQuota;
        }
        while self.waiting.len() >= self.limits.total
            || self.bytes.saturating_add(bytes) > self.limits.total_bytes
        {
            let most = self.senders.iter().max_by_key(|(_, sender)| sender.bytes);
            let Some((most, oldest)) =
                most.and_then(|(peer, sender)| Some((*peer, sender.versions.front()?)))
            else {
                return Parked::OverQuota;
            };
            if most == from {
                return Parked::OverQuota;
            }
            self.drop_version(&oldest.clone());
        }
        for parent in &missing {
            self.wanted.entry(parent.clone()).or_default().insert(version.clone());
        }
        let sender = self.senders.entry(from).or_default();
        sender.versions.push_back(version.clone());
        sender.bytes += bytes;
        self.bytes += bytes;
        let missing = missing.into_iter().collect();
        self.waiting.insert(version, Orphan { from, missing, bytes, content });
        Parked::Kept
    }

    /// A version is admitted: gives those that waited for nothing else, to be admitted now, ascending.
    pub fn arrived(&mut self, parent: &Cid) -> Vec<(Cid, T)> {
        let children = self.wanted.remove(parent).unwrap_or_default();
        let mut ready = Vec::new();
        for child in children {
            let Some(orphan) = self.waiting.get_mut(&child) else { continue };
            orphan.missing.remove(parent);
            if orphan.missing.is_empty() {
                ready.extend(self.drop_version(&child).map(|content| (child, content)));
            }
        }
        ready
    }

    /// A version was refused: drops whatever waits for it, and for that, and gives what was dropped.
    pub fn refused(&mut self, version: &Cid) -> Vec<Cid> {
        let mut dropped = Vec::new();
        let mut open = vec![version.clone()];
        while let Some(next) = open.pop() {
            for child in self.wanted.remove(&next).unwrap_or_default() {
                self.drop_version(&child);
                open.push(child.clone());
                dropped.push(child);
            }
        }
        dropped
    }

    /// Drops what a sender brought, for instance because it is blocked now.
    pub fn forget(&mut self, from: &PeerId) {
        let versions = self.senders.get(from).map(|sender| sender.versions.clone()).unwrap_or_default();
        for version in versions {
            self.drop_version(&version);
        }
    }

    /// The parents to ask for: those that do not wait here themselves, ascending.
    pub fn wanted(&self) -> impl Iterator<Item = &Cid> {
        self.wanted.keys().filter(|cid| !self.waiting.contains_key(cid))
    }

    /// Number of versions that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes of what waits, as told to [`park`](Self::park).
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn drop_version(&mut self, version: &Cid) -> Option<T> {
        let orphan = self.waiting.remove(version)?;
        for parent in &orphan.missing {
            if let Some(children) = self.wanted.get_mut(parent) {
                children.remove(version);
                if children.is_empty() {
                    self.wanted.remove(parent);
                }
            }
        }
        if let Some(sender) = self.senders.get_mut(&orphan.from) {
            sender.versions.retain(|other| other != version);
            sender.bytes -= orphan.bytes;
            if sender.versions.is_empty() {
                self.senders.remove(&orphan.from);
            }
        }
        self.bytes -= orphan.bytes;
        Some(orphan.content)
    }
}
