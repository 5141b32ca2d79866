use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use civic_crypto::rng::{SystemRng, random_bytes};
use civic_types::PeerId;
use civic_types::time::Tick;
use tokio::task::{JoinError, JoinSet};

use super::config::LanDiscovery;
use super::directory::{Bounds, Dial, Directory, Input, Key, Outcome};
use super::id::Tag;
use super::known::Known;
use super::media::{Media, Trouble};
use crate::links::lan::dial::{self, For};
use crate::links::lan::handshake::HandshakeError;
use crate::links::lan::inner::{Inner, lock};
use crate::peer::PeerAddr;

/// Discovers peers until the link stops, then says goodbye.
pub(in super::super) async fn run(inner: Arc<Inner>, config: LanDiscovery, listen: SocketAddr) {
    let mut driver = Driver::new(inner.clone(), config, listen);
    // It runs until the stop.
    let _ = inner.unless_stopped(driver.run()).await;
    driver.close().await;
}

/// The edge of the directory: what it hears, what it dials, and what is kept of it.
struct Driver {
    inner: Arc<Inner>,
    config: LanDiscovery,
    media: Media,
    directory: Directory,
    connected: BTreeSet<PeerId>,
    shunned: BTreeSet<PeerId>,
    dials: JoinSet<(Key, SocketAddr, Outcome)>,
    next_announce: Tick,
    saved: Tick,
}

enum Event {
    Dialled(Result<(Key, SocketAddr, Outcome), JoinError>),
    Heard(Option<Input>),
    Moved,
    Registry,
    Time,
}

impl Driver {
    fn new(inner: Arc<Inner>, config: LanDiscovery, listen: SocketAddr) -> Self {
        let (timer, tag) = (inner.timer.clone(), tag(&inner, &config));
        let media = Media::new(config.clone(), timer, inner.me, listen, tag);
        let now = inner.timer.now();
        Self {
            directory: Directory::new(media.instance, bounds(&inner, &config)),
            media,
            connected: BTreeSet::new(),
            shunned: BTreeSet::new(),
            dials: JoinSet::new(),
            next_announce: now,
            saved: now,
            inner,
            config,
        }
    }

    async fn run(&mut self) {
        let (mut registry, mut place) = (self.inner.changes(), self.inner.moves());
        self.load().await;
        self.compare_registry();
        loop {
            self.save(SAVE_INTERVAL).await;
            let wake = self.wake();
            let event = tokio::select! {
                input = self.media.hear() => Event::Heard(input),
                Some(outcome) = self.dials.join_next() => Event::Dialled(outcome),
                // Both fail only when the link is gone, and with it this task.
                _ = registry.changed() => Event::Registry,
                _ = place.changed() => Event::Moved,
                () = self.inner.timer.sleep_until(wake) => Event::Time,
            };
            self.take(event).await;
        }
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Dialled(Ok((key, address, outcome))) => {
                self.handle(Input::Dialled { key, address, outcome, random: random() });
            }
            // Aborted, after a move; the directory is a new one.
            Event::Dialled(Err(_)) => {}
            Event::Heard(input) => input.into_iter().for_each(|input| self.handle(input)),
            Event::Moved => self.moved().await,
            Event::Registry => self.compare_registry(),
            Event::Time => self.time(),
        }
    }

    fn time(&mut self) {
        let now = self.inner.timer.now();
        if now >= self.next_announce {
            self.next_announce = now.saturating_add(self.config.announce);
            self.media.announce();
            let known = lock(&self.inner.known).of(self.media.tag);
            for (peer, address) in known {
                self.handle(Input::Known { peer, address });
            }
        }
        self.handle(Input::Time);
    }

    fn handle(&mut self, input: Input) {
        let now = self.inner.timer.now();
        let mut dials = self.directory.handle(now, input);
        while let Some(Dial { key, address, peer }) = dials.pop() {
            if self.media.is_near(&address) {
                let inner = self.inner.clone();
                self.dials.spawn(async move {
                    let target = PeerAddr { peer, address: address.to_string() };
                    let dialled = inner.within(DIAL_TIME, dial::dial(&inner, &target, For::Discovery)).await;
                    let outcome = match dialled.unwrap_or(Err(HandshakeError::Timeout)) {
                        Ok(peer) => Outcome::Answered(peer),
                        Err(HandshakeError::Myself | HandshakeError::Unwanted) => Outcome::Unwanted,
                        Err(error) => {
                            tracing::debug!(%address, %error, "nobody of ours");
                            Outcome::Failed
                        }
                    };
                    (key, address, outcome)
                });
            } else {
                let failed = Input::Dialled { key, address, outcome: Outcome::Failed, random: random() };
                dials.extend(self.directory.handle(now, failed));
            }
        }
        for peer in self.directory.take_forgotten() {
            lock(&self.inner.known).forget(self.media.tag, &peer);
        }
    }

    /// Tells the directory who came and who went, and first of whom the user wants no more.
    fn compare_registry(&mut self) {
        let shunned = self.inner.shunned();
        for peer in shunned.difference(&self.shunned).copied().collect::<Vec<_>>() {
            self.handle(Input::Shunned { peer });
        }
        self.shunned = shunned;
        let there = self.inner.peek_registry(|registry| registry.ids());
        for peer in self.connected.difference(&there).copied().collect::<Vec<_>>() {
            self.handle(Input::Lost { peer, random: random() });
        }
        let wall = self.inner.timer.wall();
        for peer in there.difference(&self.connected).copied().collect::<Vec<_>>() {
            self.handle(Input::Connected { peer, ids: self.config.key.ids(wall, &peer) });
        }
        self.connected = there;
    }

    /// Forgets the old site, tells it goodbye, and starts anew in the other.
    async fn moved(&mut self) {
        self.goodbye().await;
        self.dials.abort_all();
        while self.dials.join_next().await.is_some() {}
        self.media.move_to(tag(&self.inner, &self.config));
        self.directory = Directory::new(self.media.instance, bounds(&self.inner, &self.config));
        self.connected.clear();
        self.compare_registry();
        self.next_announce = self.inner.timer.now();
    }

    fn wake(&self) -> Tick {
        let now = self.inner.timer.now();
        let announce = self.next_announce;
        self.directory.next_wake(now).map_or(announce, |wake| wake.min(announce))
    }

    async fn load(&mut self) {
        let Some(cell) = self.config.known.clone() else { return };
        let loaded = tokio::task::spawn_blocking(move || cell.load()).await;
        match loaded {
            Ok(Ok(Some(bytes))) => *lock(&self.inner.known) = Known::decode(&bytes),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => self.media.warn(Trouble::Known, &error),
            Err(error) => self.media.warn(Trouble::Known, &error),
        }
    }

    /// Keeps the addresses that answered, not more often than that.
    async fn save(&mut self, interval: Duration) {
        let Some(cell) = self.config.known.clone() else { return };
        let now = self.inner.timer.now();
        if now.since(self.saved) < interval {
            return;
        }
        let Some(bytes) = lock(&self.inner.known).take_changes() else { return };
        self.saved = now;
        let saved = tokio::task::spawn_blocking(move || cell.save(&bytes)).await;
        match saved {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.media.warn(Trouble::Known, &error),
            Err(error) => self.media.warn(Trouble::Known, &error),
        }
    }

    async fn goodbye(&mut self) {
        if self.inner.within(GOODBYE_TIME, self.media.goodbye()).await.is_none() {
            tracing::debug!("mDNS did not end in time");
        }
    }

    async fn close(&mut self) {
        self.dials.abort_all();
        self.goodbye().await;
        self.save(Duration::ZERO).await;
    }
}

fn tag(inner: &Inner, config: &LanDiscovery) -> Tag {
    config.key.tag(&inner.net, &inner.site())
}

const fn bounds(inner: &Inner, config: &LanDiscovery) -> Bounds {
    Bounds {
        max_entries: config.max_entries,
        max_new_per_s: config.max_new_per_s,
        max_dials: config.max_dials,
        lost_after: config.lost_after(),
        backoff: (inner.config.backoff_unit, inner.config.backoff_cap),
    }
}

fn random() -> u64 {
    u64::from_be_bytes(random_bytes(&mut SystemRng::new()))
}

/// Longest dial: on a LAN who is there answers soon, and the others must not keep dials busy.
const DIAL_TIME: Duration = Duration::from_secs(4);
/// Longest time to say goodbye: a flooded mDNS daemon must not hold up a stop.
const GOODBYE_TIME: Duration = Duration::from_secs(1);
/// Between two writes of the addresses that answered.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);
