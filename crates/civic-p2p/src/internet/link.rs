use std::sync::{Arc, Mutex};

use civic_transport::{Error, Link, LinkIdentity, TransportAdapter};

use super::adapter::InternetAdapter;
use super::config::InternetConfig;
use super::inner::{Inner, lock};

/// An internet link that has no identity yet.
#[derive(Clone, Debug, Default)]
pub struct InternetLink {
    config: InternetConfig,
    address: InternetAddress,
}

impl InternetLink {
    /// A link of that configuration.
    #[must_use]
    pub fn new(config: InternetConfig) -> Self {
        Self { config, address: InternetAddress::default() }
    }

    /// Tells where the link listens, once it does.
    #[must_use]
    pub fn address(&self) -> InternetAddress {
        self.address.clone()
    }

    /// Makes it an adapter of that device; it is not started.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`] when the key cannot be used.
    pub fn into_adapter(self, identity: &LinkIdentity) -> Result<InternetAdapter, Error> {
        Inner::new(self.config, self.address.0, identity).map(InternetAdapter::new)
    }
}

impl Link for InternetLink {
    fn bind(self: Box<Self>, identity: &LinkIdentity) -> Result<Arc<dyn TransportAdapter>, Error> {
        Ok(Arc::new(self.into_adapter(identity)?))
    }
}

/// Where an internet link listens; clones follow the same link.
#[derive(Clone, Debug, Default)]
pub struct InternetAddress(Arc<Mutex<Vec<String>>>);

impl InternetAddress {
    /// The first address; `None` while the link is stopped or does not listen.
    #[must_use]
    pub fn get(&self) -> Option<String> {
        lock(&self.0).first().cloned()
    }

    /// All addresses as multiaddrs that end in `/p2p/…`, those at relays included.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        lock(&self.0).clone()
    }
}
