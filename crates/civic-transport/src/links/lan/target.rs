use std::collections::{BTreeMap, BTreeSet};

use civic_types::PeerId;
use tokio::task::AbortHandle;

use crate::peer::PeerAddr;

/// The addresses that are kept dialled.
#[derive(Debug, Default)]
pub(super) struct Targets {
    next: u64,
    all: BTreeMap<u64, Target>,
}

#[derive(Debug)]
struct Target {
    address: PeerAddr,
    /// Who answered there, once somebody has.
    peer: Option<PeerId>,
    task: Option<AbortHandle>,
}

impl Targets {
    /// Adds an address in place of the same one before; its task follows.
    pub(super) fn add(&mut self, address: PeerAddr) -> u64 {
        self.remove_if(|target| target.address == address);
        let id = self.next;
        self.next += 1;
        self.all.insert(id, Target { peer: address.peer, address, task: None });
        id
    }

    pub(super) fn set_task(&mut self, id: u64, task: AbortHandle) {
        if let Some(target) = self.all.get_mut(&id) {
            target.task = Some(task);
        }
    }

    pub(super) fn set_peer(&mut self, id: u64, peer: PeerId) {
        if let Some(target) = self.all.get_mut(&id) {
            target.peer = Some(peer);
        }
    }

    /// Who answers at an address, as far as known.
    pub(super) fn peer_at(&self, address: &PeerAddr) -> Option<PeerId> {
        self.all.values().find(|target| target.address == *address).and_then(|target| target.peer)
    }

    /// Everybody who answers at one of the addresses, as far as known.
    pub(super) fn peers(&self) -> BTreeSet<PeerId> {
        self.all.values().filter_map(|target| target.peer).collect()
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.all.remove(&id);
    }

    pub(super) fn remove_peer(&mut self, peer: &PeerId) {
        self.remove_if(|target| target.peer == Some(*peer));
    }

    pub(super) fn remove_all(&mut self) {
        self.remove_if(|_| true);
    }

    fn remove_if(&mut self, gone: impl Fn(&Target) -> bool) {
        self.all.retain(|_, target| {
            let gone = gone(target);
            if let (true, Some(task)) = (gone, &target.task) {
                task.abort();
            }
            !gone
        });
    }
}
