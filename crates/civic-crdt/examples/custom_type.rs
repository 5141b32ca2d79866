//! A replicated type of your own, and the law kit's verdict on it: the highest water that any gauge has seen.

use civic_crdt::laws::{self, Lawful};
use civic_crdt::{Crdt, DecodeError, Effect, VersionVector};
use civic_types::ReplicaId;
use civic_types::cbor::{Decoder, Encoder};
use proptest::prelude::{BoxedStrategy, Strategy};

/// Centimetres. Whoever merges keeps the greater; or, if that is wanted wrong, takes what the other has.
#[derive(Clone, Debug, Default)]
struct Water<const KEEPS_THE_GREATER: bool>(u64);

impl<const KEEPS_THE_GREATER: bool> Crdt for Water<KEEPS_THE_GREATER> {
    type Delta = Self;

    fn merge(&mut self, other: &Self) -> Effect {
        let merged = if KEEPS_THE_GREATER { self.0.max(other.0) } else { other.0 };
        let changed = merged != self.0;
        self.0 = merged;
        changed.into()
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

impl<const KEEPS_THE_GREATER: bool> Lawful for Water<KEEPS_THE_GREATER> {
    type Change = u64;

    fn start() -> Self {
        Self::default()
    }

    fn changes() -> BoxedStrategy<u64> {
        (0..5_u64).boxed()
    }

    fn change(&mut self, _replica: ReplicaId, level: &u64) {
        self.0 = self.0.max(*level);
    }
}

fn main() -> Result<(), laws::Violation> {
    laws::check::<Water<true>>()?;
    println!("keeping the greater keeps every law");
    match laws::check::<Water<false>>() {
        Ok(()) => println!("taking the other's does too, and that is wrong: it matters who merges last"),
        Err(refused) => println!("taking the other's is refused: {refused}"),
    }
    Ok(())
}
