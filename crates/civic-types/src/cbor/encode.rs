use super::measure::{Budget, Measure};
use super::{Error, Limits, initial, major};
use crate::Cid;
use crate::value::{Float, Int, Value};

/// Writes canonical bytes piece by piece.
///
/// The caller says how many elements an array or map has, then writes them; map keys are the caller's to
/// write in canonical order (shorter first, then by bytes).
#[derive(Clone, Debug)]
pub struct Encoder {
    pub(super) out: Vec<u8>,
    /// Of whole values alone.
    budget: Budget,
}

impl Encoder {
    /// Nothing written yet, under [`Limits::DEPTH_ONLY`].
    #[must_use]
    pub const fn new() -> Self {
        Self::with_limits(Limits::DEPTH_ONLY)
    }

    /// Nothing written yet; `limits` bind whole values, not what is written piece by piece.
    #[must_use]
    pub const fn with_limits(limits: Limits) -> Self {
        Self { out: Vec::new(), budget: Budget::new(limits) }
    }

    /// Nothing written yet, with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity), ..Self::new() }
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
        self.out.extend_from_slice(value);
        self
    }

    /// Text.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.head(major::TEXT, value.len() as u64);
        self.out.extend_from_slice(value.as_bytes());
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
        self.head(major::TAG, initial::LINK_TAG).tagged(cid)
    }

    /// A float.
    pub fn float(&mut self, value: Float) -> &mut Self {
        self.out.push(initial::FLOAT_64);
        self.out.extend_from_slice(&value.get().to_be_bytes());
        self
    }

    /// Null.
    pub fn null(&mut self) -> &mut Self {
        self.out.push(initial::NULL);
        self
    }

    /// A boolean.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.out.push(if value { initial::TRUE } else { initial::FALSE });
        self
    }

    /// Bytes that are canonical already, as one value.
    pub fn raw(&mut self, canonical: &[u8]) -> &mut Self {
        self.out.extend_from_slice(canonical);
        self
    }

    /// A whole value.
    ///
    /// # Errors
    ///
    /// Those of [`encode_with`](super::encode_with); nothing was written.
    pub fn value(&mut self, value: &Value) -> Result<&mut Self, Error> {
        let mut measure = Measure { budget: self.budget, len: self.out.len() };
        measure.value(value, 0)?;
        self.budget = measure.budget;
        self.out.reserve_exact(measure.len - self.out.len());
        self.write(value);
        Ok(self)
    }

    /// Forgets what was written and keeps the room for more; limits count on.
    pub fn clear(&mut self) {
        self.out.clear();
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// What was written so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    /// Writes a value that was measured.
    fn write(&mut self, value: &Value) {
        match value {
            Value::Null => drop(self.null()),
            Value::Bool(value) => drop(self.bool(*value)),
            Value::Int(value) => drop(self.int(*value)),
            Value::Float(value) => drop(self.float(*value)),
            Value::Text(value) => drop(self.text(value)),
            Value::Bytes(value) => drop(self.bytes(value)),
            Value::List(values) => {
                self.array(values.len());
                values.iter().for_each(|value| self.write(value));
            }
            Value::Map(map) => {
                self.map(map.len());
                for (key, value) in map {
                    self.text(key);
                    self.write(value);
                }
            }
            Value::Link(cid) => drop(self.link(cid)),
        }
    }

    /// What stands under the tag of a link.
    fn tagged(&mut self, cid: &Cid) -> &mut Self {
        self.head(major::BYTES, cid.as_bytes().len() as u64 + 1);
        self.out.push(0);
        self.out.extend_from_slice(cid.as_bytes());
        self
    }

    /// Counts one data item that is about to be written.
    #[cfg(feature = "serde")]
    pub(super) const fn item(&mut self) -> Result<(), Error> {
        self.budget.item(self.out.len())
    }

    /// The depth inside a container that is about to be written.
    #[cfg(feature = "serde")]
    pub(super) const fn deeper(&self, depth: usize) -> Result<usize, Error> {
        self.budget.deeper(depth, self.out.len())
    }

    /// Refuses what was written when it is longer than the limit.
    #[cfg(feature = "serde")]
    pub(super) const fn fits(&self) -> Result<(), Error> {
        self.budget.fits(self.out.len())
    }

    #[expect(clippy::cast_possible_truncation, reason = "each arm has checked the range")]
    pub(super) fn head(&mut self, major: u8, value: u64) -> &mut Self {
        let major = major << 5;
        match value {
            0..=23 => self.out.push(major | value as u8),
            24..=0xff => self.out.extend_from_slice(&[major | 24, value as u8]),
            0x100..=0xffff => {
                self.out.push(major | 25);
                self.out.extend_from_slice(&(value as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.out.push(major | 26);
                self.out.extend_from_slice(&(value as u32).to_be_bytes());
            }
            _ => {
                self.out.push(major | 27);
                self.out.extend_from_slice(&value.to_be_bytes());
            }
        }
        self
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}
