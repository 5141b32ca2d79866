use std::collections::{BTreeMap, BTreeSet};

use civic_types::PeerId;
use tokio::task::AbortHandle;

use crate::peer::PeerAddr;

/// The addresses that are kept dialled, each by a task of its own.
#[derive(Debug, Default)]
pub struct Targets {
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
    pub fn add(&mut self, address: PeerAddr) -> u64 {
        self.remove_if(|target| target.address == address);
        let id = self.next;
        self.next += 1;
        self.all.insert(id, Target { peer: address.peer, address, task: None });
        id
    }

    /// The task that dials it.
    pub fn set_task(&mut self, id: u64, task: AbortHandle) {
        if let Some(target) = self.all.get_mut(&id) {
            target.task = Some(task);
        }
    }

    /// Who has answered there.
    pub fn set_peer(&mut self, id: u64, peer: PeerId) {
        if let Some(target) = self.all.get_mut(&id) {
            target.peer = Some(peer);
        }
    }

    /// Whether no more addresses are to be added: [`MAX_TARGETS`] are there.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.all.len() >= MAX_TARGETS
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Who answers at an address, as far as known.
    #[must_use]
    pub fn peer_at(&self, address: &PeerAddr) -> Option<PeerId> {
        self.all.values().find(|target| target.address == *address).and_then(|target| target.peer)
    }

    /// Everybody who answers at one of the addresses, as far as known.
    #[must_use]
    pub fn peers(&self) -> BTreeSet<PeerId> {
        self.all.values().filter_map(|target| target.peer).collect()
    }

    /// Forgets an address; its task ends by itself.
    pub fn remove(&mut self, id: u64) {
        self.all.remove(&id);
    }

    /// Forgets all addresses of a peer and ends their tasks.
    pub fn remove_peer(&mut self, peer: &PeerId) {
        self.remove_if(|target| target.peer == Some(*peer));
    }

    /// Forgets everything and ends the tasks.
    pub fn remove_all(&mut self) {
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

/// Most addresses that are kept dialled: those of the user and of the configuration.
pub const MAX_TARGETS: usize = 1024;
