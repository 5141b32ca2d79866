//! Cheap counters of what happens on the link: [`Statistics`].

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What has happened since the adapter was made.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Statistics {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The counters behind [`Statistics`].
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: Counter,)*
        }

        impl Counters {
            pub(super) fn read(&self) -> Statistics {
                Statistics { $($name: self.$name.0.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Addresses of the configuration that are no addresses.
    bad_addresses,
    /// Dials that failed, whoever wanted them.
    dials_failed,
    /// Envelopes published by gossip that were not even well formed or badly signed.
    gossip_rejected,
    /// Envelopes that came by gossip while too many others were being checked.
    gossip_dropped,
    /// Connections that a limit, the access rule or the diversity rule turned away.
    connections_refused,
    /// Listen addresses that could not be opened.
    listen_failed,
    /// Streams ended because the other end broke the message protocol.
    misbehaved,
    /// Sessions that went from a relayed to a direct path.
    moved,
    /// Sessions lost in silence.
    silent,
}

/// One counter.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
