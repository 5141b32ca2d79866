use std::fmt;

use crate::peer::TransportKind;

/// A set of media.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Kinds(u16);

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

const fn bit(kind: TransportKind) -> u16 {
    match kind {
        TransportKind::Ble => 1,
        TransportKind::File => 1 << 1,
        TransportKind::Internet => 1 << 2,
        TransportKind::Lan => 1 << 3,
        TransportKind::Lora => 1 << 4,
        TransportKind::Memory => 1 << 5,
        TransportKind::Multi => 1 << 6,
        TransportKind::WifiDirect => 1 << 7,
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
