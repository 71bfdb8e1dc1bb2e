//! The wire vectors of tests/vectors, which every language has.

use serde::Deserialize;
use serde_json::Value as Json;

use super::{Events, WireError, decode, encode};
use crate::value::{Map, Value};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/vectors/wire/");

fn cases(name: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(format!("{VECTORS}{name}")).unwrap();
    let mut reader = serde_json::Deserializer::from_str(&text);
    reader.disable_recursion_limit(); // one case has 200 levels
    let file = Json::deserialize(&mut reader).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The value of a vector's notation.
fn plain(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(plain).collect()),
        Json::Object(tag) => {
            let (kind, content) = tag.iter().next().unwrap();
            match kind.as_str() {
                "$int" => content.as_str().unwrap().parse::<num_bigint::BigInt>().unwrap().into(),
                "$float" => Value::Float(content.as_str().unwrap().parse().unwrap()),
                "$bytes" => Value::Bytes(bytes(content.as_str().unwrap())),
                "$map" => Value::Map(content.as_array().unwrap().iter().map(pair).collect()),
                other => panic!("{other}"),
            }
        }
        Json::Number(number) => panic!("{number}: numbers are tagged"),
    }
}

fn pair(pair: &Json) -> (String, Value) {
    (pair[0].as_str().unwrap().to_owned(), plain(&pair[1]))
}

/// A text that tells values apart, NaN and -0.0 included.
fn shape(value: &Value) -> String {
    format!("{value:?}")
}

#[test]
fn values() {
    let cases = cases("values.json");
    assert!(cases.len() >= 65, "{} cases", cases.len());
    for case in &cases {
        let (name, value) = (&case["name"], plain(&case["value"]));
        let canonical = case["canonical"].as_str().unwrap();
        let accepted = case["accepted"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
        for encoded in std::iter::once(canonical).chain(accepted) {
            assert_eq!(shape(&decode(&bytes(encoded)).unwrap()), shape(&value), "{name}");
        }
        assert_eq!(encode(&value).unwrap(), bytes(canonical), "{name}");
    }
}

#[test]
fn rejected() {
    let cases = cases("rejected.json");
    assert!(cases.len() >= 39, "{} cases", cases.len());
    for case in &cases {
        let mut message = bytes(case["bytes"].as_str().unwrap());
        if let Json::Object(repeat) = &case["repeat"] {
            let count = repeat["count"].as_u64().unwrap();
            message.extend(bytes(repeat["bytes"].as_str().unwrap()).repeat(count.try_into().unwrap()));
            message.extend(bytes(repeat.get("then").and_then(Json::as_str).unwrap_or_default()));
        }
        let expected = if case["code"] == "limit" { WireError::Limit } else { WireError::Malformed };
        assert_eq!(decode(&message).unwrap_err(), expected, "{}", case["name"]);
    }
}

#[test]
fn a_value_that_nests_too_deep_is_not_written() {
    let nested = (0..201).fold(Value::Null, |value, _| Value::List(vec![value]));
    assert_eq!(encode(&nested), Err(WireError::Limit));
    let map = (0..201).fold(Value::Null, |value, _| Value::Map(Map::from([("k".to_owned(), value)])));
    assert_eq!(encode(&map), Err(WireError::Limit));
}

/// A batch of events, each of them given as a value.
fn batch(events: Vec<Value>) -> Vec<u8> {
    encode(&Value::List(events)).unwrap()
}

fn list(items: &[Value]) -> Value {
    Value::List(items.to_vec())
}

#[test]
fn calls_are_read_without_values_for_their_parts() {
    let arguments = Value::Map(Map::from([("x".to_owned(), Value::Int(5))]));
    let call = list(&["call".into(), Value::Int(1), Value::Int(1 << 40), "echo".into(), arguments.clone()]);
    let other = list(&["output".into(), Value::Int(1), Value::Int(1), Value::Bytes(vec![0])]);
    let longer = list(&["call".into(), Value::Int(1), Value::Int(2), "echo".into(), arguments.clone(), Value::Null]);
    let bytes = batch(vec![call.clone(), other.clone(), longer.clone(), call.clone()]);
    let mut events = Events::new(&bytes).unwrap();
    let (id, name, reader) = events.call().unwrap();
    assert_eq!((id, name), (1 << 40, "echo"));
    assert_eq!(events.arguments(reader).unwrap(), arguments);
    assert!(events.call().is_none());
    assert_eq!(events.next().unwrap(), Some(other));
    assert!(events.call().is_none(), "an event with fields that are not known is left to others");
    assert_eq!(events.next().unwrap(), Some(longer));
    assert!(events.call().is_some());
    assert_eq!(events.next().unwrap(), Some(call), "one that was only looked at is still there");
    assert!(events.call().is_none());
    assert_eq!(events.next().unwrap(), None);
}

#[test]
fn batches_that_are_none() {
    for bytes in [&b"\xc0"[..], b"", b"\xdd\xff\xff\xff\xff", b"\x92\xc0"] {
        assert!(Events::new(bytes).is_err(), "{bytes:?}");
    }
    let mut events = Events::new(b"\x91\x95\xa4call\x01\x02\xa4ec").unwrap();
    assert!(events.call().is_none());
    assert!(events.next().is_err());
    let mut more = Events::new(b"\x91\xc0\xc0").unwrap();
    assert_eq!(more.next().unwrap(), Some(Value::Null));
    assert!(more.next().is_err());
}
