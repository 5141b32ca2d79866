//! A sync frame that decodes encodes to the same bytes.
#![no_main]

use bytes::Bytes;
use civic_sync::session::Frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(frame) = Frame::decode(&Bytes::copy_from_slice(data)) {
        assert_eq!(frame.encode(), data);
    }
});
