use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use civic_types::time::{Clock, SystemClock};
use civicbase::{Node, TransportKind};

/// Whom a device reaches over what: its own finding, looked at again and again. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Near(Arc<Mutex<Seen>>);

#[derive(Debug)]
struct Seen {
    /// Peers on the LAN at any time since it was asked before.
    lan: BTreeSet<String>,
    /// Since when nobody is reached over the internet.
    offline_since: Option<u64>,
}

impl Near {
    /// Watches the node from now on, in the tokio runtime that this is called in.
    pub(super) fn watch(node: Node) -> Self {
        let offline_since = Some(SystemClock.wall().as_millis());
        let near = Self(Arc::new(Mutex::new(Seen { lan: BTreeSet::new(), offline_since })));
        let watching = near.clone();
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(WATCH);
            loop {
                tick.tick().await;
                watching.look(&node);
            }
        });
        near
    }

    /// Peers on the LAN now.
    pub(super) fn now(node: &Node) -> BTreeSet<String> {
        let peers = node.peers().into_iter();
        let lan = peers.filter(|peer| peer.transports.contains(&TransportKind::Lan));
        lan.map(|peer| peer.peer.to_string()).collect()
    }

    /// Peers on the LAN at any time since this was called before.
    pub(super) fn take(&self, node: &Node) -> BTreeSet<String> {
        self.look(node);
        std::mem::replace(&mut self.lock().lan, Self::now(node))
    }

    pub(super) fn offline_since(&self) -> Option<u64> {
        self.lock().offline_since
    }

    fn look(&self, node: &Node) {
        let (lan, peers) = (Self::now(node), node.peers());
        let mut seen = self.lock();
        seen.lan.extend(lan);
        if peers.iter().any(|peer| peer.transports.contains(&TransportKind::Internet)) {
            seen.offline_since = None;
        } else {
            seen.offline_since.get_or_insert_with(|| SystemClock.wall().as_millis());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const WATCH: Duration = Duration::from_millis(50);
