//! serde's data model into values.

use num_bigint::BigInt;
use serde::ser::{self, Serialize, Serializer};

use super::{Map, Value, ValueError};

/// The newtype struct that large integers are serialized as: decimal text inside.
pub(super) const BIG_INT: &str = "$eryx::BigInt";

impl ser::Error for ValueError {
    fn custom<T: std::fmt::Display>(message: T) -> ValueError {
        ValueError(message.to_string())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::BigInt(value) => serializer.serialize_newtype_struct(BIG_INT, &value.to_string()),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.serialize_bytes(value),
            Value::List(value) => value.serialize(serializer),
            Value::Map(value) => value.serialize(serializer),
        }
    }
}

pub(super) struct ValueSerializer;

macro_rules! scalars {
    ($($name:ident: $type:ty => $value:ident => $result:expr;)*) => {
        $(fn $name(self, $value: $type) -> Result<Value, ValueError> {
            Ok($result)
        })*
    };
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = ListSerializer;
    type SerializeTuple = ListSerializer;
    type SerializeTupleStruct = ListSerializer;
    type SerializeTupleVariant = ListSerializer;
    type SerializeMap = MapSerializer;
    type SerializeStruct = MapSerializer;
    type SerializeStructVariant = MapSerializer;

    scalars! {
        serialize_bool: bool => value => Value::Bool(value);
        serialize_i8: i8 => value => Value::Int(value.into());
        serialize_i16: i16 => value => Value::Int(value.into());
        serialize_i32: i32 => value => Value::Int(value.into());
        serialize_i64: i64 => value => Value::Int(value);
        serialize_i128: i128 => value => BigInt::from(value).into();
        serialize_u8: u8 => value => Value::Int(value.into());
        serialize_u16: u16 => value => Value::Int(value.into());
        serialize_u32: u32 => value => Value::Int(value.into());
        serialize_u64: u64 => value => value.into();
        serialize_u128: u128 => value => BigInt::from(value).into();
        serialize_f32: f32 => value => Value::Float(value.into());
        serialize_f64: f64 => value => Value::Float(value);
        serialize_char: char => value => Value::Text(value.into());
        serialize_str: &str => value => Value::Text(value.to_owned());
        serialize_bytes: &[u8] => value => Value::Bytes(value.to_vec());
        serialize_unit_struct: &'static str => _name => Value::Null;
    }

    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, ValueError> {
        Ok(Value::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        let inner = value.serialize(self)?;
        match &inner {
            Value::Text(text) if name == BIG_INT => {
                text.parse::<BigInt>().map(Into::into).map_err(|error| ValueError(error.to_string()))
            }
            _ => Ok(inner),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        Ok(tagged(Some(variant), value.serialize(self)?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<ListSerializer, ValueError> {
        Ok(ListSerializer { variant: None, items: Vec::with_capacity(length.unwrap_or(0).min(1024)) })
    }

    fn serialize_tuple(self, length: usize) -> Result<ListSerializer, ValueError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<ListSerializer, ValueError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ListSerializer, ValueError> {
        Ok(ListSerializer { variant: Some(variant), items: Vec::new() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<MapSerializer, ValueError> {
        Ok(MapSerializer { variant: None, key: None, items: Map::new() })
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<MapSerializer, ValueError> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<MapSerializer, ValueError> {
        Ok(MapSerializer { variant: Some(variant), key: None, items: Map::new() })
    }
}

/// A variant of an enum is a dict of one item, as in JSON.
fn tagged(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::Map(Map::from([(variant.to_owned(), value)])),
        None => value,
    }
}

pub(super) struct ListSerializer {
    variant: Option<&'static str>,
    items: Vec<Value>,
}

macro_rules! list {
    ($($trait:ident $method:ident;)*) => {
        $(impl ser::$trait for ListSerializer {
            type Ok = Value;
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
                self.items.push(value.serialize(ValueSerializer)?);
                Ok(())
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(tagged(self.variant, Value::List(self.items)))
            }
        })*
    };
}

list! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

pub(super) struct MapSerializer {
    variant: Option<&'static str>,
    key: Option<String>,
    items: Map,
}

impl ser::SerializeMap for MapSerializer {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.key = Some(match key.serialize(ValueSerializer)? {
            Value::Text(text) => text,
            Value::Int(number) => number.to_string(),
            Value::BigInt(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => return Err(ValueError("a key of a map must be text, an integer or a bool".to_owned())),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = self.key.take().ok_or_else(|| ValueError("a value without a key".to_owned()))?;
        self.items.insert(key, value.serialize(ValueSerializer)?);
        Ok(())
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(tagged(self.variant, Value::Map(self.items)))
    }
}

macro_rules! fields {
    ($($trait:ident)*) => {
        $(impl ser::$trait for MapSerializer {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), ValueError> {
                self.items.insert(key.to_owned(), value.serialize(ValueSerializer)?);
                Ok(())
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(tagged(self.variant, Value::Map(self.items)))
            }
        })*
    };
}

fields!(SerializeStruct SerializeStructVariant);
