use std::fmt::Debug;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};

use super::{Outcome, Pair, Profile};
use crate::adapter::{EventStream, TransportAdapter};
use crate::envelope::Envelope;
use crate::event::Event;
use crate::peer::PeerAddr;

/// Fails a check with a text.
macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err(format!($($text)+));
        }
    };
}
pub(super) use ensure;

/// The error of a call as the text of a failure.
pub(super) fn text<E: Debug>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error:?}")
}

/// Connects the pair and waits until both see it.
pub(super) async fn connect<A: TransportAdapter>(pair: &Pair<A>, profile: &Profile) -> Outcome {
    let address = PeerAddr::new(pair.b_id, pair.b_address.clone());
    let there = pair.a.connect(&address).await.map_err(text("connect"))?;
    ensure!(there == pair.b_id, "connect said that {there} answered, not {}", pair.b_id);
    until(profile, "a peer list without the other end", || {
        pair.a.peers().iter().any(|info| info.peer == pair.b_id)
            && pair.b.peers().iter().any(|info| info.peer == pair.a_id)
    })
    .await
}

/// Waits until something holds, looking every few milliseconds.
pub(super) async fn until(profile: &Profile, otherwise: &str, holds: impl Fn() -> bool) -> Outcome {
    let end = profile.timer.now().saturating_add(profile.patience);
    while !holds() {
        ensure!(profile.timer.now() < end, "{otherwise} after {:?}", profile.patience);
        profile.timer.sleep_until(profile.timer.now().saturating_add(LOOK)).await;
    }
    Ok(())
}

/// The next event, unless patience runs out.
pub(super) async fn next(profile: &Profile, events: &mut EventStream) -> Result<Event, String> {
    let end = profile.timer.now().saturating_add(profile.patience);
    match select(events.next(), profile.timer.sleep_until(end)).await {
        Either::Left((Some(event), _)) => Ok(event),
        Either::Left((None, _)) => Err("the event stream ended".to_owned()),
        Either::Right(_) => Err(format!("no event for {:?}", profile.patience)),
    }
}

/// The next event of one sort; others are skipped.
pub(super) async fn find<T>(
    profile: &Profile,
    events: &mut EventStream,
    mut wanted: impl FnMut(Event) -> Option<T>,
) -> Result<T, String> {
    loop {
        if let Some(found) = wanted(next(profile, events).await?) {
            return Ok(found);
        }
    }
}

/// The next envelope; lagging is a failure.
pub(super) async fn received(profile: &Profile, events: &mut EventStream) -> Result<Envelope, String> {
    let envelope = find(profile, events, |event| match event {
        Event::Received { envelope, .. } => Some(Ok(envelope)),
        Event::Lagged { missed } => Some(Err(format!("a reading subscriber missed {missed} events"))),
        _ => None,
    });
    envelope.await?
}

/// An event that is no envelope, and more than a change of the media that reach a peer.
pub(super) async fn change(profile: &Profile, events: &mut EventStream) -> Result<Event, String> {
    find(profile, events, |event| match event {
        Event::Changed(_) | Event::Received { .. } => None,
        other => Some(other),
    })
    .await
}

const LOOK: Duration = Duration::from_millis(2);
