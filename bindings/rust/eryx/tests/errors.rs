//! The table of errors that every language has.
#![forbid(unsafe_code)]

mod support;

use std::collections::BTreeMap;

use eryx::Error;

#[test]
fn every_code_has_its_variant() {
    let text = std::fs::read_to_string(support::repository().join("tests/vectors/errors.json")).unwrap();
    let table: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entries = table["codes"].as_array().unwrap();
    let expected: BTreeMap<&str, &str> =
        entries.iter().map(|entry| (entry["code"].as_str().unwrap(), entry["rust"].as_str().unwrap())).collect();
    let mut found: BTreeMap<&str, &str> = Error::CODES.iter().copied().collect();
    assert_eq!(found.remove("fork"), Some("Fork"), "a code of the bindings' own");
    assert_eq!(found, expected);
}

#[test]
fn statuses_become_errors() {
    use eryx_sys::{Status, ffi};
    for (status, code) in [
        (ffi::ERYX_EFORK, "fork"),
        (ffi::ERYX_ECLOSED, "closed"),
        (ffi::ERYX_EMESSAGE, "invalid"),
        (ffi::ERYX_EABI, "initialization"),
        (ffi::ERYX_EPANIC, "internal"),
    ] {
        let error = Error::from(Status(status));
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(&status.to_string()), "{error}");
    }
    assert_eq!(Error::from(Status(ffi::ERYX_EFORK)).kind(), "Fork");
}
