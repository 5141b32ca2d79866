//! What is refused, each with its own error, and what is never shown.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

#[allow(dead_code, reason = "each test file uses its part")]
mod common;

use std::error::Error as _;

use civic_shamir::{Error, MAX_SECRET_BYTES, Share, combine, split};
use common::{Failing, Stated, seeded};
use zeroize::ZeroizeOnDrop;

#[test]
fn a_share_at_zero_is_refused() {
    assert!(matches!(Share::from_bytes(&[0, 1, 2]), Err(Error::ZeroX)));
    assert!(Share::from_bytes(&[1, 1, 2]).is_ok());
}

#[test]
fn bytes_too_few_or_too_many_for_a_share_are_refused() {
    for got in [0, 1, MAX_SECRET_BYTES + 2] {
        let refused = Share::from_bytes(&vec![1; got]);
        assert!(matches!(refused, Err(Error::ShareLength { got: said }) if said == got), "{got}");
    }
    for taken in [2, MAX_SECRET_BYTES + 1] {
        assert!(Share::from_bytes(&vec![1; taken]).is_ok(), "{taken}");
    }
}

#[test]
fn no_shares_are_refused() {
    assert!(matches!(combine(&[]), Err(Error::NoShares)));
}

#[test]
fn one_x_twice_is_refused_wherever_it_stands() {
    let shares = split(b"secret", 2, 3, &mut seeded(0)).unwrap();
    let other = split(b"secret", 2, 3, &mut seeded(1)).unwrap();
    for (first, second) in [(&shares[1], &shares[1]), (&shares[1], &other[1])] {
        for met in [[first, second, &shares[0]], [first, &shares[0], second], [&shares[0], first, second]] {
            assert!(matches!(combine(&met.map(Share::clone)), Err(Error::Duplicate { x: 2 })));
        }
    }
}

#[test]
fn mixed_lengths_are_refused_both_ways() {
    let (short, long) = (Share::from_bytes(&[1, 7]).unwrap(), Share::from_bytes(&[2, 7, 7]).unwrap());
    let refused = combine(&[short.clone(), long.clone()]);
    assert!(matches!(refused, Err(Error::MixedLengths { want: 1, got: 2 })));
    assert!(matches!(combine(&[long, short]), Err(Error::MixedLengths { want: 2, got: 1 })));
}

#[test]
fn a_threshold_of_zero_or_above_the_shares_is_refused() {
    for (threshold, shares) in [(0, 1), (0, 255), (2, 1), (6, 5), (256, 255), (usize::MAX, 255)] {
        let refused = split(b"secret", threshold, shares, &mut seeded(0));
        assert!(
            matches!(refused, Err(Error::Threshold { threshold: k, shares: n }) if (k, n) == (threshold, shares)),
            "{threshold} of {shares}"
        );
    }
}

#[test]
fn no_shares_and_more_than_there_are_are_refused() {
    for (threshold, shares) in [(0, 0), (1, 0), (1, 256), (256, 256), (3, usize::MAX)] {
        let refused = split(b"secret", threshold, shares, &mut seeded(0));
        assert!(matches!(refused, Err(Error::ShareCount { got }) if got == shares), "{shares}");
    }
    assert!(split(b"secret", 1, 255, &mut seeded(0)).is_ok());
}

#[test]
fn an_empty_and_a_too_long_secret_are_refused() {
    for got in [0, MAX_SECRET_BYTES + 1] {
        let refused = split(&vec![7; got], 1, 1, &mut seeded(0));
        assert!(matches!(refused, Err(Error::SecretLength { got: said }) if said == got), "{got}");
    }
}

#[test]
fn randomness_that_fails_at_any_point_is_an_error_with_its_cause() {
    for fills in 0..3 {
        let error = split(b"secret", 4, 5, &mut Failing { fills }).unwrap_err();
        assert!(matches!(error, Error::Rng { .. }));
        assert_eq!(error.source().unwrap().to_string(), "the well is dry");
    }
    assert!(split(b"secret", 4, 5, &mut Failing { fills: 3 }).is_ok());
}

#[test]
fn a_threshold_takes_no_more_randomness_than_its_coefficients() {
    let mut rng = Stated(vec![9; 6 * 3 + 1]);
    split(b"secret", 4, 5, &mut rng).unwrap();
    assert_eq!(rng.0.len(), 1);
}

#[test]
fn a_source_behind_a_trait_object_is_taken() {
    let mut rng = seeded(0);
    let rng: &mut dyn rand_core::CryptoRng = &mut rng;
    assert!(split(b"secret", 2, 3, rng).is_ok());
}

#[test]
fn debug_and_errors_show_no_secret() {
    let share = Share::from_bytes(&[3, 0xde, 0xad]).unwrap();
    assert_eq!(format!("{share:?} {share:#?}"), "Share { x: 3, .. } Share {\n    x: 3,\n    ..\n}");
    let other = Share::from_bytes(&[3, 0xde, 0xad, 0xbe]).unwrap();
    let errors = [
        combine(&[share.clone(), share.clone()]).unwrap_err(),
        combine(&[share, other]).unwrap_err(),
        Share::from_bytes(&[0, 0xde, 0xad]).unwrap_err(),
        Share::from_bytes(&[0xde]).unwrap_err(),
    ];
    for error in errors {
        let said = format!("{error} {error:?}");
        // As Rust prints bytes, in decimal and in hexadecimal.
        assert!(!["222", "173", "de", "ad"].iter().any(|leak| said.contains(leak)), "{said}");
    }
}

#[test]
fn shares_and_secrets_are_wiped_when_dropped() {
    fn wiped<T: ZeroizeOnDrop>(_: &T) {}
    let shares = split(b"secret", 2, 3, &mut seeded(0)).unwrap();
    wiped(&shares[0]);
    wiped(&shares[0].to_bytes());
    wiped(&combine(&shares).unwrap());
}
