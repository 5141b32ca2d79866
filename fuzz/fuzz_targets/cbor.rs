//! What decodes encodes to the same bytes; walking without building accepts and refuses the same inputs.
#![no_main]

use civic_types::cbor::{self, Decoder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut walker = Decoder::new(data);
    let walked = walker.raw().and_then(|raw| walker.finish().map(|()| raw));
    match (cbor::decode(data), walked) {
        (Ok(value), Ok(raw)) => {
            assert_eq!(raw, data);
            assert_eq!(cbor::encode(&value).as_deref(), Ok(data));
        }
        (Err(built), Err(walked)) => assert_eq!(built, walked),
        (built, walked) => panic!("built {built:?} but walked {walked:?}"),
    }
});
