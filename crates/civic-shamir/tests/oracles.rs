//! Shares go both ways between this crate and two others: `shamir` 2.0 and `vsss-rs` 6.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

#[allow(dead_code, reason = "each test file uses its part")]
mod common;

use civic_shamir::{Error, Share, combine, split};
use common::seeded;
use shamir_card::SecretData;
use vsss_rs::Gf256;

const TEXT: &str = "The pump is dry, \u{7f} and the café is shut. ☂";

#[test]
fn shares_of_shamir_combine_here() {
    for (threshold, n) in small() {
        let theirs = SecretData::with_secret(TEXT, threshold);
        // The last of them, so that x is not always 1, 2, …
        let shares: Vec<Share> =
            (n - threshold + 1..=n).map(|x| read(&theirs.get_share(x).unwrap())).collect();
        assert_eq!(*combine(&shares).unwrap(), TEXT.as_bytes(), "{threshold} of {n}");
    }
}

#[test]
fn shares_from_here_combine_with_shamir() {
    for (threshold, n) in small() {
        let mut shares = bytes(&split(TEXT.as_bytes(), threshold.into(), n.into(), &mut seeded(5)).unwrap());
        let last = shares.split_off(usize::from(n - threshold));
        assert_eq!(SecretData::recover_secret(threshold, last).as_deref(), Some(TEXT), "{threshold} of {n}");
    }
}

#[test]
fn the_published_shares_of_shamir_combine_here() {
    let shares = [
        [1, 184, 190, 251, 87, 232, 39, 47, 17, 4, 36, 190, 245],
        [2, 231, 107, 52, 138, 34, 221, 9, 221, 67, 79, 33, 16],
        [3, 23, 176, 163, 177, 165, 218, 113, 163, 53, 7, 251, 196],
    ];
    assert_eq!(*combine(&shares.map(|share| read(&share))).unwrap(), b"Hello World!");
}

#[test]
fn shares_of_vsss_combine_here() {
    let secret: Vec<u8> = (0..=255).collect();
    for (threshold, n) in small().filter(|(threshold, _)| *threshold >= VSSS_LEAST) {
        let theirs = Gf256::split_bytes(threshold.into(), n.into(), &secret, seeded(6)).unwrap();
        let shares: Vec<Share> =
            theirs.iter().rev().take(threshold.into()).map(|share| read(share)).collect();
        assert_eq!(*combine(&shares).unwrap(), secret, "{threshold} of {n}");
    }
}

#[test]
fn shares_from_here_combine_with_vsss() {
    let secret: Vec<u8> = (0..=255).collect();
    for (threshold, n) in small().filter(|(threshold, _)| *threshold >= VSSS_LEAST) {
        let mut shares = bytes(&split(&secret, threshold.into(), n.into(), &mut seeded(8)).unwrap());
        let last = shares.split_off(usize::from(n - threshold));
        assert_eq!(Gf256::combine_bytes(&last).unwrap(), secret, "{threshold} of {n}");
    }
}

#[test]
fn all_255_shares_combine_with_both() {
    let shares = bytes(&split(b"all of us", 255, 255, &mut seeded(9)).unwrap());
    assert_eq!(Gf256::combine_bytes(&shares).unwrap(), b"all of us");
    assert_eq!(SecretData::recover_secret(255, shares).as_deref(), Some("all of us"));
}

#[test]
fn a_forged_share_at_zero_chooses_the_secret_of_shamir_and_is_refused_here() {
    let mut shares = bytes(&split(b"true", 3, 5, &mut seeded(4)).unwrap());
    shares.truncate(3);
    assert_eq!(SecretData::recover_secret(3, shares.clone()).as_deref(), Some("true"));
    let forged = b"\0fake".to_vec();
    assert!(matches!(Share::from_bytes(&forged), Err(Error::ZeroX)));
    shares[1] = forged;
    assert_eq!(SecretData::recover_secret(3, shares).as_deref(), Some("fake"));
}

/// All 1 <= k <= n <= 8.
fn small() -> impl Iterator<Item = (u8, u8)> {
    (1..=8).flat_map(|n| (1..=n).map(move |threshold| (threshold, n)))
}

fn read(bytes: &[u8]) -> Share {
    Share::from_bytes(bytes).unwrap()
}

fn bytes(shares: &[Share]) -> Vec<Vec<u8>> {
    shares.iter().map(|share| share.to_bytes().to_vec()).collect()
}

/// The other crate takes no threshold of 1.
const VSSS_LEAST: u8 = 2;
