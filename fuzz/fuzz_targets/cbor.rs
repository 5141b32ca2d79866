//! What decodes encodes to the same bytes; walking without building, reading as a type and the public codec
//! accept and refuse the same inputs.
#![no_main]

use civic_types::Value;
use civic_types::cbor::{self, Decoder, Error, ErrorKind, SerdeError};
use ipld_core::ipld::Ipld;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|data: &[u8]| {
    let mut walker = Decoder::new(data);
    let walked = walker.raw().and_then(|raw| walker.finish().map(|()| raw));
    let built = cbor::decode(data);
    assert_eq!(codec(cbor::from_slice::<Value>(data)), built.clone().map(Some));
    assert_eq!(codec(cbor::from_slice::<IgnoredAny>(data)).err(), built.clone().err());
    // A type of another shape changes nothing about what is canonical.
    assert_eq!(codec(cbor::from_slice::<(u8, Option<String>)>(data)).err(), built.clone().err());
    let theirs = serde_ipld_dagcbor::from_slice::<Ipld>(data);
    match (built, walked) {
        (Ok(value), Ok(raw)) => {
            assert_eq!(raw, data);
            assert_eq!(cbor::encode(&value).as_deref(), Ok(data));
            assert_eq!(cbor::to_vec(&value).as_deref(), Ok(data));
            match theirs {
                Ok(theirs) => assert_eq!(serde_ipld_dagcbor::to_vec(&theirs).ok().as_deref(), Some(data)),
                // The other codec holds digests of at most 64 bytes.
                Err(e) => assert!(long_link(&value), "only ours takes {value:?}: {e}"),
            }
        }
        (Err(built), Err(walked)) => {
            assert_eq!(built, walked);
            // The other codec nests deeper.
            if let (Ok(theirs), true) = (theirs, built.kind != ErrorKind::Depth) {
                assert_ne!(
                    serde_ipld_dagcbor::to_vec(&theirs).ok().as_deref(),
                    Some(data),
                    "only theirs takes it"
                );
            }
        }
        (built, walked) => panic!("built {built:?} but walked {walked:?}"),
    }
});

/// The offence of the bytes; what is only of another shape is `None`.
fn codec<T>(read: Result<T, SerdeError>) -> Result<Option<T>, Error> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(SerdeError::Codec(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

fn long_link(value: &Value) -> bool {
    match value {
        Value::Link(cid) => cid.as_bytes().len() > 64,
        Value::List(values) => values.iter().any(long_link),
        Value::Map(map) => map.iter().any(|(_, value)| long_link(value)),
        _ => false,
    }
}
