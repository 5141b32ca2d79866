use std::cell::RefCell;

use civic_store::Stored;
use civic_types::value::SerdeError;
use civic_types::{FieldPath, Value, from_value};
use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::error::Error;

/// Reads a document as a type.
pub(super) fn read<T: DeserializeOwned>(stored: Stored) -> Result<T, Error> {
    from_value(stored.value.clone()).map_err(|source| Error::SchemaMismatch {
        key: stored.key,
        path: locate::<T>(stored.value.clone()),
        value: Box::new(stored.value),
        source,
    })
}

/// The field at which the value does not fit the type: reads it once more and remembers the way.
fn locate<T: DeserializeOwned>(value: Value) -> FieldPath {
    let trail = RefCell::new(Vec::new());
    let fits = T::deserialize(Tracked { value, trail: &trail, depth: 0 }).is_ok();
    let trail = if fits { Vec::new() } else { trail.into_inner() };
    // Map keys inside a plain value may be longer than a path's segments: then its field must do.
    (0..=trail.len()).rev().find_map(|n| FieldPath::new(trail.iter().take(n)).ok()).unwrap_or_default()
}

/// A value that is being read, with the way to it.
struct Tracked<'t> {
    value: Value,
    trail: &'t RefCell<Vec<String>>,
    depth: usize,
}

impl Tracked<'_> {
    fn inside<I>(&self, rest: I) -> Inside<'_, I> {
        Inside { rest, held: None, count: 0, trail: self.trail, depth: self.depth }
    }
}

impl<'de> Deserializer<'de> for Tracked<'_> {
    type Error = SerdeError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, SerdeError> {
        match std::mem::replace(&mut self.value, Value::Null) {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Int(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => visitor.visit_i64(value),
                (_, Ok(value)) => visitor.visit_u64(value),
                _ => visitor.visit_i128(value.get()),
            },
            Value::Float(value) => visitor.visit_f64(value.get()),
            Value::Text(value) => visitor.visit_string(value),
            Value::Bytes(value) => visitor.visit_byte_buf(value),
            Value::List(values) => visitor.visit_seq(self.inside(values.into_iter())),
            Value::Map(map) => visitor.visit_map(self.inside(map.into_iter())),
            Value::Link(cid) => {
                self.value = Value::Bytes(cid.as_bytes().to_vec());
                visitor.visit_newtype_struct(self)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, SerdeError> {
        if matches!(self.value, Value::Link(_)) {
            self.deserialize_any(visitor)
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SerdeError> {
        match std::mem::replace(&mut self.value, Value::Null) {
            Value::Text(variant) => {
                visitor.visit_enum(IntoDeserializer::<SerdeError>::into_deserializer(variant))
            }
            Value::Map(map) => visitor.visit_enum(MapAccessDeserializer::new(self.inside(map.into_iter()))),
            _ => Err(serde::de::Error::custom("an enum is text or a map of one key")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The elements of a list or map, each of which extends the way while it is read.
struct Inside<'t, I> {
    rest: I,
    held: Option<Value>,
    count: usize,
    trail: &'t RefCell<Vec<String>>,
    depth: usize,
}

impl<I> Inside<'_, I> {
    fn step(&self, segment: String) {
        let mut trail = self.trail.borrow_mut();
        trail.truncate(self.depth);
        trail.push(segment);
    }

    fn read<'de, S: DeserializeSeed<'de>>(&self, seed: S, value: Value) -> Result<S::Value, SerdeError> {
        let read = seed.deserialize(Tracked { value, trail: self.trail, depth: self.depth + 1 })?;
        self.trail.borrow_mut().truncate(self.depth);
        Ok(read)
    }
}

impl<'de, I: Iterator<Item = Value>> SeqAccess<'de> for Inside<'_, I> {
    type Error = SerdeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, SerdeError> {
        let Some(value) = self.rest.next() else { return Ok(None) };
        self.step(self.count.to_string());
        self.count += 1;
        self.read(seed, value).map(Some)
    }
}

impl<'de, I: Iterator<Item = (String, Value)>> MapAccess<'de> for Inside<'_, I> {
    type Error = SerdeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, SerdeError> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.held = Some(value);
        self.step(key.clone());
        let key: StringDeserializer<SerdeError> = key.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, SerdeError> {
        let value = self.held.take().unwrap_or(Value::Null);
        self.read(seed, value)
    }
}
