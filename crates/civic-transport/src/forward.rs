//! `Arc` and `Box` of an adapter are adapters.

use std::sync::Arc;

use async_trait::async_trait;
use civic_types::PeerId;

use crate::adapter::{Accepted, EventStream, TransportAdapter};
use crate::capabilities::Capabilities;
use crate::envelope::Envelope;
use crate::error::{Error, TrySendError};
use crate::peer::{PeerAddr, PeerInfo, TransportKind};

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<A: TransportAdapter + ?Sized> TransportAdapter for $pointer<A> {
            fn kind(&self) -> TransportKind {
                (**self).kind()
            }

            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }

            fn is_active(&self) -> bool {
                (**self).is_active()
            }

            async fn start(&self) -> Result<(), Error> {
                (**self).start().await
            }

            async fn stop(&self) -> Result<(), Error> {
                (**self).stop().await
            }

            fn peers(&self) -> Vec<PeerInfo> {
                (**self).peers()
            }

            async fn connect(&self, peer: &PeerAddr) -> Result<PeerId, Error> {
                (**self).connect(peer).await
            }

            async fn disconnect(&self, peer: &PeerId) -> Result<(), Error> {
                (**self).disconnect(peer).await
            }

            async fn send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, Error> {
                (**self).send(peer, envelope).await
            }

            fn try_send(&self, peer: &PeerId, envelope: Envelope) -> Result<Accepted, TrySendError> {
                (**self).try_send(peer, envelope)
            }

            async fn broadcast(&self, envelope: Envelope) -> Result<Accepted, Error> {
                (**self).broadcast(envelope).await
            }

            fn events(&self) -> EventStream {
                (**self).events()
            }
        }
    };
}

forward!(Arc);
forward!(Box);
