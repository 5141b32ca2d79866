//! [`Element`]: what registers and sets can hold, compared by canonical bytes.

use civic_types::cbor::Encoder;
use civic_types::{Cid, DocumentId, PeerId, ReplicaId, Value};

/// A value with canonical DAG-CBOR bytes; two elements are the same iff their bytes are.
pub trait Element: Clone {
    /// Writes the canonical bytes of exactly one CBOR value.
    fn write(&self, out: &mut Encoder);

    /// The canonical bytes.
    fn canonical(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.write(&mut out);
        out.into_bytes()
    }
}

impl Element for Value {
    fn write(&self, out: &mut Encoder) {
        // Written here and not by `Encoder::value`, which refuses deep values: an element is total, and
        // two deep values that differ must not become the same bytes.
        match self {
            Self::List(values) => {
                out.array(values.len());
                values.iter().for_each(|value| value.write(out));
            }
            Self::Map(map) => {
                out.map(map.len());
                for (key, value) in map {
                    out.text(key);
                    value.write(out);
                }
            }
            scalar => drop(out.value(scalar).map(|_| ())),
        }
    }
}

macro_rules! elements {
    ($($type:ty: |$value:ident, $out:ident| $write:expr;)*) => {$(
        impl Element for $type {
            fn write(&self, $out: &mut Encoder) {
                let $value = self;
                $write;
            }
        }
    )*};
}

elements! {
    bool: |value, out| out.bool(*value);
    i64: |value, out| out.int((*value).into());
    u64: |value, out| out.uint(*value);
    String: |value, out| out.text(value);
    &'static str: |value, out| out.text(value);
    Vec<u8>: |value, out| out.bytes(value);
    Cid: |value, out| out.link(value);
    DocumentId: |value, out| out.text(value.as_str());
    PeerId: |value, out| out.bytes(value.as_bytes());
    ReplicaId: |value, out| out.bytes(value.as_bytes());
}
