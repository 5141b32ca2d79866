use super::{Error, ErrorKind, initial, major};
use crate::Cid;
use crate::limits::MAX_CBOR_DEPTH;
use crate::value::{Int, Value};

/// Writes canonical bytes piece by piece.
///
/// The caller says how many elements an array or map has, then writes them; map keys are the caller's to
/// write in canonical order (shorter first, then by bytes).
#[derive(Clone, Debug, Default)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Nothing written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Nothing written yet, with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        self.head(major::UINT, value)
    }

    /// An integer.
    pub fn int(&mut self, value: Int) -> &mut Self {
        match value.sign_and_magnitude() {
            (false, magnitude) => self.head(major::UINT, magnitude),
            (true, magnitude) => self.head(major::NEGATIVE, magnitude),
        }
    }

    /// Bytes.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.head(major::BYTES, value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    /// Text.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.head(major::TEXT, value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
        self
    }

    /// Opens an array of `len` elements.
    pub fn array(&mut self, len: usize) -> &mut Self {
        self.head(major::ARRAY, len as u64)
    }

    /// Opens a map of `len` pairs.
    pub fn map(&mut self, len: usize) -> &mut Self {
        self.head(major::MAP, len as u64)
    }

    /// A link.
    pub fn link(&mut self, cid: &Cid) -> &mut Self {
        self.head(major::TAG, initial::LINK_TAG);
        self.head(major::BYTES, cid.as_bytes().len() as u64 + 1);
        self.0.push(0);
        self.0.extend_from_slice(cid.as_bytes());
        self
    }

    /// Null.
    pub fn null(&mut self) -> &mut Self {
        self.0.push(initial::NULL);
        self
    }

    /// A boolean.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.0.push(if value { initial::TRUE } else { initial::FALSE });
        self
    }

    /// Bytes that are canonical already, as one value.
    pub fn raw(&mut self, canonical: &[u8]) -> &mut Self {
        self.0.extend_from_slice(canonical);
        self
    }

    /// A whole value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Depth`] when it nests too deep; what was written before stays.
    pub fn value(&mut self, value: &Value) -> Result<&mut Self, Error> {
        self.nested(value, 0)?;
        Ok(self)
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// What was written so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn nested(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let deeper = || {
            let kind = ErrorKind::Depth;
            if depth < MAX_CBOR_DEPTH { Ok(depth + 1) } else { Err(Error { kind, offset: self.0.len() }) }
        };
        match value {
            Value::Null => self.null(),
            Value::Bool(value) => self.bool(*value),
            Value::Int(value) => self.int(*value),
            Value::Float(value) => {
                self.0.push(initial::FLOAT_64);
                self.0.extend_from_slice(&value.get().to_be_bytes());
                self
            }
            Value::Text(value) => self.text(value),
            Value::Bytes(value) => self.bytes(value),
            Value::List(values) => {
                let depth = deeper()?;
                self.array(values.len());
                for value in values {
                    self.nested(value, depth)?;
                }
                self
            }
            Value::Map(map) => {
                let depth = deeper()?;
                self.map(map.len());
                for (key, value) in map {
                    self.text(key);
                    self.nested(value, depth)?;
                }
                self
            }
            Value::Link(cid) => self.link(cid),
        };
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "each arm has checked the range")]
    fn head(&mut self, major: u8, value: u64) -> &mut Self {
        let major = major << 5;
        match value {
            0..=23 => self.0.push(major | value as u8),
            24..=0xff => self.0.extend_from_slice(&[major | 24, value as u8]),
            0x100..=0xffff => {
                self.0.push(major | 25);
                self.0.extend_from_slice(&(value as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.0.push(major | 26);
                self.0.extend_from_slice(&(value as u32).to_be_bytes());
            }
            _ => {
                self.0.push(major | 27);
                self.0.extend_from_slice(&value.to_be_bytes());
            }
        }
        self
    }
}
