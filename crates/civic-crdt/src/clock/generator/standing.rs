use std::time::Duration;

use civic_types::time::Timestamp;

use super::{HlcGenerator, RESERVED_AHEAD};
use crate::clock::ClockTrust;

/// Whether the clock that stamps can be believed. Whatever it is, readings rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum ClockStanding {
    /// The wall clock agrees with peers, but stamps have run this far ahead of it: a stamp of a clock that was
    /// wrong once stands in the mark, and would stand in every write until the time has come.
    ///
    /// The remedy is a new incarnation: mint a nonce and store the new `ReplicaId` first, then call
    /// [`HlcGenerator::incarnate`]. A crash between the two does no harm; the next standing asks again.
    Ahead(Duration),
    /// Nothing speaks against it.
    Sound,
    /// The wall clock is wrong or may be: tell the user, and judge this device's messages by time of receipt.
    Suspect(Suspicion),
}

/// What speaks against a wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suspicion {
    /// It is behind the stamps issued, which ran ahead or from which it was set back; peers could tell.
    BehindMark(Duration),
    /// It is earlier than the build time.
    BelowFloor,
    /// It is this far from what peers' clocks say.
    OffPeers(Duration),
}

impl HlcGenerator {
    /// Whether the clock can be believed, as far as `trust` tells.
    ///
    /// The mark is reserved ahead and follows stamps adopted from peers, so that a sound wall clock may be
    /// behind it by [`RESERVED_AHEAD`] and the drift allowed.
    pub fn standing(&self, trust: &ClockTrust) -> ClockStanding {
        let wall = self.clock.wall();
        let (drift, last) = (self.max_drift(), self.last().timestamp());
        let time = trust.time(self.clock.now());
        let ahead =
            |of: Timestamp| Some(last.since(of)).filter(|by| *by > drift.saturating_add(RESERVED_AHEAD));
        let off = time.map(|time| wall.max(time).since(wall.min(time))).filter(|by| *by > drift);
        if let Some(off) = off {
            return ClockStanding::Suspect(Suspicion::OffPeers(off));
        }
        if wall < self.floor {
            return ClockStanding::Suspect(Suspicion::BelowFloor);
        }
        match (ahead(time.unwrap_or(wall)), time) {
            (None, _) => ClockStanding::Sound,
            (Some(by), Some(_)) => ClockStanding::Ahead(by),
            (Some(by), None) => ClockStanding::Suspect(Suspicion::BehindMark(by)),
        }
    }
}
