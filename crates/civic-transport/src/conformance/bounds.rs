use bytes::Bytes;
use futures_util::FutureExt;

use super::probe::{connect, ensure, find, next, received, text};
use super::{Outcome, Pair, Profile};
use crate::adapter::TransportAdapter;
use crate::envelope::Envelope;
use crate::error::TrySendError;
use crate::event::Event;

/// A subscriber that does not read gets `Lagged` with what it missed, once it reads; one that reads misses
/// nothing.
///
/// # Errors
///
/// What happened instead.
pub async fn a_slow_subscriber_lags_alone<A: TransportAdapter>(pair: &Pair<A>, profile: &Profile) -> Outcome {
    connect(pair, profile).await?;
    let (mut slow, mut quick) = (pair.b.events(), pair.b.events());
    let envelope =
        Envelope::local(1, Bytes::from(vec![0; 4096.min(pair.a.capabilities().max_message_bytes)]));
    for _ in 0..FLOOD {
        let send = async { pair.a.send(&pair.b_id, envelope.clone()).await.map_err(text("send")) };
        futures_util::try_join!(send, received(profile, &mut quick))?;
    }
    let (mut kept, mut missed) = (0, 0);
    while kept + missed < FLOOD {
        match next(profile, &mut slow).await? {
            Event::Received { .. } => kept += 1,
            Event::Lagged { missed: more } => missed += more,
            other => return Err(format!("{other:?}")),
        }
    }
    ensure!(missed > 0, "{kept} events were kept for a subscriber that did not read");
    ensure!(kept + missed == FLOOD, "{kept} kept and {missed} missed of {FLOOD}");
    pair.a.send(&pair.b_id, envelope.clone()).await.map_err(text("send"))?;
    let fresh = received(profile, &mut slow).await?;
    ensure!(fresh == envelope, "{fresh:?} after the gap");
    Ok(())
}

/// While nobody at the other end reads, `try_send` is `Busy` before 256 MiB were taken, and the link goes on
/// once somebody reads.
///
/// # Errors
///
/// What happened instead.
pub async fn a_stalled_receiver_makes_busy<A: TransportAdapter>(
    pair: &Pair<A>,
    profile: &Profile,
) -> Outcome {
    connect(pair, profile).await?;
    let mut events = pair.b.events();
    let size = (64 * 1024).min(pair.a.capabilities().max_message_bytes);
    let payload = Bytes::from(vec![7; size]);
    let mut taken = 0;
    loop {
        match pair.a.try_send(&pair.b_id, Envelope::local(2, payload.clone())) {
            Ok(_) => taken += size,
            Err(TrySendError::Busy) => break,
            Err(other) => return Err(format!("{other:?}")),
        }
        ensure!(taken <= MOST_TAKEN, "{taken} bytes were taken for a receiver that does not read");
    }
    let last = Envelope::local(3, "last");
    let send = async { pair.a.send(&pair.b_id, last.clone()).await.map_err(text("send")) };
    let drain = find(profile, &mut events, |event| match event {
        Event::Received { envelope, .. } if envelope == last => Some(()),
        Event::Received { .. } | Event::Lagged { .. } => None,
        _ => None,
    });
    futures_util::try_join!(send, drain)?;
    Ok(())
}

/// A `send` that is dropped at any point has queued its envelope whole or not at all, and those behind it
/// arrive.
///
/// # Errors
///
/// What happened instead.
pub async fn a_cancelled_send_is_whole_or_absent<A: TransportAdapter>(
    pair: &Pair<A>,
    profile: &Profile,
) -> Outcome {
    connect(pair, profile).await?;
    let mut events = pair.b.events();
    let size = (256 * 1024).min(pair.a.capabilities().max_message_bytes);
    let numbered = |n: u8| Envelope::local(n, Bytes::from(vec![n; size]));
    for n in 0..CANCELLED {
        // Polled once and dropped: whether it got through is not known.
        drop(pair.a.send(&pair.b_id, numbered(n)).now_or_never());
    }
    if !pair.a.capabilities().reliable {
        return Ok(());
    }
    let marker = numbered(CANCELLED);
    let send = async { pair.a.send(&pair.b_id, marker.clone()).await.map_err(text("send")) };
    let receive = async {
        let mut due = 0;
        loop {
            let got = received(profile, &mut events).await?;
            let n = got.message_type();
            ensure!(n >= due && got == numbered(n), "{n} came damaged, twice or late");
            if n == CANCELLED {
                return Ok(());
            }
            due = n + 1;
        }
    };
    futures_util::try_join!(send, receive)?;
    Ok(())
}

/// Twice what any subscription of ours keeps.
const FLOOD: u64 = 4096;
const MOST_TAKEN: usize = 256 * 1024 * 1024;
const CANCELLED: u8 = 100;
