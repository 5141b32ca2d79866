//! The seam: [`TransportAdapter`].

use std::fmt::Debug;
use std::pin::Pin;

use async_trait::async_trait;
use civic_types::PeerId;
use futures_core::Stream;

use crate::capabilities::Capabilities;
use crate::envelope::Envelope;
use crate::error::{Error, TrySendError};
use crate::event::Event;
use crate::peer::{PeerAddr, PeerInfo, TransportKind};

/// A way to reach other devices.
///
/// # Contract
///
/// - **Identity**: whoever is named by a [`PeerId`] in `peers` or in an event has proved possession of its
///   key on that connection.
/// - **Order and loss**: as [`Capabilities`] say. A reliable, ordered link delivers every envelope that it
///   accepted, in order of priority classes and in order within one, until the connection is lost;
///   others may lose, repeat and reorder, never damage.
/// - **Bounds**: every queue is bounded; `send` waits for room, `try_send` never waits. An envelope above
///   `max_message_bytes` is refused with [`Error::TooLarge`].
/// - **Events**: `Discovered` comes before anything received from that peer on that connection, `Lost`
///   after everything.
///
/// # Clone
///
/// Adapters are shared as `Arc<dyn TransportAdapter>`; `Arc<A>` and `Box<A>` are adapters themselves.
///
/// # Cancel safety
///
/// Every method is cancel-safe. A cancelled `send` has queued the envelope or not; it is never sent in part.
///
/// # Implementing
///
/// Media that carry bare frames implement their own framing and authentication first; whatever implements
/// this trait runs the kit of feature `conformance`.
///
/// # Wrapping
///
/// A wrapper implements the trait and forwards every method; put
/// `#[deny(clippy::missing_trait_methods)]` on the `impl`.
#[async_trait]
pub trait TransportAdapter: Debug + Send + Sync + 'static {
    /// Which medium.
    fn kind(&self) -> TransportKind;

    /// What the medium can do.
    fn capabilities(&self) -> Capabilities;

    /// Whether it was started and not stopped.
    fn is_active(&self) -> bool;

    /// Opens the medium; starting twice does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::AddressInUse`] or [`Error::Backend`] when the medium cannot be opened.
    async fn start(&self) -> Result<(), Error>;

    /// Closes every connection and the medium; stopping twice does nothing. It can be started again.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`] when the medium fails in closing.
    async fn stop(&self) -> Result<(), Error>;

    /// The peers connected now, ascending by id.
    fn peers(&self) -> Vec<PeerInfo>;

    /// Connects, authenticates, and keeps the connection: when it is lost, it is dialled again with
    /// back-off until [`disconnect`](Self::disconnect) or [`stop`](Self::stop).
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] when the first attempt fails, which also forgets the address;
    /// [`Error::WrongPeer`] when another device answers than the address names; [`Error::Inactive`].
    async fn connect(&self, peer: &PeerAddr) -> Result<PeerId, Error>;

    /// Closes the connection to a peer and forgets its addresses; nothing for an unknown one.
    ///
    /// # Errors
    ///
    /// [`Error::Inactive`].
    async fn disconnect(&self, peer: &PeerId) -> Result<(), Error>;

    /// Queues an envelope to a peer, waiting for room.
    ///
    /// # Errors
    ///
    /// [`Error::NotConnected`], [`Error::TooLarge`], [`Error::Inactive`].
    async fn send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, Error>;

    /// Queues an envelope to a peer if there is room now.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Busy`] or [`TrySendError::DutyCycle`] when not now; else as [`send`](Self::send).
    fn try_send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, TrySendError>;

    /// Queues an envelope to every peer connected now, waiting for room; one peer's failure does not stop
    /// the others.
    ///
    /// # Errors
    ///
    /// [`Error::NotConnected`] when there is no peer, [`Error::TooLarge`], [`Error::Inactive`].
    async fn broadcast(&self, envelope: Envelope) -> Result<Accepted, Error>;

    /// What happens from now on; each call is a bounded subscription of its own, and dropping it ends it.
    ///
    /// A subscriber that falls behind gets [`Event::Lagged`] with the number of events it missed.
    fn events(&self) -> EventStream;
}

/// The stream of [`TransportAdapter::events`].
pub type EventStream = Pin<Box<dyn Stream<Item = Event> + Send>>;

/// How far an envelope has come; only an end-to-end acknowledgement means that it was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accepted {
    /// It waits in a queue of ours.
    Queued,
    /// The medium has taken it.
    HandedToLink,
    /// The neighbour's link has confirmed it.
    LinkAcked,
}
