//! [`Share`]: one point of the polynomials that hide a secret.

use std::fmt;
use std::num::NonZeroU8;

use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{Error, MAX_SECRET_BYTES};

/// One holder's share of a secret, itself to be kept secret. Wiped when dropped, compared in constant time.
///
/// As bytes: `x ‖ y…`, one byte that is not zero and a byte for each byte of the secret. `x` is public, and so is
/// the length.
///
/// ```
/// use civic_shamir::{Error, Share};
///
/// let share = Share::from_bytes(&[3, 0xca, 0xfe])?;
/// assert_eq!(share.x(), 3);
/// assert_eq!(*share.to_bytes(), [3, 0xca, 0xfe]);
/// assert_eq!(format!("{share:?}"), "Share { x: 3, .. }");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, ZeroizeOnDrop)]
pub struct Share {
    #[zeroize(skip)]
    x: NonZeroU8,
    pub(crate) y: Vec<u8>,
}

impl Share {
    /// The point at `x`, whose length is that of a secret.
    pub(crate) const fn new(x: NonZeroU8, y: Vec<u8>) -> Self {
        Self { x, y }
    }

    /// Reads `x ‖ y…`. The caller wipes `bytes`.
    ///
    /// # Errors
    ///
    /// [`Error::ZeroX`] for x = 0. [`Error::ShareLength`] if `y` is empty or above [`MAX_SECRET_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        match bytes {
            [x, y @ ..] if (1..=MAX_SECRET_BYTES).contains(&y.len()) => {
                Ok(Self::new(NonZeroU8::new(*x).ok_or(Error::ZeroX)?, y.to_vec()))
            }
            _ => Err(Error::ShareLength { got: bytes.len() }),
        }
    }

    /// The bytes `x ‖ y…`, wiped when dropped.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + self.y.len()));
        bytes.push(self.x());
        bytes.extend_from_slice(&self.y);
        bytes
    }

    /// Which share it is, 1..=255. Public.
    #[must_use]
    pub const fn x(&self) -> u8 {
        self.x.get()
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.x == other.x && bool::from(self.y.ct_eq(&other.y))
    }
}

impl Eq for Share {}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("x", &self.x).finish_non_exhaustive()
    }
}
