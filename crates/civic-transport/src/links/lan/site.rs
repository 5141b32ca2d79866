use std::sync::{Arc, Mutex, Weak};

use super::inner::{Inner, lock};

/// The neighbourhood of a LAN link, which moves with the device; clones follow the same link.
///
/// A move ends every connection but those to addresses that were given by hand, which the new site still
/// applies to when they are dialled again, and forgets what was discovered.
#[derive(Clone, Debug, Default)]
pub struct LanSite(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    site: String,
    link: Weak<Inner>,
}

impl LanSite {
    pub(super) fn new(site: String) -> Self {
        Self(Arc::new(Mutex::new(State { site, link: Weak::new() })))
    }

    /// Where the device is.
    #[must_use]
    pub fn get(&self) -> String {
        lock(&self.0).site.clone()
    }

    /// Moves to another site, or to the same one, which changes nothing.
    pub fn set(&self, site: impl Into<String>) {
        let mut state = lock(&self.0);
        state.site = site.into();
        if let Some(link) = state.link.upgrade() {
            link.move_to(state.site.clone());
        }
    }

    /// From now on a set moves that link.
    pub(super) fn bind(&self, link: &Arc<Inner>) {
        let mut state = lock(&self.0);
        state.link = Arc::downgrade(link);
        link.move_to(state.site.clone());
    }
}
