//! Bytes that are a share stay as they are. Shares combine exactly if their lengths agree and each `x` is there once,
//! and then in any order to one secret.
#![no_main]

use std::collections::BTreeSet;

use civic_shamir::{Error, Share, combine};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first() else { return };
    let mut shares = Vec::new();
    for bytes in rest.chunks(usize::from(*length).max(1)) {
        match Share::from_bytes(bytes) {
            Ok(share) => {
                assert_eq!(*share.to_bytes(), bytes);
                shares.push(share);
            }
            Err(Error::ZeroX) => assert!(bytes[0] == 0 && bytes.len() > 1),
            Err(error) => assert!(matches!(error, Error::ShareLength { got: 1 }) && bytes.len() == 1),
        }
    }
    let xs: BTreeSet<u8> = shares.iter().map(Share::x).collect();
    let lengths: BTreeSet<usize> = shares.iter().map(|share| share.to_bytes().len()).collect();
    let secret = combine(&shares);
    assert_eq!(secret.is_ok(), xs.len() == shares.len() && lengths.len() == 1);
    let Ok(secret) = secret else { return };
    assert_eq!(secret.len(), lengths.iter().sum::<usize>() - 1);
    shares.reverse();
    assert_eq!(combine(&shares).ok().as_ref(), Some(&secret));
});
