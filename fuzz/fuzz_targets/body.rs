//! A body that decodes encodes to the same bytes; with exactly the replicas it names it is a body as well.
#![no_main]

use bytes::Bytes;
use civic_crdt::version::Body;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(body) = Body::decode(&Bytes::copy_from_slice(data)) else { return };
    assert_eq!(body.encode(), data);
    let lean = Body::new(body.operations.clone());
    assert!(lean.replicas.iter().all(|replica| body.replicas.contains(replica)));
    assert_eq!(Body::decode(&lean.encode().into()), Ok(lean));
});
