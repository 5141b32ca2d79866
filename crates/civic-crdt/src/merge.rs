//! [`Crdt`]: what every replicated type of this crate can do, and the laws it owes.

use crate::clock::VersionVector;
use crate::decode::DecodeError;

/// Whether a call changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Something is different now.
    Changed,
    /// Everything was known already.
    Unchanged,
}

impl Effect {
    /// Whether something is different now.
    #[must_use]
    pub const fn is_changed(self) -> bool {
        matches!(self, Self::Changed)
    }
}

impl From<bool> for Effect {
    fn from(changed: bool) -> Self {
        if changed { Self::Changed } else { Self::Unchanged }
    }
}

/// A replicated data type: replicas change their copies apart and merge them in any order.
///
/// # Laws
///
/// Equality is equality of [`encode_canonical`](Self::encode_canonical). For any states `a`, `b`, `c`
/// that replicas with ids of their own can reach:
///
/// - commutative: `a ∪ b = b ∪ a`
/// - associative: `(a ∪ b) ∪ c = a ∪ (b ∪ c)`
/// - idempotent: `a ∪ a = a`, and merging what was merged before is [`Effect::Unchanged`]
/// - delta = full: `a.apply(b.delta_since(a.version()))` gives `a ∪ b`
/// - [`Effect::Changed`] is told exactly when the canonical bytes differ from before
/// - save and load: [`decode_canonical`](Self::decode_canonical) takes exactly the bytes that
///   [`encode_canonical`](Self::encode_canonical) writes, and gives the state back
///
/// `civic_crdt::laws::check` (feature `laws`) tests them for any implementation.
///
/// # Implementing
///
/// A type whose delta leaves out what the receiver has must ignore a delta that was made for somebody
/// further on than itself: taking it would leave a gap that nobody fills any more.
pub trait Crdt: Clone {
    /// What a replica that is behind lacks.
    type Delta;

    /// Takes in everything that `other` knows.
    fn merge(&mut self, other: &Self) -> Effect;

    /// Takes in a delta; one made for somebody further on changes nothing.
    fn apply(&mut self, delta: &Self::Delta) -> Effect;

    /// What a replica whose [`version`](Self::version) is `since` lacks.
    fn delta_since(&self, since: &VersionVector) -> Self::Delta;

    /// How many events of each replica this state knows; empty for types that do not count.
    fn version(&self) -> VersionVector;

    /// Canonical bytes: equal for equal states, whatever the order of merges that led there.
    fn encode_canonical(&self) -> Vec<u8>;

    /// Reads a state back from its canonical bytes; allocates no more than a multiple of their length.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] unless the bytes are canonical, consistent and within the bounds of [`crate::decode`].
    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError>;
}
