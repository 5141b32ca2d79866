use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Error, LINK};
use crate::value::{Float, Int, Map, Value};
use crate::{Cid, cid::CidError};

pub(super) struct ValueSerializer;

fn int(value: i128) -> Result<Value, Error> {
    Int::try_from(value).map(Value::Int).map_err(ser::Error::custom)
}

fn tagged(variant: &str, value: Value) -> Value {
    Value::Map(Map::from_iter([(variant, value)]))
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = ListSerializer;
    type SerializeTuple = ListSerializer;
    type SerializeTupleStruct = ListSerializer;
    type SerializeTupleVariant = ListSerializer;
    type SerializeMap = MapSerializer;
    type SerializeStruct = MapSerializer;
    type SerializeStructVariant = MapSerializer;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, v: bool) -> Result<Value, Error> {
        Ok(Value::Bool(v))
    }

    fn serialize_i8(self, v: i8) -> Result<Value, Error> {
        int(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<Value, Error> {
        int(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<Value, Error> {
        int(v.into())
    }

    fn serialize_i64(self, v: i64) -> Result<Value, Error> {
        int(v.into())
    }

    fn serialize_i128(self, v: i128) -> Result<Value, Error> {
        int(v)
    }

    fn serialize_u8(self, v: u8) -> Result<Value, Error> {
        int(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<Value, Error> {
        int(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<Value, Error> {
        int(v.into())
    }

    fn serialize_u64(self, v: u64) -> Result<Value, Error> {
        int(v.into())
    }

    fn serialize_u128(self, v: u128) -> Result<Value, Error> {
        int(v.try_into().unwrap_or(i128::MAX))
    }

    fn serialize_f32(self, v: f32) -> Result<Value, Error> {
        self.serialize_f64(v.into())
    }

    fn serialize_f64(self, v: f64) -> Result<Value, Error> {
        Float::new(v).map(Value::Float).ok_or_else(|| ser::Error::custom("a float must be finite"))
    }

    fn serialize_char(self, v: char) -> Result<Value, Error> {
        Ok(Value::Text(v.to_string()))
    }

    fn serialize_str(self, v: &str) -> Result<Value, Error> {
        Ok(Value::Text(v.to_owned()))
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<Value, Error> {
        Ok(Value::Bytes(v.to_vec()))
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Error> {
        Ok(Value::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        let value = value.serialize(self)?;
        match value {
            Value::Bytes(bytes) if name == LINK => {
                Cid::from_bytes(&bytes).map(Value::Link).map_err(|e: CidError| ser::Error::custom(e))
            }
            value => Ok(value),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        Ok(tagged(variant, value.serialize(Self)?))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<ListSerializer, Error> {
        let list = Vec::with_capacity(len.unwrap_or_default().min(1024));
        Ok(ListSerializer { list, variant: None })
    }

    fn serialize_tuple(self, len: usize) -> Result<ListSerializer, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<ListSerializer, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ListSerializer, Error> {
        Ok(ListSerializer { list: Vec::new(), variant: Some(variant) })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<MapSerializer, Error> {
        Ok(MapSerializer::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<MapSerializer, Error> {
        Ok(MapSerializer::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<MapSerializer, Error> {
        Ok(MapSerializer { variant: Some(variant), ..MapSerializer::default() })
    }
}

pub(super) struct ListSerializer {
    list: Vec<Value>,
    variant: Option<&'static str>,
}

impl ListSerializer {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.list.push(value.serialize(ValueSerializer)?);
        Ok(())
    }

    fn finish(self) -> Value {
        let list = Value::List(self.list);
        self.variant.map_or(list.clone(), |variant| tagged(variant, list))
    }
}

macro_rules! list_serializer {
    ($($serialize:ident $element:ident;)*) => {$(
        impl $serialize for ListSerializer {
            type Ok = Value;
            type Error = Error;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.push(value)
            }

            fn end(self) -> Result<Value, Error> {
                Ok(self.finish())
            }
        }
    )*};
}

list_serializer! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

#[derive(Default)]
pub(super) struct MapSerializer {
    map: Map,
    key: Option<String>,
    variant: Option<&'static str>,
}

impl MapSerializer {
    fn finish(self) -> Value {
        let map = Value::Map(self.map);
        match self.variant {
            Some(variant) => tagged(variant, map),
            None => map,
        }
    }
}

impl SerializeMap for MapSerializer {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        match key.serialize(ValueSerializer)? {
            Value::Text(key) => self.key = Some(key),
            _ => return Err(ser::Error::custom("a map key must be text")),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take().ok_or_else(|| ser::Error::custom("a map value came before its key"))?;
        self.map.insert(key, value.serialize(ValueSerializer)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.finish())
    }
}

macro_rules! field_serializer {
    ($($serialize:ident)*) => {$(
        impl $serialize for MapSerializer {
            type Ok = Value;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
                self.map.insert(key, value.serialize(ValueSerializer)?);
                Ok(())
            }

            fn end(self) -> Result<Value, Error> {
                Ok(self.finish())
            }
        }
    )*};
}

field_serializer!(SerializeStruct SerializeStructVariant);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => serializer.serialize_i64(value),
                (_, Ok(value)) => serializer.serialize_u64(value),
                _ => serializer.serialize_i128(value.get()),
            },
            Self::Float(value) => serializer.serialize_f64(value.get()),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::List(values) => serializer.collect_seq(values),
            Self::Map(map) => serializer.collect_map(map),
            Self::Link(cid) => cid.serialize(serializer),
        }
    }
}
