use std::collections::VecDeque;

use civic_types::PeerId;
use civic_types::time::{Tick, Timestamp};

/// Least number of peers whose clocks together say what time it is: of three, one may lie.
pub const MIN_TRUSTED_PEERS: usize = 3;

/// Most peers whose clocks are remembered; the one heard longest ago makes room. A neighbourhood's worth.
pub const MAX_TRUSTED_PEERS: usize = 64;

/// What time it is, as authenticated peers have said.
///
/// Feed it with the stamp of whoever has just proved who he is. What a peer said goes on with the monotonic
/// clock, so a jump of our own wall clock changes nothing here.
///
/// ```
/// use civic_crdt::clock::ClockTrust;
/// use civic_types::PeerId;
/// use civic_types::time::{Tick, Timestamp};
///
/// let mut trust = ClockTrust::new();
/// for (peer, millis) in [(1, 7_000), (2, 9_999_000), (3, 7_100)] {
///     trust.hear(PeerId::from_bytes([peer; 32]), Timestamp::from_millis(millis), Tick::default());
/// }
/// assert_eq!(trust.time(Tick::from_nanos(50_000_000)), Some(Timestamp::from_millis(7_150)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockTrust {
    /// Each peer once, the one heard longest ago first.
    heard: VecDeque<(PeerId, Timestamp, Tick)>,
}

impl ClockTrust {
    /// Nobody was heard yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { heard: VecDeque::new() }
    }

    /// Takes note of what an authenticated peer's clock says now.
    pub fn hear(&mut self, peer: PeerId, says: Timestamp, now: Tick) {
        self.forget(&peer);
        if self.heard.len() >= MAX_TRUSTED_PEERS {
            self.heard.pop_front();
        }
        self.heard.push_back((peer, says, now));
    }

    /// Forgets what a peer said, e.g. when it is blocked.
    pub fn forget(&mut self, peer: &PeerId) {
        self.heard.retain(|(held, ..)| held != peer);
    }

    /// The median of what peers' clocks say now, the lesser of two; `None` below [`MIN_TRUSTED_PEERS`].
    #[must_use]
    pub fn time(&self, now: Tick) -> Option<Timestamp> {
        if self.heard.len() < MIN_TRUSTED_PEERS {
            return None;
        }
        let mut times: Vec<_> =
            self.heard.iter().map(|(_, says, at)| says.saturating_add(now.since(*at))).collect();
        times.sort_unstable();
        times.get((times.len() - 1) / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn peer(number: u8) -> PeerId {
        PeerId::from_bytes([number; 32])
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn two_peers_are_too_few_and_a_third_decides() {
        let mut trust = ClockTrust::new();
        trust.hear(peer(1), at(10), Tick::default());
        trust.hear(peer(2), at(999), Tick::default());
        assert_eq!(trust.time(Tick::default()), None);
        trust.hear(peer(3), at(20), Tick::default());
        assert_eq!(trust.time(Tick::default()), Some(at(20)));
        trust.forget(&peer(3));
        assert_eq!(trust.time(Tick::default()), None);
    }

    #[test]
    fn one_peer_has_one_voice_however_often_it_speaks() {
        let mut trust = ClockTrust::new();
        for _ in 0..10 {
            trust.hear(peer(1), at(999), Tick::default());
        }
        assert_eq!(trust.time(Tick::default()), None);
    }

    #[test]
    fn the_peer_heard_longest_ago_makes_room() {
        let mut trust = ClockTrust::new();
        for number in 0..=u8::try_from(MAX_TRUSTED_PEERS).unwrap() {
            trust.hear(peer(number), at(u64::from(number)), Tick::default());
        }
        assert_eq!(trust.heard.len(), MAX_TRUSTED_PEERS);
        assert_eq!(trust.heard.front().map(|(held, ..)| *held), Some(peer(1)));
    }

    #[test]
    fn what_was_said_goes_on_with_the_monotonic_clock() {
        let mut trust = ClockTrust::new();
        let second = Tick::default().saturating_add(Duration::from_secs(1));
        for number in 1..=3 {
            trust.hear(peer(number), at(5000), Tick::default());
        }
        assert_eq!(trust.time(second), Some(at(6000)));
    }
}
