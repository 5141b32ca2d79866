//! [`Error`]: what is wrong with the arguments, never what is in them.

use std::error;

use crate::{MAX_SECRET_BYTES, MAX_SHARES};

/// Why a secret was not split, or shares were not taken. Nothing in it is secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two shares have one `x`: one share twice, or shares of two secrets.
    #[error("two shares have x = {x}")]
    Duplicate {
        /// The `x` of both.
        x: u8,
    },
    /// Shares differ in length, so they are of different secrets.
    #[error("a share is for a secret of {got} bytes, the first for one of {want}")]
    MixedLengths {
        /// Bytes of the secret that the first share is of.
        want: usize,
        /// Bytes of the secret that the other is of.
        got: usize,
    },
    /// There is no share to combine.
    #[error("no shares")]
    NoShares,
    /// The source of randomness failed.
    #[error("no randomness")]
    Rng {
        /// What the source says.
        source: Box<dyn error::Error + Send + Sync>,
    },
    /// The secret is empty or too long.
    #[error("a secret of {got} bytes is not within 1..={MAX_SECRET_BYTES}")]
    SecretLength {
        /// Bytes of the secret.
        got: usize,
    },
    /// No shares, or more than there are values of `x`.
    #[error("{got} shares are not within 1..={MAX_SHARES}")]
    ShareCount {
        /// The shares asked for.
        got: usize,
    },
    /// The bytes are too few or too many for a share.
    #[error("a share of {got} bytes is not within 2..={}", MAX_SECRET_BYTES + 1)]
    ShareLength {
        /// Bytes of the share.
        got: usize,
    },
    /// The threshold is zero, or more than there are shares.
    #[error("a threshold of {threshold} is not within 1..={shares}")]
    Threshold {
        /// The threshold asked for.
        threshold: usize,
        /// The shares asked for.
        shares: usize,
    },
    /// The share is for x = 0, the place of the secret itself: whoever made it up chose what comes out.
    #[error("a share has x = 0")]
    ZeroX,
}
