//! [`Element`]: what registers and sets can hold, compared by canonical bytes.

use civic_types::cbor::{self, Decoder, Encoder, ErrorKind};
use civic_types::{Cid, DocumentId, PeerId, ReplicaId, Value};

/// A value with canonical DAG-CBOR bytes; two elements are the same iff their bytes are.
pub trait Element: Clone {
    /// Writes the canonical bytes of exactly one CBOR value.
    fn write(&self, out: &mut Encoder);

    /// Reads one back; takes exactly what [`write`](Self::write) writes.
    ///
    /// # Errors
    ///
    /// [`cbor::Error`] for anything else, also for a value nested deeper than
    /// [`MAX_CBOR_DEPTH`](civic_types::limits::MAX_CBOR_DEPTH).
    fn read(input: &mut Decoder<'_>) -> Result<Self, cbor::Error>;

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

    fn read(input: &mut Decoder<'_>) -> Result<Self, cbor::Error> {
        input.value()
    }
}

macro_rules! elements {
    ($($type:ty: |$value:ident, $out:ident| $write:expr, |$input:ident| $read:expr;)*) => {$(
        impl Element for $type {
            fn write(&self, $out: &mut Encoder) {
                let $value = self;
                $write;
            }

            fn read($input: &mut Decoder<'_>) -> Result<Self, cbor::Error> {
                let offset = $input.offset();
                $read.ok_or(cbor::Error { kind: ErrorKind::Range, offset })
            }
        }
    )*};
}

elements! {
    bool: |value, out| out.bool(*value), |input| Some(input.bool()?);
    i64: |value, out| out.int((*value).into()), |input| Self::try_from(input.int()?).ok();
    u64: |value, out| out.uint(*value), |input| Some(input.uint()?);
    String: |value, out| out.text(value), |input| Some(input.text()?.to_owned());
    Vec<u8>: |value, out| out.bytes(value), |input| Some(input.bytes()?.to_vec());
    Cid: |value, out| out.link(value), |input| Some(input.link()?);
    DocumentId: |value, out| out.text(value.as_str()), |input| Self::new(input.text()?).ok();
    PeerId: |value, out| out.bytes(value.as_bytes()), |input| Some(Self::from_bytes(input.byte_array()?));
    ReplicaId: |value, out| out.bytes(value.as_bytes()), |input| Some(Self::from_bytes(input.byte_array()?));
}
