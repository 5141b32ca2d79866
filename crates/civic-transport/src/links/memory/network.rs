use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use civic_types::PeerId;
use civic_types::time::Timer;

use super::adapter::MemoryAdapter;
use super::state::State;
use crate::adapter::TransportAdapter;
use crate::error::Error;
use crate::event::LostReason;
use crate::link::{Link, LinkIdentity};
use crate::sim::{LinkModel, SimNetwork};

/// A network inside one process; clones are the same network.
#[derive(Clone)]
pub struct MemoryNetwork(Arc<Shared>);

pub(super) struct Shared {
    state: Mutex<State>,
    /// The time of a network with a model.
    pub(super) timer: Option<Arc<dyn Timer>>,
    pub(super) model: LinkModel,
}

impl Shared {
    /// Held shortly; nothing that waits runs under it.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryNetwork {
    /// A network whose links are perfect.
    #[must_use]
    pub fn new() -> Self {
        let shared =
            Shared { state: Mutex::new(State::new(0, None)), timer: None, model: LinkModel::perfect() };
        Self(Arc::new(shared))
    }

    /// A network whose links behave as the model says, drawn from the seed, in the time of the timer.
    #[must_use]
    pub fn with_model(seed: u64, model: LinkModel, timer: Arc<dyn Timer>) -> Self {
        let sim = SimNetwork::new(seed).with_model(model.clone());
        let state = Mutex::new(State::new(seed, Some(sim)));
        Self(Arc::new(Shared { state, timer: Some(timer), model }))
    }

    /// A link of this network for whoever gives it an identity.
    #[must_use]
    pub fn link(&self) -> MemoryLink {
        MemoryLink(self.clone())
    }

    /// Cuts two peers from each other in silence: both stay connected, and nothing crosses.
    pub fn cut(&self, a: &PeerId, b: &PeerId) {
        self.0.lock().cut(a, b);
    }

    /// Ends the connection of two peers that are cut, as their keepalives would: each gets
    /// `Lost { reason: Silent }`. Nothing for peers that are not cut.
    pub fn notice(&self, a: &PeerId, b: &PeerId) {
        let mut state = self.0.lock();
        if state.is_cut(a, b) {
            state.close(a, b, LostReason::Silent, LostReason::Silent);
        }
    }

    /// Cuts two peers from each other and tells both at once: each gets `Lost { reason: ClosedThere }`.
    pub fn sever(&self, a: &PeerId, b: &PeerId) {
        let mut state = self.0.lock();
        state.cut(a, b);
        state.close(a, b, LostReason::ClosedThere, LostReason::ClosedThere);
    }

    /// Lets two peers that were cut reach each other again, over a new connection; if nobody had noticed
    /// the cut, the old one is lost as `Silent` first, since what was sent over it may be missing.
    pub fn heal(&self, a: &PeerId, b: &PeerId) {
        let mut state = self.0.lock();
        if state.heal(a, b) {
            state.close(a, b, LostReason::Silent, LostReason::Silent);
            state.open(a, b);
        }
    }

    /// Mends every cut.
    pub fn heal_all(&self) {
        let cuts = self.0.lock().cuts();
        cuts.iter().for_each(|(a, b)| self.heal(a, b));
    }

    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Default for MemoryNetwork {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryNetwork").field("model", &self.0.model).finish_non_exhaustive()
    }
}

/// A link of a [`MemoryNetwork`] that has no identity yet.
#[derive(Clone, Debug)]
pub struct MemoryLink(MemoryNetwork);

impl Link for MemoryLink {
    fn bind(self: Box<Self>, identity: &LinkIdentity) -> Result<Arc<dyn TransportAdapter>, Error> {
        Ok(Arc::new(MemoryAdapter::new(self.0, identity)))
    }
}
