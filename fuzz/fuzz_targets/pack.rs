//! What unpacks can be packed again, and unpacks to the same; a second packing changes no byte any more.
#![no_main]

use civic_crdt::Version;
use civic_crdt::version::Rules;
use civic_crdt::version::pack::{pack, unpack};
use civic_types::HashAlgorithm::{Blake3, Sha2_256};
use civic_types::id::Writers::{Granted, Open};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for (hash, writers) in [(Sha2_256, Open), (Blake3, Open), (Sha2_256, Granted)] {
        let rules = Rules { hash, writers };
        let Ok(unpacked) = unpack(data, |_| Some(rules)) else { continue };
        let again = pack(&unpacked.records, &unpacked.versions).expect("what came in a pack fits one");
        assert_eq!(unpack(&again, |_| Some(rules)).as_ref(), Ok(&unpacked));
        assert_eq!(pack(&unpacked.records, &unpacked.versions).as_ref(), Ok(&again));
        for packed in &unpacked.versions {
            assert_eq!(Ok(&packed.version), Version::decode(packed.version.bytes().clone(), &rules).as_ref());
        }
    }
});
