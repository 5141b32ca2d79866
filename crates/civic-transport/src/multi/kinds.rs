use std::fmt;

use crate::peer::TransportKind;

/// A set of media.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Kinds(u8);

impl Kinds {
    /// No medium.
    pub const NONE: Self = Self(0);
    /// Every medium.
    pub const ALL: Self = Self::of(&EVERY);

    /// The media of a list.
    ///
    /// ```
    /// use civic_transport::TransportKind::{Ble, Lan, Lora};
    /// use civic_transport::multi::Kinds;
    ///
    /// let kinds = Kinds::of(&[Lan, Ble]);
    /// assert!(kinds.contains(Ble) && !kinds.contains(Lora));
    /// ```
    #[must_use]
    pub const fn of(kinds: &[TransportKind]) -> Self {
        let (mut set, mut at) = (Self::NONE, 0);
        while at < kinds.len() {
            set = set.with(kinds[at]);
            at += 1;
        }
        set
    }

    /// With one more medium.
    #[must_use]
    pub const fn with(self, kind: TransportKind) -> Self {
        Self(self.0 | bit(kind))
    }

    /// Whether the medium is in the set.
    #[must_use]
    pub const fn contains(self, kind: TransportKind) -> bool {
        self.0 & bit(kind) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Kinds {
    /// Sets of media that the table routes to.
    pub(super) const ROUTED_SETS: usize = 1 << 6;

    /// Numbers the sets of media that the table routes to; others do not count.
    pub(super) const fn routed_set(self) -> u8 {
        self.0 & 0b11_1111
    }

    /// The set of a number.
    pub(super) const fn of_routed_set(number: u8) -> Self {
        Self(number & 0b11_1111)
    }
}

impl FromIterator<TransportKind> for Kinds {
    fn from_iter<I: IntoIterator<Item = TransportKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(EVERY.into_iter().filter(|kind| self.contains(*kind))).finish()
    }
}

const fn bit(kind: TransportKind) -> u8 {
    match kind {
        TransportKind::Ble => 1,
        TransportKind::Internet => 1 << 1,
        TransportKind::Lan => 1 << 2,
        TransportKind::Lora => 1 << 3,
        TransportKind::Memory => 1 << 4,
        TransportKind::WifiDirect => 1 << 5,
        // The table never routes to these: its sets are the bits below.
        TransportKind::File => 1 << 6,
        TransportKind::Multi => 1 << 7,
    }
}

const EVERY: [TransportKind; 8] = [
    TransportKind::Ble,
    TransportKind::File,
    TransportKind::Internet,
    TransportKind::Lan,
    TransportKind::Lora,
    TransportKind::Memory,
    TransportKind::Multi,
    TransportKind::WifiDirect,
];
