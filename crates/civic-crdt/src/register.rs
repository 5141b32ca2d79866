//! [`LwwRegister`]: one value, the last write wins.

use std::cmp::Ordering;

use civic_types::PeerId;
use civic_types::cbor::Encoder;
use civic_types::limits::END_OF_TIME_MILLIS;
use civic_types::time::Hlc;

use crate::clock::VersionVector;
use crate::decode::{self, DecodeError};
use crate::element::Element;
use crate::merge::{Crdt, Effect};

/// One value; of two writes the later stands.
///
/// Later by the [`Hlc`]: milliseconds, counter, the greater peer; should even those be equal, the greater
/// canonical bytes, so that merging commutes whatever a faulty clock does.
///
/// ```
/// use civic_crdt::{Crdt, LwwRegister};
/// use civic_types::PeerId;
/// use civic_types::time::Hlc;
///
/// let at = |millis, peer| Hlc { millis, counter: 0, peer: PeerId::from_bytes([peer; 32]) };
/// let mut here = LwwRegister::new(at(1, 1), "dry".to_owned());
/// let mut there = here.clone();
/// here.set(at(5, 1), "wet".to_owned());
/// there.set(at(5, 2), "broken".to_owned());
/// here.merge(&there);
/// assert_eq!(here.value(), "broken");
/// ```
#[derive(Clone, Debug)]
pub struct LwwRegister<T> {
    at: Hlc,
    value: T,
}

impl<T: Element> LwwRegister<T> {
    /// A register with its first value.
    #[must_use]
    pub const fn new(at: Hlc, value: T) -> Self {
        Self { at, value }
    }

    /// Writes; an earlier reading than the one that stands changes nothing.
    pub fn set(&mut self, at: Hlc, value: T) -> Effect {
        self.merge(&Self { at, value })
    }

    /// The value that stands.
    #[must_use]
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// When and by whom it was written.
    #[must_use]
    pub const fn at(&self) -> Hlc {
        self.at
    }

    fn order(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at).then_with(|| self.value.canonical().cmp(&other.value.canonical()))
    }
}

/// The delta is the register itself: it holds one write and no history.
impl<T: Element> Crdt for LwwRegister<T> {
    type Delta = Self;

    fn merge(&mut self, other: &Self) -> Effect {
        let later = self.order(other) == Ordering::Less;
        if later {
            self.clone_from(other);
        }
        later.into()
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

    /// `[[milliseconds, counter, peer], value]`.
    fn encode_canonical(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(2)
            .array(3)
            .uint(self.at.millis)
            .uint(u64::from(self.at.counter))
            .bytes(self.at.peer.as_bytes());
        self.value.write(&mut out);
        out.into_bytes()
    }

    fn decode_canonical(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::whole(bytes, |input| {
            decode::fields(input, 2)?;
            decode::fields(input, 3)?;
            let millis = input.uint_up_to(END_OF_TIME_MILLIS - 1)?;
            let offset = input.offset();
            let counter = u16::try_from(input.uint()?).map_err(|_| decode::range(offset))?;
            let peer = PeerId::from_bytes(input.byte_array()?);
            Ok(Self { at: Hlc { millis, counter, peer }, value: T::read(input)? })
        })
    }
}
