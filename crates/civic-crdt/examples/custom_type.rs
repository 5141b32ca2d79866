//! A replicated type of your own, and the law kit's verdict on it: the highest water that any gauge has seen.

use civic_crdt::laws::{self, Lawful};
use civic_crdt::{Crdt, DecodeError, Effect, VersionVector};
use civic_types::ReplicaId;
use civic_types::cbor::{Decoder, Encoder};
use proptest::prelude::{BoxedStrategy, Strategy};

/// Centimetres; whoever merges keeps the greater.
#[derive(Clone, Debug, Default)]
struct HighWater(u64);

impl Crdt for HighWater {
    type Delta = Self;

    fn merge(&mut self, other: &Self) -> Effect {
        let rises = other.0 > self.0;
        self.0 = self.0.max(other.0);
        rises.into()
    }

    fn apply(&mut self, delta: &Self) -> Effect {
        self.merge(delta)
    }

    fn delta_since(&self, _since: &VersionVector) -> Self {
        self.clone()
    }

    fn version(&self) -> VersionVector {
        VersionVector::new()
    }

    fn encode_canonical(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.uint(self.0);
        out.into_bytes()
    }

    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Decoder::new(bytes);
        let level = input.uint()?;
        input.finish()?;
        Ok(Self(level))
    }
}

impl Lawful for HighWater {
    type Change = u64;

    fn start() -> Self {
        Self::default()
    }

    fn changes() -> BoxedStrategy<u64> {
        (0..5_u64).boxed()
    }

    fn change(&mut self, _replica: ReplicaId, level: &u64) {
        self.merge(&Self(*level));
    }
}

/// The same, but whoever merges takes what the other has.
#[derive(Clone, Debug, Default)]
struct LastWater(HighWater);

impl Crdt for LastWater {
    type Delta = Self;

    fn merge(&mut self, other: &Self) -> Effect {
        let differs = other.0.0 != self.0.0;
        self.clone_from(other);
        differs.into()
    }

    fn apply(&mut self, delta: &Self) -> Effect {
        self.merge(delta)
    }

    fn delta_since(&self, _since: &VersionVector) -> Self {
        self.clone()
    }

    fn version(&self) -> VersionVector {
        VersionVector::new()
    }

    fn encode_canonical(&self) -> Vec<u8> {
        self.0.encode_canonical()
    }

    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
        HighWater::decode_canonical(bytes).map(Self)
    }
}

impl Lawful for LastWater {
    type Change = u64;

    fn start() -> Self {
        Self::default()
    }

    fn changes() -> BoxedStrategy<u64> {
        HighWater::changes()
    }

    fn change(&mut self, replica: ReplicaId, level: &u64) {
        self.0.change(replica, level);
    }
}

fn main() -> Result<(), laws::Violation> {
    laws::check::<HighWater>()?;
    println!("HighWater keeps every law");
    match laws::check::<LastWater>() {
        Ok(()) => {
            println!("LastWater keeps every law, and that is wrong: whose merge comes last must not matter")
        }
        Err(refused) => println!("LastWater is refused: {refused}"),
    }
    Ok(())
}
