use bytes::Bytes;
use civic_crypto::DeviceKey;

use super::probe::{connect, ensure, received, text};
use super::{Outcome, Pair, Profile};
use crate::adapter::TransportAdapter;
use crate::envelope::{
    DEFAULT_MAX_HOPS, Envelope, EnvelopeFields, LocalEnvelope, Priority, SignedEnvelope, Ttl,
};
use crate::error::{Error, TrySendError};

/// Payloads of every size up to the limit arrive undamaged; one byte more is `TooLarge` for every call.
///
/// # Errors
///
/// What happened instead.
pub async fn all_sizes_up_to_the_limit_arrive<A: TransportAdapter>(
    pair: &Pair<A>,
    profile: &Profile,
) -> Outcome {
    connect(pair, profile).await?;
    let mut events = pair.b.events();
    let limit = pair.a.capabilities().max_message_bytes;
    let sizes =
        std::iter::successors(Some(1_usize), |size| size.checked_mul(2)).take_while(|size| *size < limit);
    let sizes = [0].into_iter().chain(sizes.flat_map(|size| [size - 1, size, size + 1])).chain([limit]);
    for size in sizes.filter(|size| *size <= limit) {
        let sent = Envelope::local(7, pattern(size));
        pair.a.send(&pair.b_id, sent.clone()).await.map_err(text("send"))?;
        ensure!(received(profile, &mut events).await? == sent, "{size} bytes arrived changed");
    }
    let over = || Envelope::local(7, pattern(limit + 1));
    let too_large = |error: &Error| matches!(error, Error::TooLarge { got, limit: l } if *got == limit + 1 && *l == limit);
    let sent = pair.a.send(&pair.b_id, over()).await;
    ensure!(sent.as_ref().is_err_and(too_large), "send beyond the limit: {sent:?}");
    let sent = pair.a.try_send(&pair.b_id, over());
    let refused = matches!(&sent, Err(TrySendError::Refused(error)) if too_large(error));
    ensure!(refused, "try_send beyond the limit: {sent:?}");
    let sent = pair.a.broadcast(over()).await;
    ensure!(sent.as_ref().is_err_and(too_large), "broadcast beyond the limit: {sent:?}");
    Ok(())
}

/// Every accepted envelope of one priority arrives once and in order, both ways at the same time.
///
/// # Errors
///
/// What happened instead.
pub async fn envelopes_arrive_once_in_order<A: TransportAdapter>(
    pair: &Pair<A>,
    profile: &Profile,
) -> Outcome {
    connect(pair, profile).await?;
    let (mut at_a, mut at_b) = (pair.a.events(), pair.b.events());
    let numbered = |n: u32| Envelope::local(1, n.to_be_bytes().to_vec());
    let send = async |from: &A, to| {
        for n in 0..MANY {
            from.send(to, numbered(n)).await.map_err(text("send"))?;
        }
        Ok::<_, String>(())
    };
    let receive = async |events: &mut crate::EventStream| {
        for n in 0..MANY {
            let got = received(profile, events).await?;
            ensure!(got == numbered(n), "{got:?} came as number {n}");
        }
        Ok(())
    };
    futures_util::try_join!(
        send(&pair.a, &pair.b_id),
        send(&pair.b, &pair.a_id),
        receive(&mut at_a),
        receive(&mut at_b)
    )?;
    Ok(())
}

/// A signed envelope arrives as it was sent; a second copy is dropped, and so is one with a bad signature,
/// whether or not it costs the connection.
///
/// # Errors
///
/// What happened instead.
pub async fn signed_envelopes_arrive_once<A: TransportAdapter>(pair: &Pair<A>, profile: &Profile) -> Outcome {
    connect(pair, profile).await?;
    let mut events = pair.b.events();
    let key = DeviceKey::from_seed(&[42; 32]);
    let created_s = u32::try_from(profile.timer.wall().as_secs()).unwrap_or(u32::MAX);
    let sign = |n, net: &str| {
        let fields = EnvelopeFields {
            message_type: 9,
            priority: Priority::Normal,
            recipient: None,
            created_s,
            ttl: Ttl::MAX,
            max_hops: DEFAULT_MAX_HOPS,
            n,
            payload: Bytes::from_static(b"signed"),
        };
        SignedEnvelope::sign(&key, net, fields).map(Envelope::from).map_err(text("sign"))
    };
    let (first, last, foreign) =
        (sign(1, &profile.net)?, sign(2, &profile.net)?, sign(3, "another network")?);
    for envelope in [&first, &first, &last] {
        pair.a.send(&pair.b_id, envelope.clone()).await.map_err(text("send"))?;
    }
    let got = (received(profile, &mut events).await?, received(profile, &mut events).await?);
    ensure!(got == (first, last), "sent one twice and another, got {got:?}");
    pair.a.send(&pair.b_id, foreign.clone()).await.map_err(text("send"))?;
    // The connection may be gone by now, and then nothing of it may arrive after its loss.
    let marker = Envelope::local(1, "marker");
    let sent = pair.a.send(&pair.b_id, marker.clone()).await;
    loop {
        match super::probe::next(profile, &mut events).await? {
            crate::Event::Received { envelope, .. } if envelope == marker => return Ok(()),
            crate::Event::Received { envelope, .. } => return Err(format!("{envelope:?} arrived")),
            crate::Event::Lost { reason: crate::LostReason::Misbehaved, .. } => return Ok(()),
            other => ensure!(sent.is_ok(), "{other:?} after {sent:?}"),
        }
    }
}

/// Envelopes of all five priorities arrive with their priority, whatever else waits.
///
/// # Errors
///
/// What happened instead.
pub async fn urgency_is_kept<A: TransportAdapter>(pair: &Pair<A>, profile: &Profile) -> Outcome {
    connect(pair, profile).await?;
    let mut events = pair.b.events();
    let mut sent = Vec::new();
    for message_type in 0..20 {
        for priority in Priority::ALL {
            let payload = pattern(1000);
            let envelope = Envelope::from(LocalEnvelope { message_type, priority, payload });
            pair.a.send(&pair.b_id, envelope.clone()).await.map_err(text("send"))?;
            sent.push(envelope);
        }
    }
    while !sent.is_empty() {
        let got = received(profile, &mut events).await?;
        // Within a priority the order holds, so the first of its priority is due.
        let due = sent.iter().position(|envelope| envelope.priority() == got.priority());
        match due.map(|at| sent.remove(at)) {
            Some(due) => ensure!(due == got, "{got:?} came before {due:?}"),
            None => return Err(format!("{got:?} was not sent")),
        }
    }
    Ok(())
}

/// A broadcast reaches the peer that is there, and is `NotConnected` when nobody is.
///
/// # Errors
///
/// What happened instead.
pub async fn broadcast_reaches_whoever_is_there<A: TransportAdapter>(
    pair: &Pair<A>,
    profile: &Profile,
) -> Outcome {
    connect(pair, profile).await?;
    let mut events = pair.b.events();
    let sent = Envelope::local(3, "all");
    pair.a.broadcast(sent.clone()).await.map_err(text("broadcast"))?;
    if pair.a.capabilities().reliable {
        let got = received(profile, &mut events).await?;
        ensure!(got == sent, "{got:?} arrived");
    }
    pair.a.disconnect(&pair.b_id).await.map_err(text("disconnect"))?;
    let nobody = pair.a.broadcast(sent).await;
    ensure!(matches!(nobody, Err(Error::NotConnected { .. })), "a broadcast to nobody: {nobody:?}");
    Ok(())
}

/// Bytes that tell a place from its neighbours.
fn pattern(size: usize) -> Bytes {
    let blocks = (0_u64..).flat_map(|block| *blake3::hash(&block.to_be_bytes()).as_bytes());
    blocks.take(size).collect::<Vec<_>>().into()
}

const MANY: u32 = 3000;
