//! A header that decodes encodes to the same bytes, and its link into the author's log says the same as it.
#![no_main]

use bytes::Bytes;
use civic_crdt::Version;
use civic_crdt::version::{ChainLink, Rules};
use civic_types::HashAlgorithm::{Blake3, Sha2_256};
use civic_types::id::Writers::{Granted, Open};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    for (hash, writers) in [(Sha2_256, Open), (Blake3, Open), (Sha2_256, Granted), (Blake3, Granted)] {
        let rules = Rules { hash, writers };
        let Ok(version) = Version::decode(bytes.clone(), &rules) else { continue };
        let header = version.header();
        assert_eq!(header.encode(), data);
        assert_eq!(Version::from_header(header, &rules).as_ref(), Ok(&version));
        assert!(version.cid().matches(data));
        assert_eq!(ChainLink::decode(data, hash), Ok(ChainLink::from(&version)));
        assert!(header.last_dot() >= header.first_dot);
    }
});
