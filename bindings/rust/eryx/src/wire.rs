//! MessagePack as the library speaks it: text keys, integers of any size, nothing that is not data.

use num_bigint::BigInt;
use rmp::{Marker, encode as write};

use crate::value::{Map, Value};

const BIG_INT: i8 = 1;
/// The NaN that is written for all of them, so that equal values have equal bytes in every language.
const NAN: u64 = 0x7ff8_0000_0000_0001;
const MAX_DEPTH: usize = 200;
const MAX_VALUES: usize = 4 << 20;

/// Why a value cannot be written, or bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("a value nests deeper than {MAX_DEPTH} levels, or has more than {MAX_VALUES} parts")]
    Limit,
    #[error("the bytes are not a message")]
    Malformed,
}

/// The bytes of a value.
pub(crate) fn encode(value: &Value) -> Result<Vec<u8>, WireError> {
    let mut bytes = Vec::with_capacity(64);
    append(&mut bytes, value)?;
    Ok(bytes)
}

/// Writes a value. On an error what was written is taken back.
pub(crate) fn append(bytes: &mut Vec<u8>, value: &Value) -> Result<(), WireError> {
    let length = bytes.len();
    put(bytes, value, 0).inspect_err(|_| bytes.truncate(length))
}

/// Writes the head of a list.
pub(crate) fn put_list(bytes: &mut Vec<u8>, length: usize) -> Result<(), WireError> {
    let length = u32::try_from(length).map_err(|_| WireError::Limit)?;
    write::write_array_len(bytes, length).map(drop).map_err(|_| WireError::Limit)
}

/// Writes an integer that is not negative.
pub(crate) fn put_uint(bytes: &mut Vec<u8>, value: u64) {
    let _ = write::write_uint(bytes, value); // writing to memory cannot fail
}

fn put(bytes: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), WireError> {
    let done = match value {
        Value::Null => write::write_nil(bytes).map_err(|_| WireError::Limit),
        Value::Bool(value) => write::write_bool(bytes, *value).map_err(|_| WireError::Limit),
        Value::Int(value) => write::write_sint(bytes, *value).map(drop).map_err(|_| WireError::Limit),
        Value::BigInt(value) => return put_big_int(bytes, value),
        Value::Float(value) => write::write_f64(bytes, if value.is_nan() { f64::from_bits(NAN) } else { *value })
            .map_err(|_| WireError::Limit),
        Value::Text(value) => write::write_str(bytes, value).map_err(|_| WireError::Limit),
        Value::Bytes(value) => write::write_bin(bytes, value).map_err(|_| WireError::Limit),
        Value::List(_) | Value::Map(_) if depth == MAX_DEPTH => return Err(WireError::Limit),
        Value::List(items) => {
            put_list(bytes, items.len())?;
            return items.iter().try_for_each(|item| put(bytes, item, depth + 1));
        }
        Value::Map(items) => {
            let length = u32::try_from(items.len()).map_err(|_| WireError::Limit)?;
            write::write_map_len(bytes, length).map_err(|_| WireError::Limit)?;
            return items.iter().try_for_each(|(key, item)| {
                write::write_str(bytes, key).map_err(|_| WireError::Limit)?;
                put(bytes, item, depth + 1)
            });
        }
    };
    done.map(drop)
}

fn put_big_int(bytes: &mut Vec<u8>, value: &BigInt) -> Result<(), WireError> {
    if let Ok(value) = u64::try_from(value) {
        put_uint(bytes, value);
        return Ok(());
    }
    let number = value.to_signed_bytes_be();
    let length = u32::try_from(number.len()).map_err(|_| WireError::Limit)?;
    write::write_ext_meta(bytes, length, BIG_INT).map_err(|_| WireError::Limit)?;
    bytes.extend_from_slice(&number);
    Ok(())
}

/// The value of a message. Everything is checked before memory is taken for it.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, WireError> {
    let mut reader = Reader { bytes, values: 0 };
    let value = reader.value(0)?;
    if reader.bytes.is_empty() { Ok(value) } else { Err(WireError::Malformed) }
}

/// The events of a batch, one after the other.
pub(crate) struct Events<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Events<'a> {
    /// The events of a message.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Events<'a>, WireError> {
        let mut reader = Reader { bytes, values: 1 };
        let left = reader.list_head()?.ok_or(WireError::Malformed)?;
        reader.nest(left, 0)?;
        Ok(Events { reader, left })
    }

    /// The next event; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Value>, WireError> {
        if self.left == 0 {
            return if self.reader.bytes.is_empty() { Ok(None) } else { Err(WireError::Malformed) };
        }
        self.left -= 1;
        self.reader.value(1).map(Some)
    }

    /// The next event if it is a call: its id and the function's name, without a value for each part, and what reads the
    /// arguments. The event is not taken before `taken` is told of it.
    pub(crate) fn call(&self) -> Option<(u64, &'a str, Reader<'a>)> {
        let mut reader = self.reader;
        if self.left == 0 || reader.list_head().ok()? != Some(5) || reader.borrowed_text()? != "call" {
            return None;
        }
        let (_request, call) = (reader.value(2).ok()?, reader.value(2).ok()?);
        let name = reader.borrowed_text()?;
        Some((call.as_i64()?.unsigned_abs(), name, reader))
    }

    /// The arguments of a call, whose event is taken with them.
    pub(crate) fn arguments(&mut self, mut reader: Reader<'a>) -> Result<Value, WireError> {
        let arguments = reader.value(2)?;
        self.reader = reader;
        self.left -= 1;
        Ok(arguments)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    values: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(WireError::Malformed)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.take(N)?.try_into().map_err(|_| WireError::Malformed)
    }

    /// A length of one, two or four bytes.
    fn length(&mut self, size: usize) -> Result<usize, WireError> {
        Ok(self.take(size)?.iter().fold(0, |length, &byte| (length << 8) | usize::from(byte)))
    }

    /// The length of a list; none for something else.
    fn list_head(&mut self) -> Result<Option<usize>, WireError> {
        let [marker] = self.array()?;
        Ok(match Marker::from_u8(marker) {
            Marker::FixArray(length) => Some(length.into()),
            Marker::Array16 => Some(self.length(2)?),
            Marker::Array32 => Some(self.length(4)?),
            _ => None,
        })
    }

    /// A short text, where it lies.
    fn borrowed_text(&mut self) -> Option<&'a str> {
        let [marker] = self.array().ok()?;
        let length = match Marker::from_u8(marker) {
            Marker::FixStr(length) => length.into(),
            Marker::Str8 => self.length(1).ok()?,
            _ => return None,
        };
        std::str::from_utf8(self.take(length).ok()?).ok()
    }

    fn value(&mut self, depth: usize) -> Result<Value, WireError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(WireError::Limit);
        }
        let [marker] = self.array()?;
        Ok(match Marker::from_u8(marker) {
            Marker::Null => Value::Null,
            Marker::True => Value::Bool(true),
            Marker::False => Value::Bool(false),
            Marker::FixPos(value) => Value::Int(value.into()),
            Marker::FixNeg(value) => Value::Int(value.into()),
            Marker::U8 => Value::Int(u8::from_be_bytes(self.array()?).into()),
            Marker::U16 => Value::Int(u16::from_be_bytes(self.array()?).into()),
            Marker::U32 => Value::Int(u32::from_be_bytes(self.array()?).into()),
            Marker::U64 => u64::from_be_bytes(self.array()?).into(),
            Marker::I8 => Value::Int(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Value::Int(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Value::Int(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Value::Int(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Value::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Value::Float(f64::from_be_bytes(self.array()?)),
            marker => return self.sized(marker, depth),
        })
    }

    /// A value whose size the message says.
    fn sized(&mut self, marker: Marker, depth: usize) -> Result<Value, WireError> {
        match marker {
            Marker::FixStr(length) => self.text(length.into()),
            Marker::Str8 => self.length(1).and_then(|length| self.text(length)),
            Marker::Str16 => self.length(2).and_then(|length| self.text(length)),
            Marker::Str32 => self.length(4).and_then(|length| self.text(length)),
            Marker::Bin8 => self.length(1).and_then(|length| self.binary(length)),
            Marker::Bin16 => self.length(2).and_then(|length| self.binary(length)),
            Marker::Bin32 => self.length(4).and_then(|length| self.binary(length)),
            Marker::FixArray(length) => self.list(length.into(), depth),
            Marker::Array16 => self.length(2).and_then(|length| self.list(length, depth)),
            Marker::Array32 => self.length(4).and_then(|length| self.list(length, depth)),
            Marker::FixMap(length) => self.map(length.into(), depth),
            Marker::Map16 => self.length(2).and_then(|length| self.map(length, depth)),
            Marker::Map32 => self.length(4).and_then(|length| self.map(length, depth)),
            Marker::FixExt1 => self.extension(1),
            Marker::FixExt2 => self.extension(2),
            Marker::FixExt4 => self.extension(4),
            Marker::FixExt8 => self.extension(8),
            Marker::FixExt16 => self.extension(16),
            Marker::Ext8 => self.length(1).and_then(|length| self.extension(length)),
            Marker::Ext16 => self.length(2).and_then(|length| self.extension(length)),
            Marker::Ext32 => self.length(4).and_then(|length| self.extension(length)),
            _ => Err(WireError::Malformed),
        }
    }

    fn string(&mut self, length: usize) -> Result<String, WireError> {
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| WireError::Malformed)?;
        Ok(text.to_owned())
    }

    fn text(&mut self, length: usize) -> Result<Value, WireError> {
        self.string(length).map(Value::Text)
    }

    fn binary(&mut self, length: usize) -> Result<Value, WireError> {
        Ok(Value::Bytes(self.take(length)?.to_vec()))
    }

    fn extension(&mut self, length: usize) -> Result<Value, WireError> {
        let kind = i8::from_be_bytes(self.array()?);
        let bytes = self.take(length)?;
        if kind != BIG_INT || bytes.is_empty() {
            return Err(WireError::Malformed);
        }
        Ok(BigInt::from_signed_bytes_be(bytes).into())
    }

    /// Checks that so many values, of one byte each at least, can follow, and that they are not too deep.
    fn nest(&self, count: usize, depth: usize) -> Result<(), WireError> {
        if depth >= MAX_DEPTH {
            return Err(WireError::Limit);
        }
        if count > self.bytes.len() { Err(WireError::Malformed) } else { Ok(()) }
    }

    fn list(&mut self, length: usize, depth: usize) -> Result<Value, WireError> {
        self.nest(length, depth)?;
        let mut items = Vec::with_capacity(length.min(1024));
        for _ in 0..length {
            items.push(self.value(depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, length: usize, depth: usize) -> Result<Value, WireError> {
        self.nest(length.saturating_mul(2), depth)?;
        let mut items = Map::new();
        for _ in 0..length {
            let Value::Text(key) = self.value(depth + 1)? else {
                return Err(WireError::Malformed);
            };
            let item = self.value(depth + 1)?;
            items.insert(key, item); // of two with one key the last one counts, as everywhere here
        }
        Ok(Value::Map(items))
    }
}

#[cfg(test)]
mod tests;
