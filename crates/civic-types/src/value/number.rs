use std::fmt;
use std::hash::{Hash, Hasher};

/// An integer of -2^64..2^64, the range of CBOR.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Int(i128);

impl Int {
    /// The least integer, -2^64.
    pub const MIN: Self = Self(-(1 << 64));
    /// The greatest integer, 2^64 - 1.
    pub const MAX: Self = Self((1 << 64) - 1);

    /// The integer as an `i128`, which holds every one.
    #[must_use]
    pub const fn get(self) -> i128 {
        self.0
    }

    /// The integer that CBOR encodes as this magnitude: itself, or -1 - magnitude when negative.
    pub(crate) const fn from_sign_and_magnitude(negative: bool, magnitude: u64) -> Self {
        let magnitude = magnitude as i128;
        Self(if negative { -1 - magnitude } else { magnitude })
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the type's range fits")]
    pub(crate) const fn sign_and_magnitude(self) -> (bool, u64) {
        if self.0 < 0 { (true, (-1 - self.0) as u64) } else { (false, self.0 as u64) }
    }
}

impl TryFrom<i128> for Int {
    type Error = OutOfRange;

    fn try_from(value: i128) -> Result<Self, OutOfRange> {
        if (Self::MIN.0..=Self::MAX.0).contains(&value) { Ok(Self(value)) } else { Err(OutOfRange) }
    }
}

impl TryFrom<Int> for i64 {
    type Error = OutOfRange;

    fn try_from(value: Int) -> Result<Self, OutOfRange> {
        value.0.try_into().map_err(|_| OutOfRange)
    }
}

impl TryFrom<Int> for u64 {
    type Error = OutOfRange;

    fn try_from(value: Int) -> Result<Self, OutOfRange> {
        value.0.try_into().map_err(|_| OutOfRange)
    }
}

macro_rules! from_integers {
    ($($integer:ty)*) => {$(
        impl From<$integer> for Int {
            fn from(value: $integer) -> Self {
                Self(i128::from(value))
            }
        }
    )*};
}

from_integers!(u8 u16 u32 u64 i8 i16 i32 i64);

impl fmt::Debug for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A finite 64-bit float; equal iff the bits are, so 0.0 and -0.0 differ, as their bytes do.
#[derive(Clone, Copy, Default)]
pub struct Float(f64);

impl Float {
    /// Takes a finite number; `None` for NaN and the infinities, which DAG-CBOR does not have.
    #[must_use]
    pub const fn new(value: f64) -> Option<Self> {
        if value.is_finite() { Some(Self(value)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Float {}

impl Hash for Float {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Debug for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The number does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the integer is out of range")]
pub struct OutOfRange;
