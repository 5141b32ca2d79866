use std::sync::Arc;

use civic_types::PeerId;
use futures_channel::mpsc;
use futures_util::SinkExt;

use super::status::{PeerSync, Status, SyncEventStream};
use crate::error::Error;

/// Talks to a running [`Driver`](super::Driver); clones share it. Dropping the last one ends the driver.
#[derive(Clone, Debug)]
pub struct SyncHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) status: Arc<Status>,
}

/// What a handle asks of its driver.
#[derive(Debug)]
pub(super) enum Command {
    /// Memberships have changed.
    Announce,
    /// A request is pending for a peer.
    Request(PeerId, u64),
    /// End.
    Stop,
    /// Start a round with a peer.
    Sync(PeerId),
}

impl SyncHandle {
    /// Waits until a round with the peer that started after this call ends with equal sets. Waits for the
    /// peer to be connected and to share a community, for ever if need be.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the driver ends first, [`Error::Busy`] when too many wait.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the request.
    pub async fn settled(&self, peer: &PeerId) -> Result<(), Error> {
        let (id, reply) = self.status.request(*peer)?;
        self.send(Command::Request(*peer, id)).await?;
        reply.await.map_err(|_| Error::Closed)?
    }

    /// Starts a round with the peer soon, if it is connected. Nothing waits for its end.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the driver has ended.
    ///
    /// # Cancel safety
    ///
    /// The round was asked for or not.
    pub async fn sync_with(&self, peer: &PeerId) -> Result<(), Error> {
        self.send(Command::Sync(*peer)).await
    }

    /// Proves memberships to all peers again, after they have changed.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the driver has ended.
    ///
    /// # Cancel safety
    ///
    /// It was asked for or not.
    pub async fn announce(&self) -> Result<(), Error> {
        self.send(Command::Announce).await
    }

    /// What happens from now on; each call is a bounded subscription of its own.
    #[must_use]
    pub fn events(&self) -> SyncEventStream {
        self.status.subscribe()
    }

    /// The peers met so far, ascending by id.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerSync> {
        self.status.peers()
    }

    /// Ends the driver; what it was doing is dropped, and nothing is lost by it.
    pub async fn stop(&self) {
        // It may have ended already.
        let _ended = self.send(Command::Stop).await;
    }

    async fn send(&self, command: Command) -> Result<(), Error> {
        self.commands.clone().send(command).await.map_err(|_| Error::Closed)
    }
}
