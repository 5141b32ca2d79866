//! A list of short ids that decodes is ascending, below 2^bits, and encodes to the same bytes.
#![no_main]

use civic_sync::reconcile::Prefixes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(list) = Prefixes::decode(data, LIMIT) else { return };
    assert!(list.values.len() <= LIMIT && list.values.is_sorted_by(|one, next| one < next));
    assert!(list.bits <= 48 && list.values.last().is_none_or(|value| *value < 1 << list.bits));
    assert_eq!(list.encode(), data);
    if !list.values.is_empty() {
        assert!(Prefixes::decode(data, list.values.len() - 1).is_err());
    }
});

const LIMIT: usize = 1 << 20;
