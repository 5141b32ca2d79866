use civic_types::cbor::Encoder;
use civic_types::{Cid, HashAlgorithm};

/// The version id that ascending heads make: one head itself, of several the CID of their list.
#[must_use]
pub fn version_id(heads: &[Cid], hash: HashAlgorithm) -> Option<Cid> {
    match heads {
        [] => None,
        [head] => Some(head.clone()),
        heads => {
            let mut out = Encoder::new();
            out.map(2).text("p").array(heads.len());
            for head in heads {
                out.link(head);
            }
            out.text("v").uint(1);
            Some(Cid::dag_cbor(hash, out.as_bytes()))
        }
    }
}
