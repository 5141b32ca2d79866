use std::fmt;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use civic_crdt::HlcGenerator;
use civic_crypto::rng::{SystemRng, random_bytes};
use civic_store::StorageAdapter;
use civic_sync::{Replicated, SyncHandle};
use civic_transport::TransportAdapter;
use civic_transport::multi::MultiTransport;
use civic_types::time::{Timer, Timestamp};
use civic_types::{AgentId, Cid, DocumentId, PeerId};

use super::builder::NodeBuilder;
use super::membership::Membership;
use crate::error::Error;

/// A device's part in its communities: a store, a link, and the replication between them. Clones are the
/// same node.
///
/// It replicates while its [`Driver`](super::Driver) runs, which [`NodeBuilder::start`] sees to.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

pub(super) struct Inner {
    pub(super) agent: AgentId,
    pub(super) clock: Arc<HlcGenerator>,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) store: Arc<Replicated>,
    pub(super) network: Option<Network>,
    pub(super) members: Mutex<Membership>,
    /// Where others may dial, if the application has said so.
    pub(super) advertised: Option<String>,
    #[cfg(feature = "lan")]
    pub(super) listening: Option<civic_transport::links::lan::LanAddress>,
    #[cfg(feature = "lan")]
    pub(super) site: Option<civic_transport::links::lan::LanSite>,
    #[cfg(feature = "libp2p")]
    pub(super) internet: Option<civic_p2p::internet::InternetAddress>,
    /// The folder's lock, while the node is open.
    pub(super) folder: Mutex<Option<File>>,
    #[cfg(feature = "tokio")]
    pub(super) task: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

/// The link, which may be several as one, and what replicates over it.
pub(super) struct Network {
    pub(super) link: Arc<dyn TransportAdapter>,
    pub(super) multi: Option<Arc<MultiTransport>>,
    pub(super) sync: SyncHandle,
}

impl Node {
    /// A node with a random key and a store in memory; what it held is gone when it is dropped. For tests,
    /// examples, and devices that only pass by.
    pub fn ephemeral() -> NodeBuilder {
        NodeBuilder::ephemeral()
    }

    /// A node of parts that the application brings; it needs an identity or a key file, and a store.
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }

    /// This device.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.0.store.peer_id()
    }

    /// The agent of this device: its owner, named by the device's first device list.
    #[must_use]
    pub fn agent_id(&self) -> AgentId {
        self.0.agent
    }

    /// A new document id, unique without asking anybody.
    #[must_use]
    pub fn generate_id(&self) -> DocumentId {
        DocumentId::generate(self.0.timer.wall(), random_bytes(&mut SystemRng::new()), &self.peer_id())
    }

    /// A time for a document's own fields: later than or equal to all that this device has written or seen,
    /// also when its wall clock runs back.
    ///
    /// # Errors
    ///
    /// [`Error::Clock`] when the clock's high-water mark cannot be kept.
    pub fn server_timestamp(&self) -> Result<Timestamp, Error> {
        Ok(self.0.clock.tick()?.stamp().timestamp())
    }

    /// The name of all that this device holds: equal on two devices of the same communities exactly when they
    /// hold the same versions.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it only reads.
    pub async fn root(&self) -> Result<Cid, Error> {
        Ok(self.0.store.database_root().await?)
    }

    /// The store, with replication on top: what it commits to a replicated collection becomes versions.
    #[must_use]
    pub fn store(&self) -> Arc<dyn StorageAdapter> {
        self.0.store.clone()
    }

    /// Ends replication, closes the links, finishes what the store has accepted and lets go of it. Calls on
    /// this node and its collections give [`Error::Closed`] from then on; closing twice does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Link`] or [`Error::Store`] when one of them fails in closing; the other is closed all the
    /// same.
    ///
    /// # Cancel safety
    ///
    /// Cancelled, some parts are closed; call it again.
    pub async fn close(&self) -> Result<(), Error> {
        let stopped = match &self.0.network {
            Some(network) => {
                network.sync.stop().await;
                network.link.stop().await
            }
            None => Ok(()),
        };
        #[cfg(feature = "tokio")]
        self.join_driver().await;
        let closed = self.0.store.close().await;
        lock(&self.0.folder).take();
        stopped?;
        Ok(closed?)
    }

    /// Waits for the spawned driver, which holds the store while it works.
    #[cfg(feature = "tokio")]
    async fn join_driver(&self) {
        let task = lock(&self.0.task).take();
        if let Some(Err(error)) = match task {
            Some(task) => Some(task.await),
            None => None,
        } {
            tracing::warn!(%error, "the driver ended badly");
        }
    }

    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.peer_id())
    }
}

/// Held shortly and never across an await.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
