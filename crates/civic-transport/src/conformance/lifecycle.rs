use civic_types::PeerId;

use super::probe::{change, connect, ensure, find, next, text, until};
use super::{Outcome, Pair, Profile};
use crate::adapter::TransportAdapter;
use crate::envelope::Envelope;
use crate::error::{Error, TrySendError};
use crate::event::{Event, LostReason, Via};
use crate::peer::{PeerAddr, TransportKind};

/// Each end names the other, on the adapter's own medium or on those that it joins, with the same bindings,
/// in whichever order each end saw its links.
///
/// # Errors
///
/// What happened instead.
pub async fn both_ends_know_each_other<A: TransportAdapter>(pair: &Pair<A>, profile: &Profile) -> Outcome {
    connect(pair, profile).await?;
    let (at_a, at_b) = (pair.a.peers(), pair.b.peers());
    let ([b], [a]) = (at_a.as_slice(), at_b.as_slice()) else {
        return Err(format!("peers are {at_a:?} and {at_b:?}"));
    };
    ensure!((a.peer, b.peer) == (pair.a_id, pair.b_id), "peers are {} and {}", a.peer, b.peer);
    // Links that are joined come up one after the other.
    until(profile, "the channel bindings differ", || {
        let bindings = |end: &A| end.peers().into_iter().next().map(|info| info.bindings).unwrap_or_default();
        let (at_a, at_b) = (bindings(&pair.a), bindings(&pair.b));
        at_a.len() == at_b.len() && at_a.iter().all(|binding| at_b.contains(binding))
    })
    .await?;
    ensure!(a.connection > 0 && b.connection > 0, "connections are counted from 1");
    let own = match pair.a.kind() {
        TransportKind::Multi => !b.transports.is_empty() && !b.transports.contains(&TransportKind::Multi),
        kind => b.transports == [kind],
    };
    ensure!(own, "{:?} is not {:?}", b.transports, pair.a.kind());
    let again = PeerAddr::new(pair.b_id, pair.b_address.clone());
    let there = pair.a.connect(&again).await.map_err(text("a second connect"))?;
    ensure!(there == pair.b_id, "a second connect found {there}");
    Ok(())
}

/// `Discovered` comes before anything received on a connection and `Lost` after everything, all three with
/// one connection number.
///
/// # Errors
///
/// What happened instead.
pub async fn discovered_first_and_lost_last<A: TransportAdapter>(
    pair: &Pair<A>,
    profile: &Profile,
) -> Outcome {
    // Wherever the pair starts, the next connection is seen from its beginning.
    connect(pair, profile).await?;
    pair.a.disconnect(&pair.b_id).await.map_err(text("disconnect"))?;
    until(profile, "still connected", || pair.b.peers().is_empty()).await?;
    let mut events = pair.b.events();
    connect(pair, profile).await?;
    for _ in 0..10 {
        pair.a.send(&pair.b_id, Envelope::local(1, "hello")).await.map_err(text("send"))?;
    }
    let discovered = find(profile, &mut events, |event| match event {
        // The end of the connection before may be told late.
        Event::Lost { .. } => None,
        other => Some(other),
    });
    let connection = match discovered.await? {
        Event::Discovered(info) if info.peer == pair.a_id => info.connection,
        other => return Err(format!("the first event is {other:?}")),
    };
    let mut seen = 0;
    while seen < 10 && pair.a.capabilities().reliable {
        match next(profile, &mut events).await? {
            Event::Received { via: Via::Authenticated(peer), connection: on, .. }
                if peer == pair.a_id && on == connection =>
            {
                seen += 1;
            }
            other => return Err(format!("{other:?} on connection {connection}")),
        }
    }
    pair.a.disconnect(&pair.b_id).await.map_err(text("disconnect"))?;
    match change(profile, &mut events).await? {
        Event::Lost { peer, connection: on, reason: LostReason::ClosedThere }
            if peer == pair.a_id && on == connection =>
        {
            Ok(())
        }
        other => Err(format!("{other:?} when the other end closed connection {connection}")),
    }
}

/// `disconnect` ends the connection at both ends and it stays ended; `connect` makes a new one with a
/// greater number.
///
/// # Errors
///
/// What happened instead.
pub async fn disconnect_and_reconnect<A: TransportAdapter>(pair: &Pair<A>, profile: &Profile) -> Outcome {
    connect(pair, profile).await?;
    let before = pair.a.peers().first().map(|info| info.connection);
    let mut events = pair.a.events();
    pair.a.disconnect(&pair.b_id).await.map_err(text("disconnect"))?;
    let lost = change(profile, &mut events).await?;
    let closed =
        matches!(lost, Event::Lost { reason: LostReason::ClosedHere, peer, .. } if peer == pair.b_id);
    ensure!(closed, "{lost:?} after disconnect");
    ensure!(pair.a.peers().is_empty(), "still a peer after disconnect");
    let sent = pair.a.send(&pair.b_id, Envelope::local(1, "gone")).await;
    ensure!(matches!(sent, Err(Error::NotConnected { peer }) if peer == pair.b_id), "send: {sent:?}");
    until(profile, "the other end is still connected", || pair.b.peers().is_empty()).await?;
    pair.a.disconnect(&pair.b_id).await.map_err(text("a second disconnect"))?;
    connect(pair, profile).await?;
    let after = pair.a.peers().first().map(|info| info.connection);
    ensure!(after > before, "connection {after:?} after {before:?}");
    Ok(())
}

/// `stop` ends every connection and makes calls `Inactive`; `start` opens the link again; doing either twice
/// does nothing.
///
/// # Errors
///
/// What happened instead.
pub async fn a_stopped_link_is_inactive_and_starts_again<A: TransportAdapter>(
    pair: &Pair<A>,
    profile: &Profile,
) -> Outcome {
    connect(pair, profile).await?;
    let mut events = pair.a.events();
    pair.a.start().await.map_err(text("a second start"))?;
    ensure!(pair.a.is_active() && pair.a.peers().len() == 1, "a second start changed something");
    for _ in 0..2 {
        pair.a.stop().await.map_err(text("stop"))?;
        ensure!(!pair.a.is_active() && pair.a.peers().is_empty(), "still active after stop");
    }
    let lost = change(profile, &mut events).await?;
    ensure!(matches!(lost, Event::Lost { reason: LostReason::ClosedHere, .. }), "{lost:?} after stop");
    let address = PeerAddr::new(pair.b_id, pair.b_address.clone());
    let envelope = || Envelope::local(1, "stopped");
    let calls = [
        pair.a.connect(&address).await.err(),
        pair.a.disconnect(&pair.b_id).await.err(),
        pair.a.send(&pair.b_id, envelope()).await.err(),
        pair.a.broadcast(envelope()).await.err(),
        match pair.a.try_send(&pair.b_id, envelope()) {
            Err(TrySendError::Refused(error)) => Some(error),
            _ => None,
        },
    ];
    let inactive = calls.iter().all(|error| matches!(error, Some(Error::Inactive)));
    ensure!(inactive, "calls to a stopped link gave {calls:?}");
    until(profile, "the other end is still connected", || pair.b.peers().is_empty()).await?;
    pair.a.start().await.map_err(text("start"))?;
    connect(pair, profile).await
}

/// Sending to a stranger is `NotConnected`, nonsense is `InvalidAddress`, and where another answers than the
/// one named, `connect` says so and leaves no connection behind.
///
/// # Errors
///
/// What happened instead.
pub async fn strangers_are_refused<A: TransportAdapter>(pair: &Pair<A>, profile: &Profile) -> Outcome {
    connect(pair, profile).await?;
    let stranger = PeerId::from_bytes([9; PeerId::LEN]);
    let sent = pair.a.send(&stranger, Envelope::local(1, "who")).await;
    ensure!(matches!(sent, Err(Error::NotConnected { peer }) if peer == stranger), "send: {sent:?}");
    pair.a.disconnect(&stranger).await.map_err(text("disconnect of a stranger"))?;
    let nonsense = pair.a.connect(&PeerAddr::anyone("no such address")).await;
    ensure!(matches!(nonsense, Err(Error::InvalidAddress { .. })), "nonsense: {nonsense:?}");
    pair.a.disconnect(&pair.b_id).await.map_err(text("disconnect"))?;
    until(profile, "still connected", || pair.b.peers().is_empty()).await?;
    let wrong = pair.a.connect(&PeerAddr::new(stranger, pair.b_address.clone())).await;
    let named = matches!(wrong, Err(Error::WrongPeer { got, want }) if got == pair.b_id && want == stranger);
    ensure!(named, "the wrong peer: {wrong:?}");
    ensure!(pair.a.peers().is_empty(), "connected to the wrong peer");
    connect(pair, profile).await
}
