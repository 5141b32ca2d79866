use std::collections::BTreeMap;
use std::sync::Arc;

use civic_types::PeerId;
use civic_types::time::Tick;
use futures_util::future::{Either, join, join_all, select};

use super::lane::{Entry, LaneId};
use super::merged::Plan;
use super::route::RouteMode;
use super::shared::Shared;
use super::state::State;
use super::status::LinkId;
use crate::adapter::{Accepted, TransportAdapter};
use crate::envelope::Envelope;
use crate::error::Error;

/// Sends to every peer; one that fails does not stop the others.
pub(super) async fn to_all(shared: &Shared, envelope: Envelope) -> Result<Accepted, Error> {
    let entry = shared.entry(envelope);
    let now = shared.now();
    let Shares { groups, singles } = shared.peek(|state| shares(state, now, &entry));
    let groups = join_all(groups.into_iter().map(|group| transmit(shared, group, &entry.envelope)));
    let (on_air, each) = join(groups, to_each(shared, singles)).await;
    let nobody = Err(Error::NotConnected { peer: PeerId::from_bytes([0; PeerId::LEN]) });
    on_air.into_iter().chain([each]).flatten().fold(nobody, better)
}

/// Who is sent to how.
#[derive(Default)]
struct Shares {
    groups: Vec<Group>,
    /// Who is sent an own one.
    singles: Vec<(PeerId, Entry)>,
}

/// Peers that one transmission of a link reaches, and what each is sent if it fails.
struct Group {
    adapter: Arc<dyn TransportAdapter>,
    members: Vec<(PeerId, Entry)>,
}

/// Finds the links over which one transmission saves several. Only for signed envelopes: others who hear it, and
/// who get it by another link too, drop the copy.
fn shares(state: &State, now: Tick, entry: &Entry) -> Shares {
    let plans = state.peers_sorted().into_iter().filter_map(|peer| {
        let plan = state.plan(now, &peer, entry).ok()?;
        Some((peer, plan))
    });
    let plans: Vec<_> = plans.collect();
    let mut listeners: BTreeMap<LinkId, usize> = BTreeMap::new();
    if matches!(entry.envelope, Envelope::Signed(_)) {
        for (_, link) in plans.iter().flat_map(|(peer, plan)| on_air(state, peer, plan)) {
            *listeners.entry(link).or_default() += 1;
        }
    }
    let mut groups: BTreeMap<LinkId, Group> = BTreeMap::new();
    let mut singles = Vec::new();
    for (peer, plan) in plans {
        let mut heard = on_air(state, &peer, &plan);
        heard.retain(|(_, link)| listeners.get(link).is_some_and(|count| *count > 1));
        let but = |lanes: &dyn Fn(&LaneId) -> bool| Entry {
            tried: plan.lanes.iter().copied().filter(|lane| lanes(lane)).collect(),
            ..entry.clone()
        };
        let all_at_once = plan.mode == RouteMode::AllAtOnce;
        for (lane, link) in &heard {
            let Some(slot) = state.links.get(link) else { continue };
            let instead = if all_at_once { but(&|other| other != lane) } else { entry.clone() };
            let group = Group { adapter: Arc::clone(&slot.adapter), members: Vec::new() };
            groups.entry(*link).or_insert(group).members.push((peer, instead));
        }
        if heard.is_empty() || (all_at_once && heard.len() < plan.lanes.len()) {
            singles.push((peer, but(&|lane| heard.iter().any(|(heard, _)| heard == lane))));
        }
    }
    Shares { groups: groups.into_values().collect(), singles }
}

/// The lanes that the envelope would take whose link is heard by many.
fn on_air(state: &State, peer: &PeerId, plan: &Plan) -> Vec<(LaneId, LinkId)> {
    let used = if plan.mode == RouteMode::AllAtOnce { plan.lanes.len() } else { 1 };
    let used = plan.lanes.get(..used).unwrap_or(&plan.lanes);
    let lanes = state.peers.get(peer).map(|merged| merged.lanes.as_slice()).unwrap_or_default();
    let lanes = lanes.iter().filter(|lane| {
        let shared = state.links.get(&lane.link).is_some_and(|slot| slot.capabilities.broadcast);
        shared && used.contains(&lane.id)
    });
    lanes.map(|lane| (lane.id, lane.link)).collect()
}

/// Transmits for a group; to each of them if the link refuses or holds it for too long.
async fn transmit(shared: &Shared, group: Group, envelope: &Envelope) -> Option<Result<Accepted, Error>> {
    let end = shared.now().saturating_add(shared.peek(|state| state.config.stall_after));
    let sent = group.adapter.broadcast(envelope.clone());
    match select(sent, shared.timer.sleep_until(end)).await {
        Either::Left((Ok(accepted), _)) => Some(Ok(accepted)),
        Either::Left((Err(_), _)) | Either::Right(_) => to_each(shared, group.members).await,
    }
}

/// Sends to each; the best outcome, `None` for nobody.
async fn to_each(shared: &Shared, peers: Vec<(PeerId, Entry)>) -> Option<Result<Accepted, Error>> {
    let sends = peers.iter().map(|(peer, entry)| shared.give_when_room(peer, entry));
    join_all(sends).await.into_iter().reduce(better)
}

fn better(one: Result<Accepted, Error>, other: Result<Accepted, Error>) -> Result<Accepted, Error> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok(one.max(other)),
        (Ok(taken), Err(_)) | (Err(_), Ok(taken)) => Ok(taken),
        (Err(_), Err(error)) => Err(error),
    }
}
