//! Lists and maps one by one; an error that comes out of one learns on its way where that was.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::Error;
use super::de::ValueDeserializer;
use crate::value::{Map, Value};

pub(super) struct Elements {
    values: std::vec::IntoIter<Value>,
    index: usize,
}

impl Elements {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self { values: values.into_iter(), index: 0 }
    }

    /// Whether the type took them all.
    pub(super) fn end(self) -> Result<(), Error> {
        end(self.values.len())
    }
}

impl<'de> SeqAccess<'de> for &mut Elements {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(value) = self.values.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        let element = seed.deserialize(ValueDeserializer(value));
        element.map(Some).map_err(|error| error.within(index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len())
    }
}

pub(super) struct Entries {
    pairs: <Map as IntoIterator>::IntoIter,
    value: Option<(String, Value)>,
}

impl Entries {
    pub(super) fn new(map: Map) -> Self {
        Self { pairs: map.into_iter(), value: None }
    }

    /// Whether the type took them all.
    pub(super) fn end(self) -> Result<(), Error> {
        end(self.pairs.len())
    }
}

impl<'de> MapAccess<'de> for &mut Entries {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.pairs.next() else { return Ok(None) };
        let read = seed.deserialize(ValueDeserializer(Value::Text(key.clone())));
        self.value = Some((key.clone(), value));
        read.map(Some).map_err(|error| error.within(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (key, value) =
            self.value.take().ok_or_else(|| serde::de::Error::custom("a value without a key"))?;
        seed.deserialize(ValueDeserializer(value)).map_err(|error| error.within(key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.pairs.len())
    }
}

fn end(left: usize) -> Result<(), Error> {
    if left == 0 { Ok(()) } else { Err(serde::de::Error::custom(format!("{left} elements too many"))) }
}
