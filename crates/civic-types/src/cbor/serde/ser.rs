use serde::ser::{Serialize, Serializer};

use super::SerdeError;
use super::compound::{Compound, Pair};
use super::error::Fault;
use crate::Cid;
use crate::cbor::{Decoder, Encoder, ErrorKind, Limits, major};
use crate::value::{Float, Int, LINK};

/// Writes what a type says of itself as canonical bytes.
pub(super) struct Writer {
    pub(super) out: Encoder,
    /// Containers that are open.
    pub(super) depth: usize,
}

impl Writer {
    pub(super) fn write<T: Serialize + ?Sized>(value: &T, limits: &Limits) -> Result<Vec<u8>, SerdeError> {
        let mut writer = Self { out: Encoder::with_limits(*limits), depth: 0 };
        value.serialize(&mut writer).map_err(|fault| fault.at(writer.at()))?;
        Ok(writer.out.into_bytes())
    }

    /// Bytes written so far.
    pub(super) const fn at(&self) -> usize {
        self.out.out.len()
    }

    /// Writes one item.
    fn leaf(&mut self, write: impl FnOnce(&mut Encoder) -> &mut Encoder) -> Result<(), Fault> {
        self.out.item()?;
        write(&mut self.out).fits()?;
        Ok(())
    }

    fn int(&mut self, value: i128) -> Result<(), Fault> {
        let value = Int::try_from(value).map_err(|_| ErrorKind::Range)?;
        self.leaf(|out| out.int(value))
    }

    /// Opens the map of one pair that holds the content of a variant.
    fn variant(&mut self, name: &str) -> Result<(), Fault> {
        self.depth = self.out.deeper(self.depth)?;
        self.leaf(|out| out.map(1))?;
        self.leaf(|out| out.text(name))
    }

    /// The bytes from `start` on, which the [`Cid`] wrote, as a link.
    fn link(&mut self, start: usize) -> Result<(), Fault> {
        let mut written = Decoder::new(self.out.out.get(start..).unwrap_or_default());
        let cid = written.bytes().ok().and_then(|bytes| Cid::from_bytes(bytes).ok());
        let cid = cid.ok_or_else(|| Fault::from(ErrorKind::Cid).at(start))?;
        self.out.out.truncate(start);
        self.leaf(|out| out.link(&cid))
    }
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a, Pair>;
    type SerializeStruct = Compound<'a, Pair>;
    type SerializeStructVariant = Compound<'a, Pair>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, v: bool) -> Result<(), Fault> {
        self.leaf(|out| out.bool(v))
    }

    fn serialize_i8(self, v: i8) -> Result<(), Fault> {
        self.int(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<(), Fault> {
        self.int(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<(), Fault> {
        self.int(v.into())
    }

    fn serialize_i64(self, v: i64) -> Result<(), Fault> {
        self.int(v.into())
    }

    fn serialize_i128(self, v: i128) -> Result<(), Fault> {
        self.int(v)
    }

    fn serialize_u8(self, v: u8) -> Result<(), Fault> {
        self.int(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<(), Fault> {
        self.int(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<(), Fault> {
        self.int(v.into())
    }

    fn serialize_u64(self, v: u64) -> Result<(), Fault> {
        self.int(v.into())
    }

    fn serialize_u128(self, v: u128) -> Result<(), Fault> {
        self.int(v.try_into().unwrap_or(i128::MAX))
    }

    fn serialize_f32(self, v: f32) -> Result<(), Fault> {
        self.serialize_f64(v.into())
    }

    fn serialize_f64(self, v: f64) -> Result<(), Fault> {
        let value = Float::new(v).ok_or(ErrorKind::Float)?;
        self.leaf(|out| out.float(value))
    }

    fn serialize_char(self, v: char) -> Result<(), Fault> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<(), Fault> {
        self.leaf(|out| out.text(v))
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), Fault> {
        self.leaf(|out| out.bytes(v))
    }

    fn serialize_none(self) -> Result<(), Fault> {
        self.leaf(Encoder::null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        self.leaf(Encoder::null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Fault> {
        self.leaf(Encoder::null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Fault> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        let start = self.at();
        value.serialize(&mut *self)?;
        if name == LINK { self.link(start) } else { Ok(()) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.depth -= 1;
        Ok(())
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Compound<'a>, Fault> {
        let depth = self.depth;
        Compound::open(self, major::ARRAY, len, depth)
    }

    fn serialize_tuple(self, len: usize) -> Result<Compound<'a>, Fault> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Compound<'a>, Fault> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'a>, Fault> {
        let depth = self.depth;
        self.variant(variant)?;
        Compound::open(self, major::ARRAY, Some(len), depth)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Compound<'a, Pair>, Fault> {
        let depth = self.depth;
        Compound::open(self, major::MAP, len, depth)
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Compound<'a, Pair>, Fault> {
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'a, Pair>, Fault> {
        let depth = self.depth;
        self.variant(variant)?;
        Compound::open(self, major::MAP, Some(len), depth)
    }
}
