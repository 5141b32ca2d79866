//! What decodes encodes to the same bytes in every form, and the short form of an envelope resolves to it.
#![no_main]

use bytes::Bytes;
use civic_transport::Envelope;
use civic_transport::envelope::{CompactEnvelope, SenderTime, SignedEnvelope};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(envelope) = Envelope::decode_wire(&bytes) {
        assert_eq!(envelope.encode_wire(), data);
    }
    if let Ok(envelope) = CompactEnvelope::decode(&bytes) {
        assert_eq!(envelope.encode(), data);
    }
    if let Ok(envelope) = SignedEnvelope::decode_full(&bytes) {
        assert_eq!(envelope.encode_full(), data);
        let compact = CompactEnvelope::new(&envelope, SenderTime::Trusted).encode().into();
        let compact = CompactEnvelope::decode(&compact).expect("the short form decodes");
        let whole = compact.resolve(*envelope.sender(), envelope.fields().recipient);
        assert_eq!(whole.as_ref(), Ok(&envelope));
    }
});
