use std::hash::{DefaultHasher, Hasher};

use crate::element::Element;

/// A live dot among those of elements with the same fingerprint: 16 bytes, and in one order with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) fingerprint: u32,
    /// The replica's place in this set.
    pub(super) place: u32,
    pub(super) number: u64,
}

impl Key {
    /// The least and the greatest key that an element with these canonical bytes can have.
    pub(super) fn range(bytes: &[u8]) -> (Self, Self) {
        let fingerprint = fingerprint(bytes);
        let least = Self { fingerprint, place: 0, number: 0 };
        (least, Self { place: u32::MAX, number: u64::MAX, ..least })
    }

    /// The key of an element whose place a log will give.
    pub(super) fn new<T: Element>(number: u64, element: &T) -> Self {
        Self { fingerprint: fingerprint(&element.canonical()), place: 0, number }
    }
}

/// Which elements may be the same: never sent or stored, so any hash will do.
pub(super) fn fingerprint(bytes: &[u8]) -> u32 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
