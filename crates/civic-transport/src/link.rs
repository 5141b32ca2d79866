//! A link before it knows whose it is: [`Link`] and the [`LinkIdentity`] it is given.

use std::fmt::Debug;
use std::sync::Arc;

use civic_crypto::DeviceKey;
use civic_types::PeerId;
use civic_types::time::Timer;

use crate::adapter::TransportAdapter;
use crate::error::Error;

/// Whose a link becomes.
#[derive(Clone, Debug)]
pub struct LinkIdentity {
    /// The device's key: who we are on that link.
    pub key: Arc<DeviceKey>,
    /// The network's name, under which signed envelopes are verified.
    pub net: String,
    /// Where the link's time comes from.
    pub timer: Arc<dyn Timer>,
}

impl LinkIdentity {
    /// Joins the three.
    #[must_use]
    pub fn new(key: Arc<DeviceKey>, net: impl Into<String>, timer: Arc<dyn Timer>) -> Self {
        Self { key, net: net.into(), timer }
    }

    /// Who we are.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.key.peer_id()
    }
}

/// A link that is configured but has no identity yet, as an application hands it to whoever composes a
/// node. An adapter that already has its identity is a link too, and ignores the one offered.
pub trait Link: Debug + Send {
    /// Makes it an adapter of that device; it is not started.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`] when the configuration or the key cannot be used.
    fn bind(self: Box<Self>, identity: &LinkIdentity) -> Result<Arc<dyn TransportAdapter>, Error>;
}

impl<A: TransportAdapter> Link for Arc<A> {
    fn bind(self: Box<Self>, _identity: &LinkIdentity) -> Result<Arc<dyn TransportAdapter>, Error> {
        Ok(*self)
    }
}

impl Link for Arc<dyn TransportAdapter> {
    fn bind(self: Box<Self>, _identity: &LinkIdentity) -> Result<Arc<dyn TransportAdapter>, Error> {
        Ok(*self)
    }
}
