//! The matchers of tests/vectors (README.md there).

use eryx::Value;
use serde_json::Value as Json;

fn bytes(hexadecimal: &str) -> Vec<u8> {
    (0..hexadecimal.len()).step_by(2).map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not text: {value:?}"))
}

/// Whether a value is what a matcher wants.
pub fn same(expected: &Json, got: &Value) -> bool {
    let Json::Object(matcher) = expected else {
        return eryx::to_value(expected).unwrap() == *got;
    };
    let Some((kind, wanted)) = matcher.iter().next() else {
        return eryx::to_value(expected).unwrap() == *got;
    };
    match kind.as_str() {
        "contains" => text(got).contains(wanted.as_str().unwrap()),
        "matches" => regex::Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text(got)),
        "between" => {
            let number = got.as_f64().unwrap();
            wanted[0].as_f64().unwrap() <= number && number <= wanted[1].as_f64().unwrap()
        }
        "bytes" => *got == Value::Bytes(bytes(wanted.as_str().unwrap())),
        "list" => {
            let (Value::List(got), Json::Array(wanted)) = (got, wanted) else { return false };
            got.len() == wanted.len() && wanted.iter().zip(got).all(|(wanted, got)| same(wanted, got))
        }
        _ => eryx::to_value(expected).unwrap() == *got,
    }
}
