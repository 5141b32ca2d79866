use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use civic_types::time::Tick;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::LinkModel;

/// A node of a [`SimNetwork`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// Nodes that all reach each other over lossy, slow, cut links, in virtual time.
pub struct SimNetwork {
    seed: u64,
    model: LinkModel,
    nodes: u32,
    sequence: u64,
    flying: BTreeMap<(Tick, u64), Delivery>,
    links: BTreeMap<(NodeId, NodeId), Link>,
    cuts: BTreeSet<(NodeId, NodeId)>,
    groups: BTreeMap<NodeId, usize>,
    stats: SimStats,
    trace: blake3::Hasher,
}

/// One direction between two nodes.
struct Link {
    model: Option<LinkModel>,
    loss: ChaCha8Rng,
    duplicate: ChaCha8Rng,
    delay: ChaCha8Rng,
    busy_until: Tick,
    flying_bytes: usize,
}

/// A frame that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When.
    pub at: Tick,
    /// Who sent it.
    pub from: NodeId,
    /// Who receives it.
    pub to: NodeId,
    /// The frame.
    pub bytes: Bytes,
}

/// What has become of all frames so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimStats {
    /// Frames sent.
    pub sent: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Frames that arrived, duplicates counted.
    pub delivered: u64,
    /// Frames lost by chance.
    pub lost: u64,
    /// Frames that arrived twice.
    pub duplicated: u64,
    /// Frames lost at a cut.
    pub cut: u64,
}

/// Why a frame was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// Longer than the link's longest frame.
    #[error("a frame of {got} bytes is more than {limit}")]
    TooLarge {
        /// Its length.
        got: usize,
        /// The longest.
        limit: usize,
    },
}

impl SimNetwork {
    /// A network of perfect links without nodes.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            model: LinkModel::perfect(),
            nodes: 0,
            sequence: 0,
            flying: BTreeMap::new(),
            links: BTreeMap::new(),
            cuts: BTreeSet::new(),
            groups: BTreeMap::new(),
            stats: SimStats::default(),
            trace: blake3::Hasher::new(),
        }
    }

    /// With another model for all links that have none of their own.
    #[must_use]
    pub fn with_model(mut self, model: LinkModel) -> Self {
        self.model = model;
        self
    }

    /// One more node, which reaches all others.
    pub const fn add_node(&mut self) -> NodeId {
        let node = NodeId(self.nodes);
        self.nodes += 1;
        node
    }

    /// Gives the link between two nodes a model of its own, in both directions.
    pub fn set_link(&mut self, a: NodeId, b: NodeId, model: LinkModel) {
        self.link(a, b).model = Some(model.clone());
        self.link(b, a).model = Some(model);
    }

    /// Cuts the link between two nodes in silence: what is in flight and what is sent from now on is lost.
    pub fn cut(&mut self, a: NodeId, b: NodeId) {
        self.cuts.insert(pair(a, b));
    }

    /// Mends that cut; a partition between the two stays.
    pub fn heal(&mut self, a: NodeId, b: NodeId) {
        self.cuts.remove(&pair(a, b));
    }

    /// Parts the nodes into groups that do not reach each other, in place of any parting before; nodes in
    /// no group form one more.
    pub fn partition(&mut self, groups: &[&[NodeId]]) {
        self.groups.clear();
        for (number, group) in groups.iter().enumerate() {
            self.groups.extend(group.iter().map(|node| (*node, number)));
        }
    }

    /// Mends every cut and every parting.
    pub fn heal_all(&mut self) {
        self.cuts.clear();
        self.groups.clear();
    }

    /// Whether nothing crosses between two nodes.
    #[must_use]
    pub fn is_cut(&self, a: NodeId, b: NodeId) -> bool {
        self.cuts.contains(&pair(a, b)) || self.groups.get(&a) != self.groups.get(&b)
    }

    /// Sends a frame. It arrives, perhaps twice, or is lost; the sender is not told.
    ///
    /// # Errors
    ///
    /// [`SimError::TooLarge`] above the link's longest frame.
    pub fn send(&mut self, now: Tick, from: NodeId, to: NodeId, bytes: Bytes) -> Result<(), SimError> {
        let model = self.link(from, to).model.clone().unwrap_or_else(|| self.model.clone());
        let limit = model.mtu_bytes.unwrap_or(usize::MAX);
        if bytes.len() > limit {
            return Err(SimError::TooLarge { got: bytes.len(), limit });
        }
        self.stats.sent += 1;
        self.stats.sent_bytes += bytes.len() as u64;
        let link = self.link(from, to);
        // Every frame draws the same numbers, whatever becomes of it.
        let lost = chance(&mut link.loss, model.loss_permille);
        let twice = chance(&mut link.duplicate, model.duplicate_permille);
        let delays = [between(&mut link.delay, &model), between(&mut link.delay, &model)];
        let sent = link.busy_until.max(now).saturating_add(airtime(&model, bytes.len()));
        link.busy_until = sent;
        if self.is_cut(from, to) {
            self.stats.cut += 1;
        } else if lost {
            self.stats.lost += 1;
        } else {
            self.stats.duplicated += u64::from(twice);
            for delay in delays.into_iter().take(1 + usize::from(twice)) {
                let at = sent.saturating_add(delay);
                self.link(from, to).flying_bytes += bytes.len();
                self.flying.insert((at, self.sequence), Delivery { at, from, to, bytes: bytes.clone() });
                self.sequence += 1;
            }
        }
        Ok(())
    }

    /// When the next frame arrives.
    #[must_use]
    pub fn next_event_at(&self) -> Option<Tick> {
        self.flying.first_key_value().map(|((at, _), _)| *at)
    }

    /// Everything that has arrived by `now`, in order. A frame whose link is cut at this call is lost, so
    /// poll up to the time of a cut before cutting.
    pub fn poll(&mut self, now: Tick) -> Vec<Delivery> {
        let later = self.flying.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut self.flying, later);
        let mut arrived = Vec::with_capacity(due.len());
        for ((at, sequence), delivery) in due {
            let (from, to, length) = (delivery.from, delivery.to, delivery.bytes.len());
            let link = self.link(from, to);
            link.flying_bytes = link.flying_bytes.saturating_sub(length);
            if self.is_cut(from, to) {
                self.stats.cut += 1;
                continue;
            }
            self.stats.delivered += 1;
            self.trace.update(&at.as_nanos().to_be_bytes()).update(&sequence.to_be_bytes());
            self.trace.update(&from.0.to_be_bytes()).update(&to.0.to_be_bytes());
            self.trace.update(&(length as u64).to_be_bytes()).update(&delivery.bytes);
            arrived.push(delivery);
        }
        arrived
    }

    /// Bytes on their way from one node to another.
    #[must_use]
    pub fn flying_bytes(&self, from: NodeId, to: NodeId) -> usize {
        self.links.get(&(from, to)).map_or(0, |link| link.flying_bytes)
    }

    /// What has become of all frames so far.
    #[must_use]
    pub const fn stats(&self) -> SimStats {
        self.stats
    }

    /// A hash over every delivery so far: equal traces have equal hashes.
    #[must_use]
    pub fn trace_hash(&self) -> [u8; 32] {
        *self.trace.finalize().as_bytes()
    }

    fn link(&mut self, from: NodeId, to: NodeId) -> &mut Link {
        let seed = self.seed;
        self.links.entry((from, to)).or_insert_with(|| Link {
            model: None,
            loss: stream(seed, from, to, b"loss"),
            duplicate: stream(seed, from, to, b"duplicate"),
            delay: stream(seed, from, to, b"delay"),
            busy_until: Tick::default(),
            flying_bytes: 0,
        })
    }
}

impl fmt::Debug for SimNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimNetwork")
            .field("seed", &self.seed)
            .field("nodes", &self.nodes)
            .field("flying", &self.flying.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

fn pair(a: NodeId, b: NodeId) -> (NodeId, NodeId) {
    (a.min(b), a.max(b))
}

/// The random stream of one purpose on one directed link.
fn stream(seed: u64, from: NodeId, to: NodeId, purpose: &[u8]) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&seed.to_be_bytes())
        .update(&from.0.to_be_bytes())
        .update(&to.0.to_be_bytes())
        .update(purpose);
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}

/// Always draws one number.
fn chance(rng: &mut ChaCha8Rng, permille: u16) -> bool {
    below(rng, 1000) < u64::from(permille)
}

/// Always draws one number.
fn between(rng: &mut ChaCha8Rng, model: &LinkModel) -> Duration {
    let span = model.delay_max.saturating_sub(model.delay_min).as_nanos();
    let drawn = below(rng, u64::try_from(span).unwrap_or(u64::MAX).saturating_add(1));
    model.delay_min.saturating_add(Duration::from_nanos(drawn))
}

/// Evenly below `bound`, which is not zero, but for a bias of at most `bound` in 2⁶⁴.
fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    let wide = u128::from(rng.next_u64()) * u128::from(bound);
    u64::try_from(wide >> u64::BITS).unwrap_or(u64::MAX)
}

fn airtime(model: &LinkModel, bytes: usize) -> Duration {
    let nanos = |rate: u64| (bytes as u128 * NANOS_PER_S).div_ceil(u128::from(rate.max(1)));
    let nanos = model.bandwidth_bytes_per_s.map_or(0, nanos);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

const NANOS_PER_S: u128 = 1_000_000_000;
