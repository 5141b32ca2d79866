//! Collection definitions, founding documents and device lists that decode encode to the same bytes.
#![no_main]

use civic_crypto::community::Genesis;
use civic_crypto::devices::DeviceList;
use civic_types::CollectionSpec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(spec) = CollectionSpec::decode(data) {
        assert_eq!(spec.encode(), data);
    }
    if let Ok(genesis) = Genesis::decode(data) {
        assert_eq!(genesis.encode(), data);
    }
    if let Ok(list) = DeviceList::decode(data) {
        assert_eq!(list.encode(), data);
    }
});
