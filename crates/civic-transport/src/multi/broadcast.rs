use std::collections::BTreeMap;
use std::sync::Arc;

use civic_types::PeerId;
use futures_util::future::{Either, join_all, select};

use super::lane::{Entry, LaneId};
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
    let (peers, groups) = shared.peek(|state| (state.peers_sorted(), groups(shared, state, &entry)));
    let on_air = join_all(groups.into_iter().map(|group| transmit(shared, group, &entry.envelope))).await;
    let mut accepted = None;
    let mut done: BTreeMap<PeerId, Entry> =
        peers.iter().map(|peer| (*peer, entry.clone())).collect();
    for (group, taken) in on_air.into_iter().flatten() {
        accepted = accepted.max(Some(taken));
        for (peer, lane, mode) in group.members {
            match mode {
                RouteMode::OneByOne => drop(done.remove(&peer)),
                RouteMode::AllAtOnce => {
                    if let Some(entry) = done.get_mut(&peer) {
                        entry.tried.push(lane);
                    }
                }
            }
        }
    }
    let sends = done.iter().map(|(peer, entry)| shared.give_when_room(peer, entry));
    let mut failure = Error::NotConnected { peer: PeerId::from_bytes([0; PeerId::LEN]) };
    for outcome in join_all(sends).await {
        match outcome {
            Ok(taken) => accepted = accepted.max(Some(taken)),
            Err(error) => failure = error,
        }
    }
    accepted.ok_or(failure)
}

/// Peers that one transmission of a link reaches.
struct Group {
    adapter: Arc<dyn TransportAdapter>,
    members: Vec<(PeerId, LaneId, RouteMode)>,
}

/// The links over which one transmission saves several. Only for signed envelopes: others who hear it, and who
/// get it by another link too, drop the copy.
fn groups(shared: &Shared, state: &State, entry: &Entry) -> Vec<Group> {
    let mut groups: BTreeMap<LinkId, Group> = BTreeMap::new();
    if matches!(entry.envelope, Envelope::Local(_)) {
        return Vec::new();
    }
    for peer in state.peers_sorted() {
        let (Ok(plan), Some(merged)) = (state.plan(shared.now(), &peer, entry), state.peers.get(&peer)) else {
            continue;
        };
        let used = if plan.mode == RouteMode::AllAtOnce { plan.lanes.len() } else { 1 };
        for id in plan.lanes.into_iter().take(used) {
            let Some(lane) = merged.lanes.iter().find(|lane| lane.id == id) else { continue };
            let Some(slot) = state.links.get(&lane.link).filter(|slot| slot.capabilities.broadcast) else {
                continue;
            };
            let group = groups.entry(lane.link).or_insert_with(|| Group {
                adapter: Arc::clone(&slot.adapter),
                members: Vec::new(),
            });
            group.members.push((peer, id, plan.mode));
        }
    }
    groups.into_values().filter(|group| group.members.len() > 1).collect()
}

/// Transmits for a group; `None` when the link refuses or takes too long, so that each member is sent to.
async fn transmit(shared: &Shared, group: Group, envelope: &Envelope) -> Option<(Group, Accepted)> {
    let end = shared.now().saturating_add(shared.peek(|state| state.config.stall_after));
    let sent = match select(group.adapter.broadcast(envelope.clone()), shared.timer.sleep_until(end)).await {
        Either::Left((outcome, _)) => outcome.ok(),
        Either::Right(_) => None,
    };
    sent.map(|accepted| (group, accepted))
}
