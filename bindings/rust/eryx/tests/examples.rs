//! Every example runs and prints what it should.
#![forbid(unsafe_code)]

use std::process::Command;

/// The example's path, which cargo has built together with this test.
fn example(name: &str) -> std::path::PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples").join(name)
}

/// Runs an example, and gives what it prints.
fn printed(name: &str) -> String {
    let done = Command::new(example(name))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

macro_rules! examples {
    ($($name:ident => $expected:expr;)*) => {
        $(#[test]
        fn $name() {
            assert_eq!(printed(stringify!($name)), $expected);
        })*

        /// Each file of the folder has its test above.
        #[test]
        fn none_is_left_out() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
            let mut files: Vec<_> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            files.sort();
            let mut tested = vec!["mcp_server".to_owned(), "signals".to_owned(), $(stringify!($name).to_owned()),*];
            tested.sort();
            assert_eq!(files, tested);
        }
    };
}

#[cfg(feature = "tokio")]
#[test]
fn signals() {
    assert_eq!(printed("signals"), "interrupted: cancelled\n");
}

/// Started as other programs start it; without any input it ends at once.
#[test]
fn mcp_server() {
    assert_eq!(printed("mcp_server"), "");
}

examples! {
    callbacks => "[3.0, 'Hello, World!', 'Hi, you!', 0, 1]\nrefused: callback\n";
    streams => "order 1\norder 2\norder 3\n";
    session => "3 of 4\n[10, 20, 30, 60]\nfork: 1\nrestored: 1\n";
    limits => "timeout\nlimit: output\nraised: Some(\"MemoryError\")\nfine\n";
    cancel => "token: cancelled\nfuture: cancelled\ndropped: the session is free\n";
    factory_pool => "119.0\n238.0\na third one at once: false\nin use: 1\n";
    files => "Hello Ada\nHello Grace\n--verbose from standard input\ndone\n";
    network => "the server got: Authorization: s3cr3t\nwelcome\nthe program has: [REDACTED]\n";
    replay => "asked for ACME\nsuspended: approve 12.5?\npaid 12.5\n";
    vfs_and_store => "Ada\nGrace\nLinus\n3 sessions\n";
    output_and_trace => "3 bytes\nCall <module> line 0\nCall double line 2\nReturn double line 3\nReturn <module> line 4\n";
}
