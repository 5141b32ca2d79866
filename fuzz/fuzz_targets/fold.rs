//! Any history of honest and hostile devices comes to what the text of the format says, in any order of arrival.
#![no_main]

use civic_crdt::Document;
use civic_crdt::laws::{broken_fold, trace_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(trace) = trace_of(data) else { return };
    if let Some(law) = broken_fold::<Document>(&trace) {
        panic!("the law {law:?} is broken by {trace:?}");
    }
});
