use std::time::Duration;

use super::EnvelopeError;

/// How long an envelope lives: one of 21 steps between a second and a week, a code of one byte.
///
/// ```
/// use std::time::Duration;
/// use civic_transport::envelope::Ttl;
///
/// assert_eq!(Ttl::at_least(Duration::from_secs(3)).duration(), Duration::from_secs(5));
/// assert_eq!(Ttl::MAX.duration(), Duration::from_secs(7 * 24 * 3600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ttl(u8);

impl Ttl {
    /// Seven days, the longest.
    pub const MAX: Self = Self(20);

    /// The step of a code.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::TtlCode`] above 20.
    pub fn from_code(code: u64) -> Result<Self, EnvelopeError> {
        match u8::try_from(code) {
            Ok(code) if code <= Self::MAX.0 => Ok(Self(code)),
            _ => Err(EnvelopeError::TtlCode { got: code }),
        }
    }

    /// The shortest step that lasts that long; [`Ttl::MAX`] beyond a week.
    #[must_use]
    pub fn at_least(wanted: Duration) -> Self {
        let step = (0..Self::MAX.0).map(Self).find(|step| step.duration() >= wanted);
        step.unwrap_or(Self::MAX)
    }

    /// The code, 0 to 20.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// How long it is.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(SECONDS.get(usize::from(self.0)).copied().unwrap_or(7 * DAY))
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const SECONDS: [u64; 21] = [
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    3 * DAY,
    5 * DAY,
    7 * DAY,
];
