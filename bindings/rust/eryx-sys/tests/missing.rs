//! Without the library there is a clear error. Alone in its process, because the library is looked for once.
#![cfg(not(feature = "link"))]

use std::process::Command;

use eryx_sys::Library;

#[test]
fn a_missing_library_is_an_error_that_says_what_to_do() {
    if std::env::var_os("ERYX_TEST_CHILD").is_some() {
        let error = Library::get().unwrap_err();
        println!("{error}");
        return;
    }
    let this = std::env::current_exe().unwrap();
    let done = Command::new(this)
        .args(["--nocapture", "--exact", "a_missing_library_is_an_error_that_says_what_to_do"])
        .env("ERYX_TEST_CHILD", "1")
        .env("ERYX_LIBRARY", "/no/such/liberyx.so")
        .output()
        .unwrap();
    let printed = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success());
    assert!(printed.contains("/no/such/liberyx.so") && printed.contains("Set ERYX_LIBRARY"), "{printed}");
}
