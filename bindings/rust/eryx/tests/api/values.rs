//! Values between Rust and programs.

use std::collections::BTreeMap;

use eryx::{BigInt, Session, Value, from_value, to_value};
use serde::{Deserialize, Serialize};

use crate::support::block_on;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Shape {
    Empty,
    Circle(f64),
    Line(i32, i32),
    Box { width: u8, name: Option<String> },
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Everything {
    shapes: Vec<Shape>,
    #[serde(with = "serde_bytes")]
    data: Vec<u8>,
    numbers: (u64, i64, u128, f32),
    keys: BTreeMap<i32, char>,
    nothing: Option<()>,
    unit: (),
}

#[test]
fn types_go_through_the_program_and_back() {
    let everything = Everything {
        shapes: vec![
            Shape::Empty,
            Shape::Circle(0.5),
            Shape::Line(-1, 1),
            Shape::Box { width: 255, name: Some("ü".to_owned()) },
            Shape::Box { width: 0, name: None },
        ],
        data: vec![0, 255],
        numbers: (u64::MAX, i64::MIN, u128::MAX, 0.25),
        keys: BTreeMap::from([(-1, 'a')]),
        nothing: None,
        unit: (),
    };
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        session.set("everything", &everything).await.unwrap();
        let code = "assert everything['data'] == b'\\x00\\xff' and everything['numbers'][2] == 2**128 - 1, everything";
        session.execute(code).await.unwrap();
        let value = session.get("everything").await.unwrap();
        assert_eq!(value.get("data"), Some(&Value::Bytes(vec![0, 255])));
        let Value::Map(mut map) = value else { panic!() };
        map.insert("keys".to_owned(), Value::Map(BTreeMap::new())); // its keys are text now
        let back: Everything = Value::Map(map).to().unwrap();
        assert_eq!(back, Everything { keys: BTreeMap::new(), ..everything });
    });
}

#[test]
fn integers_of_any_size() {
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        let big: BigInt = BigInt::from(7) << 300;
        session.set("big", &Value::from(big.clone())).await.unwrap();
        session.execute("assert big == 7 << 300; bigger = -big * 3").await.unwrap();
        let bigger = session.get("bigger").await.unwrap();
        assert_eq!(bigger, Value::BigInt(-big * 3));
        assert_eq!(from_value::<Value>(bigger.clone()).unwrap(), bigger);
        assert!(bigger.to::<i128>().is_err());
    });
}

#[test]
fn what_cannot_be_passed_is_said() {
    let keys = BTreeMap::from([((1, 2), 3)]);
    assert!(to_value(&keys).unwrap_err().to_string().contains("key"));
    assert!(Value::Text("x".to_owned()).to::<i64>().is_err());
    assert!(Value::Map(BTreeMap::new()).to::<Shape>().is_err());
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        let error = session.set("x", &keys).await.unwrap_err();
        assert_eq!(error.code(), "invalid");
        let error = session.call("f").arg(&keys).await.unwrap_err();
        assert_eq!(error.code(), "invalid");
        let deep = (0..300).fold(Value::Null, |value, _| Value::List(vec![value]));
        assert_eq!(session.set("x", &deep).await.unwrap_err().code(), "invalid");
    });
}
