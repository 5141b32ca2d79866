//! What any adapter owes, as one call: [`all`]. Each check runs on a fresh pair and says in a sentence what
//! it holds the adapter to.
//!
//! It runs on any executor; time comes from the profile's timer. Checks of arrival and order are left out
//! for adapters whose capabilities promise neither.

mod bounds;
mod delivery;
mod lifecycle;
mod probe;

pub use bounds::{
    a_cancelled_send_is_whole_or_absent, a_slow_subscriber_lags_alone, a_stalled_receiver_makes_busy,
};
pub use delivery::{
    all_sizes_up_to_the_limit_arrive, broadcast_reaches_whoever_is_there, envelopes_arrive_once_in_order,
    signed_envelopes_arrive_once, urgency_is_kept,
};
pub use lifecycle::{
    a_stopped_link_is_inactive_and_starts_again, both_ends_know_each_other, disconnect_and_reconnect,
    discovered_first_and_lost_last, strangers_are_refused,
};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use civic_types::PeerId;
use civic_types::time::Timer;

use crate::adapter::TransportAdapter;

/// Two fresh adapters, started, that can reach each other; connected already or not.
#[derive(Debug)]
pub struct Pair<A> {
    /// One of them.
    pub a: A,
    /// The other.
    pub b: A,
    /// Who `a` is.
    pub a_id: PeerId,
    /// Who `b` is.
    pub b_id: PeerId,
    /// Where `b` is reached, in the medium's own words.
    pub b_address: String,
}

/// What the checks need to know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Where the checks' time comes from.
    pub timer: Arc<dyn Timer>,
    /// Longest wait for anything that must happen. Default 20 s.
    pub patience: Duration,
    /// The network's name that the adapters were given. Default `test`.
    pub net: String,
}

impl Profile {
    /// The defaults, in the time of a timer.
    #[must_use]
    pub fn new(timer: Arc<dyn Timer>) -> Self {
        Self { timer, patience: Duration::from_secs(20), net: "test".to_owned() }
    }

    /// With another patience.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

/// What an adapter failed to do.
#[derive(Debug)]
pub struct Failure {
    /// The check that failed; its documentation has the sentence.
    pub check: &'static str,
    /// What happened instead.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.what)
    }
}

impl std::error::Error for Failure {}

/// Runs every check, each on a fresh pair.
///
/// # Errors
///
/// The first [`Failure`].
pub async fn all<A: TransportAdapter>(
    pair: impl AsyncFn() -> Pair<A>,
    profile: &Profile,
) -> Result<(), Failure> {
    macro_rules! run {
        ($($check:ident),* $(,)?) => {
            $(
                let outcome = $check(&pair().await, profile).await;
                outcome.map_err(|what| Failure { check: stringify!($check), what })?;
            )*
        };
    }
    run!(
        both_ends_know_each_other,
        discovered_first_and_lost_last,
        disconnect_and_reconnect,
        a_stopped_link_is_inactive_and_starts_again,
        strangers_are_refused,
        a_cancelled_send_is_whole_or_absent,
        broadcast_reaches_whoever_is_there,
    );
    let capabilities = pair().await.a.capabilities();
    if capabilities.reliable {
        run!(all_sizes_up_to_the_limit_arrive, signed_envelopes_arrive_once, urgency_is_kept);
        run!(a_slow_subscriber_lags_alone, a_stalled_receiver_makes_busy);
    }
    if capabilities.reliable && capabilities.ordered {
        run!(envelopes_arrive_once_in_order);
    }
    Ok(())
}

/// What a check gives back; the text says what happened instead.
pub type Outcome = Result<(), String>;
