use serde::de::value::BorrowedBytesDeserializer;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::SerdeError;
use super::access::{Container, Content, Variant};
use super::error::Fault;
use crate::cbor::{Decoder, Error, ErrorKind, major};
use crate::value::LINK;

/// Gives bytes that were walked already, and found canonical, to a type.
pub(super) struct Reader<'de> {
    pub(super) input: Decoder<'de>,
}

impl<'de> Reader<'de> {
    pub(super) fn read<T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, SerdeError> {
        let mut reader = Self { input: Decoder::new(bytes) };
        let value = T::deserialize(&mut reader)?;
        // A type that reads nothing of a value that stands there says so by an error, not by silence.
        reader.input.finish().map_err(|e| Fault::shape("the type left the value unread").at(e.offset))?;
        Ok(value)
    }

    /// Gives one item to `read`; when that fails, steps behind the item, should the type carry on.
    pub(super) fn item<R>(&mut self, read: impl FnOnce(&mut Self) -> Result<R, Fault>) -> Result<R, Fault> {
        let start = self.input.clone();
        read(self).map_err(|fault| {
            let offset = start.offset();
            self.input = start;
            match self.input.raw() {
                Ok(_) => fault.at(offset),
                Err(error) => error.into(),
            }
        })
    }

    fn any<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        let offset = self.input.offset();
        let Some(major) = self.input.major() else {
            return Err(Error { kind: ErrorKind::UnexpectedEnd, offset }.into());
        };
        match major {
            major::UINT | major::NEGATIVE => {
                let value = self.input.int()?;
                match (u64::try_from(value), i64::try_from(value)) {
                    (Ok(value), _) => visitor.visit_u64(value),
                    (_, Ok(value)) => visitor.visit_i64(value),
                    _ => visitor.visit_i128(value.get()),
                }
            }
            major::BYTES => visitor.visit_borrowed_bytes(self.input.bytes()?),
            major::TEXT => visitor.visit_borrowed_str(self.input.text()?),
            major::ARRAY => {
                let left = self.input.array()?;
                Container::of(self, left, |list| visitor.visit_seq(list))
            }
            major::MAP => {
                let left = self.input.map()?;
                Container::of(self, left, |map| visitor.visit_map(map))
            }
            major::TAG => {
                visitor.visit_newtype_struct(BorrowedBytesDeserializer::new(self.input.link_bytes()?))
            }
            _ if self.input.try_null() => visitor.visit_unit(),
            _ => match self.input.bool() {
                Ok(value) => visitor.visit_bool(value),
                Err(_) => visitor.visit_f64(self.input.float()?.get()),
            },
        }
        .map_err(|fault: Fault| fault.at(offset))
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.input.try_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match (self.input.major(), name == LINK) {
            (Some(major::TAG), true) => self.any(visitor),
            (_, true) => Err(Fault::shape("not a link").at(self.input.offset())),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let offset = self.input.offset();
        let content = match self.input.major() {
            Some(major::TEXT) => Content::None,
            Some(major::MAP) if self.input.map()? == 1 => Content::Next,
            _ => return Err(Fault::shape("an enum is text or a map of one key").at(offset)),
        };
        visitor.visit_enum(Variant { reader: self, content }).map_err(|fault| fault.at(offset))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.input.raw()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier
    }
}
