//! Conveniences on every adapter: [`TransportExt`].

use std::pin::Pin;

use civic_types::PeerId;
use futures_core::Stream;
use futures_util::StreamExt;

use crate::adapter::TransportAdapter;
use crate::envelope::Envelope;
use crate::event::{Event, LostReason, Via};
use crate::peer::PeerInfo;

/// A stream of one sort of event.
pub type Filtered<T> = Pin<Box<dyn Stream<Item = T> + Send>>;

/// [`TransportAdapter::events`] by sort. Each call is a subscription of its own; who must not miss
/// anything reads `events` and looks for [`Event::Lagged`], which these streams leave out.
pub trait TransportExt: TransportAdapter {
    /// What arrives, and from which neighbour.
    fn on_message(&self) -> Filtered<(Via, Envelope)> {
        Box::pin(self.events().filter_map(async |event| match event {
            Event::Received { via, envelope, .. } => Some((via, envelope)),
            _ => None,
        }))
    }

    /// Who connects.
    fn on_peer_discovered(&self) -> Filtered<PeerInfo> {
        Box::pin(self.events().filter_map(async |event| match event {
            Event::Discovered(peer) => Some(peer),
            _ => None,
        }))
    }

    /// Whose connection is lost, and why.
    fn on_peer_lost(&self) -> Filtered<(PeerId, LostReason)> {
        Box::pin(self.events().filter_map(async |event| match event {
            Event::Lost { peer, reason, .. } => Some((peer, reason)),
            _ => None,
        }))
    }
}

impl<A: TransportAdapter + ?Sized> TransportExt for A {}
