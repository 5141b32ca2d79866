//! [`combine`]: the polynomials through the shares, read at x = 0.

use zeroize::Zeroizing;

use crate::field::{ORDER, add_scaled, exp, log};
use crate::{Error, Share};

/// The secret of the shares, in any order, wiped when dropped.
///
/// Any threshold of them will do, and more must agree: all that are given count. Fewer than the threshold, an altered
/// share and one of another secret **cannot be noticed**: other bytes come out. Whoever needs to know keeps a
/// commitment to the secret, or seals something under it.
///
/// # Errors
///
/// [`Error::NoShares`], [`Error::MixedLengths`], [`Error::Duplicate`]. A share with x = 0 does not exist:
/// [`Share::from_bytes`] refuses it.
///
/// ```
/// use civic_shamir::{Error, combine, split};
/// use getrandom::SysRng;
///
/// let shares = split(b"tide", 2, 3, &mut SysRng)?;
/// assert_eq!(*combine(&shares[1..])?, b"tide");
/// assert!(combine(&shares[2..]).is_ok(), "of one byte string or another");
/// # Ok::<(), Error>(())
/// ```
pub fn combine(shares: &[Share]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut secret = Zeroizing::new(vec![0; check(shares)?]);
    for share in shares {
        add_scaled(&mut secret, &share.y, weight(share.x(), shares));
    }
    Ok(secret)
}

/// The length of the secret.
fn check(shares: &[Share]) -> Result<usize, Error> {
    let want = shares.first().ok_or(Error::NoShares)?.y.len();
    for (place, share) in shares.iter().enumerate() {
        let (x, got) = (share.x(), share.y.len());
        if got != want {
            return Err(Error::MixedLengths { want, got });
        }
        if shares.iter().take(place).any(|earlier| earlier.x() == x) {
            return Err(Error::Duplicate { x });
        }
    }
    Ok(want)
}

/// What the share at `x` counts at zero: Lagrange's product of `other / (other - x)` over the other shares.
fn weight(x: u8, shares: &[Share]) -> u8 {
    let others = shares.iter().map(Share::x).filter(|other| *other != x);
    exp(others.map(|other| log(other) + ORDER - log(other ^ x)).sum())
}
