use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::de::{Deserializer, Unexpected};

use super::de::Reader;
use super::error::Fault;

/// An open array or map of which `left` elements or pairs are unread.
pub(super) struct Container<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
}

impl<'a, 'de> Container<'a, 'de> {
    /// Lets `visit` read the container, which has to read all of it.
    pub(super) fn of<R>(
        reader: &'a mut Reader<'de>,
        left: usize,
        visit: impl FnOnce(&mut Self) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let mut container = Self { reader, left };
        let value = visit(&mut container)?;
        if container.left == 0 { Ok(value) } else { Err(Fault::shape("more elements than the type takes")) }
    }
}

impl<'de> SeqAccess<'de> for &mut Container<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.reader.item(|reader| seed.deserialize(reader)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for &mut Container<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.reader.item(|reader| seed.deserialize(reader)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(Fault::shape("a value without its key"));
        };
        self.left = left;
        self.reader.item(|reader| seed.deserialize(reader))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// What follows the name of a variant.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// The next item.
    Next,
    /// Nothing.
    None,
}

/// An enum whose name comes next.
pub(super) struct Variant<'a, 'de> {
    pub(super) reader: &'a mut Reader<'de>,
    pub(super) content: Content,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let name = self.reader.item(|reader| seed.deserialize(reader))?;
        Ok((name, self))
    }
}

impl<'a, 'de> Variant<'a, 'de> {
    fn content(self) -> Result<&'a mut Reader<'de>, Fault> {
        match self.content {
            Content::Next => Ok(self.reader),
            Content::None => {
                let found = Unexpected::UnitVariant;
                Err(serde::de::Error::invalid_type(found, &"a variant with content"))
            }
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        let offset = self.reader.input.offset();
        match self.content {
            Content::None => Ok(()),
            Content::Next if self.reader.input.try_null() => Ok(()),
            Content::Next => Err(Fault::shape("a unit variant holds nothing").at(offset)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        self.content()?.item(|reader| seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.content()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.content()?.deserialize_any(visitor)
    }
}
