//! [`split`]: each byte of the secret becomes the constant term of a random polynomial.

use std::error;
use std::num::NonZeroU8;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::field::{add_scaled, exp, log};
use crate::{Error, Share};

/// Longest secret in bytes: room for any key file, and 255 shares of it are 16 MiB.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Most shares of one secret: the values of a byte that are not zero.
pub const MAX_SHARES: usize = 255;

/// Splits a secret into shares, any `threshold` of which give it back and fewer say nothing of it.
///
/// The shares are for x = 1, 2, … in this order. With a threshold of 1 each of them is the secret. Splitting
/// again makes other shares, which do not combine with the first.
///
/// # Errors
///
/// [`Error::SecretLength`] for an empty secret or one above [`MAX_SECRET_BYTES`], [`Error::ShareCount`] for no shares or
/// more than [`MAX_SHARES`], [`Error::Threshold`] for 0 or more than `shares`, [`Error::Rng`] if `rng` fails.
///
/// ```
/// use civic_shamir::{Error, split};
/// use getrandom::SysRng;
///
/// let shares = split(b"tide", 2, 3, &mut SysRng)?;
/// assert_eq!(shares.len(), 3);
/// assert!(matches!(split(b"tide", 4, 3, &mut SysRng), Err(Error::Threshold { .. })));
/// # Ok::<(), Error>(())
/// ```
pub fn split<R>(secret: &[u8], threshold: usize, shares: usize, rng: &mut R) -> Result<Vec<Share>, Error>
where
    R: TryCryptoRng<Error: error::Error + Send + Sync + 'static> + ?Sized,
{
    check(secret.len(), threshold, shares)?;
    let xs = (1..=u8::MAX).filter_map(NonZeroU8::new).take(shares);
    let mut shares: Vec<Share> = xs.map(|x| Share::new(x, secret.to_vec())).collect();
    let mut coefficients = Zeroizing::new(vec![0; secret.len()]);
    for power in (1..).take(threshold - 1) {
        rng.try_fill_bytes(&mut coefficients).map_err(|e| Error::Rng { source: Box::new(e) })?;
        for share in &mut shares {
            let weight = exp(log(share.x()) * power);
            add_scaled(&mut share.y, &coefficients, weight);
        }
    }
    Ok(shares)
}

fn check(secret_bytes: usize, threshold: usize, shares: usize) -> Result<(), Error> {
    if !(1..=MAX_SECRET_BYTES).contains(&secret_bytes) {
        return Err(Error::SecretLength { got: secret_bytes });
    }
    if !(1..=MAX_SHARES).contains(&shares) {
        return Err(Error::ShareCount { got: shares });
    }
    if !(1..=shares).contains(&threshold) {
        return Err(Error::Threshold { threshold, shares });
    }
    Ok(())
}
