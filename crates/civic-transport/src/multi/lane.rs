use civic_types::time::Tick;
use futures_util::future::AbortHandle;

use super::route::RouteRequest;
use super::status::LinkId;
use super::window::Window;
use crate::envelope::Envelope;
use crate::peer::{PeerInfo, TransportKind};
use crate::queue::PriorityQueues;

/// Numbers the lanes of one joined transport; a link that finds a peer again gets a new one.
pub(super) type LaneId = u64;

/// One link's connection to one peer, and what waits for it. A neighbour that reads slowly blocks no other.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) id: LaneId,
    pub(super) link: LinkId,
    pub(super) kind: TransportKind,
    /// Longest payload.
    pub(super) max_bytes: usize,
    pub(super) info: PeerInfo,
    pub(super) queues: PriorityQueues<Entry>,
    pub(super) sending: Sending,
    /// Whether it stands in the list of lanes with something to send.
    pub(super) listed: bool,
    pub(super) window: Window,
    /// Until when other lanes are preferred.
    pub(super) stalled_until: Tick,
}

/// Whether the link holds an envelope of the lane right now.
#[derive(Debug)]
pub(super) enum Sending {
    /// The driver waits for the link to take it.
    Driver(Box<Entry>, AbortHandle),
    /// A caller hands it over at this moment.
    Caller,
    /// It does not.
    Idle,
}

/// An envelope on its way.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) envelope: Envelope,
    pub(super) request: RouteRequest,
    /// When it was accepted.
    pub(super) since: Tick,
    /// Lanes that it was given to before or at the same time.
    pub(super) tried: Vec<LaneId>,
}

impl Entry {
    pub(super) fn new(envelope: Envelope, now: Tick) -> Self {
        Self { request: RouteRequest::of(&envelope), envelope, since: now, tried: Vec::new() }
    }

    /// What it costs.
    pub(super) fn bytes(&self) -> usize {
        self.request.payload_bytes.saturating_add(ENTRY_COST_BYTES)
    }
}

impl Lane {
    /// Whether an envelope can be handed over without overtaking another.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.sending, Sending::Idle) && self.queues.is_empty()
    }

    /// How many envelopes the link has not taken.
    pub(super) fn untaken(&self) -> u64 {
        let held = usize::from(matches!(self.sending, Sending::Driver(..)));
        u64::try_from(self.queues.len() + held).unwrap_or(u64::MAX)
    }

    /// Everything that the link is not known to have delivered: what it took of late, what it holds, what waits.
    pub(super) fn into_entries(mut self, now: Tick) -> Vec<Entry> {
        let mut entries: Vec<_> = std::mem::take(&mut self.window).into_entries().collect();
        if let Sending::Driver(entry, abort) = std::mem::replace(&mut self.sending, Sending::Idle) {
            abort.abort();
            entries.push(*entry);
        }
        entries.extend(std::iter::from_fn(|| self.queues.pop_aged(now)));
        entries
    }
}

/// What an entry costs beside its payload, so that empty envelopes are bounded too.
const ENTRY_COST_BYTES: usize = 256;
