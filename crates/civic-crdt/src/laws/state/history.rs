use civic_types::ReplicaId;

/// A local change in a history.
#[derive(Clone, Debug)]
pub struct Event<C> {
    /// Who made it.
    pub replica: ReplicaId,
    /// The change.
    pub change: C,
    bit: Bits,
    seen: Bits,
}

impl<C> Event<C> {
    /// Whether its maker had seen another one when he made it.
    #[must_use]
    pub const fn saw(&self, other: &Self) -> bool {
        self.seen & other.bit != 0
    }
}

/// The changes that a replica has seen, an earlier one before those that saw it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a, C> {
    events: &'a [Event<C>],
    seen: Bits,
}

impl<'a, C> Seen<'a, C> {
    pub(super) const fn new(events: &'a [Event<C>], seen: Bits) -> Self {
        Self { events, seen }
    }

    /// The changes.
    pub fn iter(&self) -> impl Iterator<Item = &'a Event<C>> + use<'a, C> {
        let seen = self.seen;
        self.events.iter().filter(move |event| seen & event.bit != 0)
    }
}

/// Writes down a change by a replica that has seen some; gives what it has seen with this one.
pub(super) fn push<C>(events: &mut Vec<Event<C>>, replica: ReplicaId, change: C, seen: Bits) -> Bits {
    let bit = u32::try_from(events.len()).ok().and_then(|at| Bits::checked_shl(1, at)).unwrap_or_default();
    events.push(Event { replica, change, bit, seen });
    seen | bit
}

/// A set of events; a history has fewer than this has bits.
pub(super) type Bits = u64;
