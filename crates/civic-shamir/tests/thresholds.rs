//! What k of n means: any k shares give the secret, and k - 1 fit every secret alike.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

#[allow(dead_code, reason = "each test file uses its part")]
mod common;

use std::collections::BTreeSet;

use civic_shamir::{MAX_SECRET_BYTES, MAX_SHARES, Share, combine, split};
use common::{Stated, seeded};
use proptest::prelude::*;

#[test]
fn every_subset_of_at_least_k_shares_gives_the_secret() {
    let secret = b"nineteen bytes long";
    for (threshold, n) in (1..=8).flat_map(|n| (1..=n).map(move |threshold| (threshold, n))) {
        let shares = split(secret, threshold, n, &mut seeded(7)).unwrap();
        for chosen in subsets(&shares).filter(|chosen| chosen.len() >= threshold) {
            assert_eq!(*combine(&chosen).unwrap(), secret, "{threshold} of {n}: {chosen:?}");
        }
    }
}

#[test]
fn fewer_than_k_shares_give_other_bytes_without_an_error() {
    let secret = b"nineteen bytes long";
    for (threshold, n) in (2..=8).flat_map(|n| (2..=n).map(move |threshold| (threshold, n))) {
        let shares = split(secret, threshold, n, &mut seeded(7)).unwrap();
        for chosen in subsets(&shares).filter(|chosen| (1..threshold).contains(&chosen.len())) {
            assert_ne!(*combine(&chosen).unwrap(), secret, "{threshold} of {n}: {chosen:?}");
        }
    }
}

#[test]
fn a_share_of_two_has_each_value_once_whatever_the_secret() {
    for (secret, x) in (0..=255).flat_map(|secret| (1..=3).map(move |x| (secret, x))) {
        assert_eq!(values(secret, 2, x).len(), 256, "share {x} of {secret} leans");
    }
}

#[test]
fn the_check_of_secrecy_sees_shares_that_lean() {
    assert_eq!(values(42, 1, 1), BTreeSet::from([42]), "a share of one is the secret");
}

#[test]
fn two_shares_of_three_have_each_pair_once_whatever_the_secret() {
    for secret in [0, 1, 0x53, 255] {
        let mut seen = BTreeSet::new();
        for coefficients in 0..=u16::MAX {
            let shares = split(&[secret], 3, 3, &mut Stated(coefficients.to_be_bytes().to_vec())).unwrap();
            seen.insert((shares[0].to_bytes().to_vec(), shares[2].to_bytes().to_vec()));
        }
        assert_eq!(seen.len(), 65_536, "shares 1 and 3 of {secret} lean");
    }
}

#[test]
fn all_secrets_are_consistent_with_any_k_less_one_shares() {
    for threshold in 2..=8 {
        let shares = split(&[0x2a], threshold, 8, &mut seeded(3)).unwrap();
        for known in subsets(&shares).filter(|known| known.len() == threshold - 1) {
            let missing = shares.iter().find(|share| !known.contains(share)).unwrap().x();
            let secrets: BTreeSet<u8> = (0..=255)
                .map(|y| {
                    let last = Share::from_bytes(&[missing, y]).unwrap();
                    combine(&[known.as_slice(), &[last]].concat()).unwrap()[0]
                })
                .collect();
            assert_eq!(secrets.len(), 256, "{known:?}");
        }
    }
}

#[test]
fn the_largest_sharing_holds() {
    let secret: Vec<u8> = (0..=255).cycle().take(100).collect();
    let shares = split(&secret, MAX_SHARES, MAX_SHARES, &mut seeded(1)).unwrap();
    assert_eq!(shares.iter().map(Share::x).collect::<Vec<_>>(), (1..=255).collect::<Vec<_>>());
    assert_eq!(*combine(&shares).unwrap(), secret);
    assert_ne!(*combine(&shares[1..]).unwrap(), secret);
}

#[test]
fn the_longest_secret_comes_back() {
    let secret: Vec<u8> = (0..=255).rev().cycle().take(MAX_SECRET_BYTES).collect();
    let shares = split(&secret, 2, 3, &mut seeded(1)).unwrap();
    let read = Share::from_bytes(&shares[2].to_bytes()).unwrap();
    assert_eq!(*combine(&[read, shares[0].clone()]).unwrap(), secret);
}

proptest! {
    #[test]
    fn any_secret_comes_back_from_any_k_shares_through_bytes(
        secret in prop::collection::vec(any::<u8>(), 1..200),
        (n, threshold, order) in (1..=40_usize).prop_flat_map(|n| {
            (Just(n), 1..=n, Just((0..n).collect::<Vec<_>>()).prop_shuffle())
        }),
        seed: u64,
    ) {
        let shares = split(&secret, threshold, n, &mut seeded(seed)).unwrap();
        prop_assert!(shares.iter().map(|share| usize::from(share.x())).eq(1..=n));
        let met: Vec<Share> =
            order[..threshold].iter().map(|at| Share::from_bytes(&shares[*at].to_bytes()).unwrap()).collect();
        prop_assert_eq!(&*combine(&met).unwrap(), &secret);
    }

    #[test]
    fn bytes_are_a_share_or_refused_and_come_back(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        match Share::from_bytes(&bytes) {
            Ok(share) => prop_assert_eq!(&*share.to_bytes(), &bytes),
            Err(_) => prop_assert!(bytes.len() < 2 || bytes[0] == 0),
        }
    }

    #[test]
    fn shares_are_equal_as_their_bytes_are(
        bytes in prop::collection::vec(1..=255_u8, 2..40), at: prop::sample::Index, flip in 1..=255_u8,
    ) {
        let mut other = bytes.clone();
        other[at.index(bytes.len())] ^= flip;
        prop_assume!(other[0] != 0);
        let share = Share::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&share, &share.clone());
        prop_assert_ne!(&share, &Share::from_bytes(&other).unwrap());
        other.push(0);
        prop_assert_ne!(&share, &Share::from_bytes(&other).unwrap());
    }
}

/// The `y` that share `x` of a one-byte secret takes over all values of the one random byte.
fn values(secret: u8, threshold: usize, x: usize) -> BTreeSet<u8> {
    let share =
        |random| split(&[secret], threshold, 3, &mut Stated(vec![random])).unwrap().swap_remove(x - 1);
    (0..=255).map(|random| share(random).to_bytes()[1]).collect()
}

fn subsets(shares: &[Share]) -> impl Iterator<Item = Vec<Share>> {
    (0..1_u32 << shares.len())
        .map(|mask| shares.iter().filter(|share| mask >> (share.x() - 1) & 1 == 1).cloned().collect())
}
