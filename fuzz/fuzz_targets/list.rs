//! A list of short ids that decodes is ascending, below 2^48, and encodes to the same bytes.
#![no_main]

use civic_sync::reconcile::{decode_list, encode_list};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(ids) = decode_list(data, LIMIT) else { return };
    assert!(ids.len() <= LIMIT && ids.is_sorted_by(|one, next| one < next));
    assert!(ids.last().is_none_or(|id| *id < 1 << 48));
    assert_eq!(encode_list(&ids), data);
    if !ids.is_empty() {
        assert!(decode_list(data, ids.len() - 1).is_err());
    }
});

const LIMIT: usize = 1 << 20;
