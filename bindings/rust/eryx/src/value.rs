//! Values that programs and the host exchange.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use serde::Serialize;
use serde::de::DeserializeOwned;

mod de;
mod ser;

/// A dict of the program's: its keys are text.
pub type Map = BTreeMap<String, Value>;

/// A value that programs and the host exchange: JSON's kinds, bytes, and integers of any size.
///
/// ```
/// use eryx::Value;
///
/// let value = eryx::to_value(&("text", 1, [0.5, f64::INFINITY]))?;
/// assert_eq!(value.to::<(String, u8, Vec<f64>)>()?, ("text".to_owned(), 1, vec![0.5, f64::INFINITY]));
/// # Ok::<(), eryx::ValueError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `None`.
    #[default]
    Null,
    /// `bool`.
    Bool(bool),
    /// An `int` of up to 64 bits.
    Int(i64),
    /// An `int` that needs more.
    BigInt(BigInt),
    /// `float`, NaN and the infinities included.
    Float(f64),
    /// `str`.
    Text(String),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// `list`; a tuple of the program's becomes one, too.
    List(Vec<Value>),
    /// `dict`.
    Map(Map),
}

/// Why a Rust value is no [`Value`], or the other way round.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub(crate) String);

/// The [`Value`] of anything that serde can serialize.
///
/// `Vec<u8>` becomes a list of integers, as serde has it: use `serde_bytes` or [`Value::Bytes`] for bytes. Keys of maps that
/// are integers or bools become text.
///
/// # Errors
/// [`ValueError`] for keys that cannot be text, and what the type's `Serialize` refuses.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, ValueError> {
    value.serialize(ser::ValueSerializer)
}

/// Anything that serde can deserialize, of a [`Value`]. `bytes` may become `Vec<u8>`.
///
/// # Errors
/// [`ValueError`] when the value is not of the type's shape.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ValueError> {
    T::deserialize(value)
}

impl Value {
    /// The value as a type of yours: [`from_value`].
    ///
    /// # Errors
    /// [`ValueError`] when the value is not of the type's shape.
    pub fn to<T: DeserializeOwned>(self) -> Result<T, ValueError> {
        from_value(self)
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one of up to 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The number, if it is one of up to 64 bits.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The item of a dict, if this is one and has it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Map(map) => map.get(name),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($type:ty => $value:ident => $result:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Value {
                $result
            }
        })*
    };
}

from! {
    bool => value => Value::Bool(value);
    i32 => value => Value::Int(value.into());
    u32 => value => Value::Int(value.into());
    i64 => value => Value::Int(value);
    u64 => value => BigInt::from(value).into();
    f64 => value => Value::Float(value);
    &str => value => Value::Text(value.to_owned());
    String => value => Value::Text(value);
    Vec<Value> => value => Value::List(value);
    Map => value => Value::Map(value);
    BigInt => value => i64::try_from(&value).map_or_else(|_| Value::BigInt(value), Value::Int);
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// A map of the fields that are given.
macro_rules! map {
    ($($name:tt: $value:expr),* $(,)?) => {
        $crate::value::Map::from([$(($name.to_owned(), $crate::value::Value::from($value))),*])
    };
}
pub(crate) use map;

impl schemars::JsonSchema for Value {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::Schema::default()
    }
}
