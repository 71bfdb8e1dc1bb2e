//! Values into serde's data model.

use std::fmt;

use num_bigint::BigInt;
use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{self, Deserialize, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Map, Value, ValueError};

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> ValueError {
        ValueError(message.to_string())
    }
}

impl<'de> IntoDeserializer<'de, ValueError> for Value {
    type Deserializer = Value;

    fn into_deserializer(self) -> Value {
        self
    }
}

impl<'de> Deserializer<'de> for Value {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Int(value) => visitor.visit_i64(value),
            Value::BigInt(value) => visit_big_int(&value, visitor),
            Value::Float(value) => visitor.visit_f64(value),
            Value::Text(value) => visitor.visit_string(value),
            Value::Bytes(value) => visitor.visit_byte_buf(value),
            Value::List(value) => {
                let mut list = SeqDeserializer::new(value.into_iter());
                let result = visitor.visit_seq(&mut list)?;
                list.end()?;
                Ok(result)
            }
            Value::Map(value) => {
                let mut map = MapDeserializer::new(value.into_iter());
                let result = visitor.visit_map(&mut map)?;
                map.end()?;
                Ok(result)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    /// Bytes may become a `Vec<u8>`, which wants a sequence.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Value::Bytes(value) => visitor.visit_seq(SeqDeserializer::new(value.into_iter())),
            value => value.deserialize_any(visitor),
        }
    }

    /// A function without parameters is given an empty dict.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Value::Map(map) if map.is_empty() => visitor.visit_unit(),
            value => value.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let (variant, value) = match self {
            Value::Text(variant) => (variant, None),
            Value::Map(map) if map.len() == 1 => {
                let (variant, value) = map.into_iter().next().unwrap_or_default();
                (variant, Some(value))
            }
            _ => return Err(ValueError("expected text or a dict of one item for an enum".to_owned())),
        };
        visitor.visit_enum(Variant { variant, value })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit_struct tuple
        tuple_struct map struct identifier ignored_any
    }
}

fn visit_big_int<'de, V: Visitor<'de>>(value: &BigInt, visitor: V) -> Result<V::Value, ValueError> {
    if let Ok(number) = u64::try_from(value) {
        visitor.visit_u64(number)
    } else if let Ok(number) = i128::try_from(value) {
        visitor.visit_i128(number)
    } else if let Ok(number) = u128::try_from(value) {
        visitor.visit_u128(number)
    } else {
        visitor.visit_newtype_struct(value.to_string().into_deserializer())
    }
}

struct Variant {
    variant: String,
    value: Option<Value>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = ValueError;
    type Variant = Content;

    fn variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Content), ValueError> {
        let name: StringDeserializer<ValueError> = self.variant.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.value)))
    }
}

struct Content(Option<Value>);

impl Content {
    fn value(self) -> Result<Value, ValueError> {
        self.0.ok_or_else(|| ValueError("the variant of the enum needs a value".to_owned()))
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        match self.0 {
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err(ValueError("the variant of the enum has no value".to_owned())),
        }
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ValueError> {
        seed.deserialize(self.value()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.value()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, ValueError> {
        self.value()?.deserialize_any(visitor)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

macro_rules! visits {
    ($($name:ident: $type:ty => $value:ident => $result:expr;)*) => {
        $(fn $name<E: de::Error>(self, $value: $type) -> Result<Value, E> {
            Ok($result)
        })*
    };
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that can be passed to a program")
    }

    visits! {
        visit_bool: bool => value => Value::Bool(value);
        visit_i64: i64 => value => Value::Int(value);
        visit_u64: u64 => value => value.into();
        visit_i128: i128 => value => BigInt::from(value).into();
        visit_u128: u128 => value => BigInt::from(value).into();
        visit_f64: f64 => value => Value::Float(value);
        visit_str: &str => value => Value::Text(value.to_owned());
        visit_string: String => value => Value::Text(value);
        visit_bytes: &[u8] => value => Value::Bytes(value.to_vec());
        visit_byte_buf: Vec<u8> => value => Value::Bytes(value);
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    /// An integer of more than 128 bits, as decimal text.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse::<BigInt>().map(Into::into).map_err(de::Error::custom)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut items = Map::new();
        while let Some((key, value)) = map.next_entry()? {
            items.insert(key, value);
        }
        Ok(Value::Map(items))
    }
}
