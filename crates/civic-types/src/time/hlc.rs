use std::fmt;

use super::Timestamp;
use crate::PeerId;
use crate::limits::END_OF_TIME_MILLIS;

/// When something was written: milliseconds and a counter for events of one millisecond.
///
/// Ordered lexicographically. Packs into 64 bits: 48 of milliseconds, 16 of counter.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp {
    /// Milliseconds since 1970, below the year 2200.
    pub millis: u64,
    /// Events within that millisecond before this one.
    pub counter: u16,
}

impl Stamp {
    /// Joins the two; `None` from the year 2200 on.
    #[must_use]
    pub const fn new(millis: u64, counter: u16) -> Option<Self> {
        if millis < END_OF_TIME_MILLIS { Some(Self { millis, counter }) } else { None }
    }

    /// The 64-bit form, which has the same order.
    #[must_use]
    pub const fn pack(self) -> u64 {
        (self.millis << 16) | self.counter as u64
    }

    /// The stamp of a 64-bit form.
    #[must_use]
    pub const fn unpack(packed: u64) -> Self {
        Self {
            millis: packed >> 16,
            counter: packed.to_le_bytes()[0] as u16 | ((packed.to_le_bytes()[1] as u16) << 8),
        }
    }

    /// The wall-clock part.
    #[must_use]
    pub const fn timestamp(self) -> Timestamp {
        Timestamp::from_millis(self.millis)
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.millis, self.counter)
    }
}

/// A hybrid logical clock reading: totally ordered, and later than everything its writer had seen.
///
/// Lexicographic in milliseconds, counter, peer: of two equal stamps the greater peer, by bytes, wins.
/// Source: Kulkarni et al., *Logical Physical Clocks*, 2014.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hlc {
    /// Milliseconds since 1970.
    pub millis: u64,
    /// Events within that millisecond before this one.
    pub counter: u16,
    /// Who wrote.
    pub peer: PeerId,
}

impl Hlc {
    /// Joins a stamp and its writer.
    #[must_use]
    pub const fn new(stamp: Stamp, peer: PeerId) -> Self {
        Self { millis: stamp.millis, counter: stamp.counter, peer }
    }

    /// The reading without its writer.
    #[must_use]
    pub const fn stamp(&self) -> Stamp {
        Stamp { millis: self.millis, counter: self.counter }
    }
}

impl fmt::Debug for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{}", self.stamp(), self.peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_the_order_and_the_value() {
        let stamps = [(0, 0), (0, 1), (0, u16::MAX), (1, 0), (END_OF_TIME_MILLIS - 1, 7)];
        let stamps: Vec<_> = stamps.into_iter().map(|(m, c)| Stamp::new(m, c).unwrap()).collect();
        assert!(stamps.windows(2).all(|w| w[0] < w[1] && w[0].pack() < w[1].pack()));
        assert!(stamps.iter().all(|s| Stamp::unpack(s.pack()) == *s));
        assert_eq!(Stamp::new(END_OF_TIME_MILLIS, 0), None);
    }
}
