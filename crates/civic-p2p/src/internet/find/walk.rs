use std::time::Duration;

use civic_types::PeerId;
use civic_types::time::Tick;

/// When to walk the table: a pure machine.
///
/// Short of peers it walks often, otherwise seldom; as soon as the table has its first peer it walks at
/// once. Every walk asks one shard of the well-known topic, each in its turn.
#[derive(Clone, Debug)]
pub(in crate::internet) struct Walk {
    short: Duration,
    long: Duration,
    last: Option<Tick>,
    shard: u8,
    started: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::internet) enum Step {
    /// Ask for a random key, for ourselves and for that shard.
    Ask { shard: u8 },
    /// Nothing before then.
    Wait(Tick),
}

impl Walk {
    /// Walks first through the shard where the peer itself is found.
    pub(in crate::internet) const fn new(short: Duration, long: Duration, shard: u8) -> Self {
        Self { short, long, last: None, shard, started: false }
    }

    /// Says what is to be done, given how many peers are there and wanted, and how many the table knows.
    pub(in crate::internet) fn handle(
        &mut self,
        now: Tick,
        peers: usize,
        wanted: usize,
        known: usize,
    ) -> Step {
        if known == 0 {
            self.started = false;
            return Step::Wait(now.saturating_add(self.short));
        }
        let interval = if peers < wanted { self.short } else { self.long };
        let due = match self.last {
            Some(last) if self.started => last.saturating_add(interval),
            _ => now,
        };
        if now < due {
            return Step::Wait(due);
        }
        (self.last, self.started) = (Some(now), true);
        let shard = self.shard;
        self.shard = (shard + 1) % SHARDS;
        Step::Ask { shard }
    }
}

/// The shard in which a peer offers itself.
pub(in crate::internet) fn shard_of(peer: &PeerId) -> u8 {
    peer.as_bytes().first().map_or(0, |byte| byte % SHARDS)
}

/// The table's key of a shard.
pub(in crate::internet) fn shard_key(shard: u8) -> Vec<u8> {
    format!("{TOPIC}/{shard}").into_bytes()
}

/// Shards of the topic: one key of the table gives back no more than about twenty providers.
const SHARDS: u8 = 16;
/// The topic under which every peer of a network offers itself.
const TOPIC: &str = "/cybereco/peers/v1";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::default().saturating_add(Duration::from_secs(seconds))
    }

    fn walk() -> Walk {
        Walk::new(Duration::from_secs(30), Duration::from_secs(300), 14)
    }

    #[test]
    fn it_walks_often_while_short_of_peers_and_seldom_otherwise() {
        let asked = |peers| {
            let mut walk = walk();
            (0..3000).filter(|s| matches!(walk.handle(at(*s), peers, 8, 5), Step::Ask { .. })).count()
        };
        assert_eq!((asked(7), asked(8)), (100, 10));
    }

    #[test]
    fn the_first_peer_of_the_table_starts_it_and_every_shard_has_its_turn() {
        let mut walk = walk();
        assert_eq!(walk.handle(at(0), 0, 8, 0), Step::Wait(at(30)));
        assert_eq!(walk.handle(at(7), 1, 8, 1), Step::Ask { shard: 14 });
        assert_eq!(walk.handle(at(8), 1, 8, 1), Step::Wait(at(37)));
        let shards: Vec<_> = (1..=16).map(|n| walk.handle(at(7 + 30 * n), 1, 8, 1)).collect();
        assert_eq!(shards[..3], [15, 0, 1].map(|shard| Step::Ask { shard }));
        assert_eq!(shards[15], Step::Ask { shard: 14 });
    }
}
