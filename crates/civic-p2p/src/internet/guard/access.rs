use std::sync::{Arc, PoisonError, RwLock};

use libp2p::swarm::{ConnectionDenied, ConnectionId};
use libp2p::{Multiaddr, PeerId};

use super::{Denied, Rule};
use crate::internet::config::Access;
use crate::internet::identity::peer_id;

/// Admits peers whose key is of our kind and whom the access rule of now admits.
#[derive(Debug)]
pub(in crate::internet) struct AccessRule(pub(in crate::internet) Arc<RwLock<Access>>);

impl Rule for AccessRule {
    fn established(
        &mut self,
        _: ConnectionId,
        peer: &PeerId,
        _: &Multiaddr,
        _: bool,
    ) -> Result<(), ConnectionDenied> {
        let peer = peer_id(peer).ok_or_else(|| ConnectionDenied::new(Denied::Key))?;
        let admitted = self.0.read().unwrap_or_else(PoisonError::into_inner).admits(&peer);
        if admitted { Ok(()) } else { Err(ConnectionDenied::new(Denied::Access)) }
    }
}
