//! The crate and `include/eryx.h` say the same; the library is called without pointers.

use std::sync::mpsc;
use std::time::Duration;

use eryx_sys::{Batch, Library, Queue, Status, Taken, ffi};

const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../include/eryx.h");
const FFI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ffi.rs");

/// The words that follow a prefix, up to what ends them.
fn words<'a>(text: &'a str, prefix: &'a str, end: &'a [char]) -> Vec<&'a str> {
    let mut found: Vec<_> =
        text.lines().filter_map(|line| line.trim_start().strip_prefix(prefix)?.split(end).next()).collect();
    found.sort_unstable();
    found
}

#[test]
fn all_functions_of_the_header_are_here() {
    let (header, ffi) = (std::fs::read_to_string(HEADER).unwrap(), std::fs::read_to_string(FFI).unwrap());
    let mut declared = words(&header, "int32_t eryx_", &['(']);
    declared.extend(words(&header, "uint32_t eryx_", &['(']));
    declared.extend(words(&header, "const char *eryx_", &['(']));
    declared.sort_unstable();
    assert!(declared.len() >= 14, "{declared:?}");
    assert_eq!(words(&ffi, "fn eryx_", &['(']), declared);
}

#[test]
fn all_statuses_of_the_header_are_here() {
    let (header, ffi) = (std::fs::read_to_string(HEADER).unwrap(), std::fs::read_to_string(FFI).unwrap());
    let defined = header.lines().filter_map(|line| line.strip_prefix("#define ERYX_")).filter_map(|line| {
        let (name, value) = line.split_once(' ')?;
        let value = value.split("/*").next()?.trim().trim_matches(['(', ')']);
        value.parse::<i32>().ok().map(|value| (name, value))
    });
    let mut count = 0;
    for (name, value) in defined {
        assert!(ffi.contains(&format!("pub const ERYX_{name}: i32 = {value};")), "{name} is {value}");
        count += 1;
    }
    assert_eq!(count, words(&ffi, "pub const ERYX_", &[':']).len());
}

#[test]
fn the_library_speaks_this_version() {
    let library = Library::get().unwrap();
    assert_eq!(library.abi_version(), ffi::ABI_VERSION);
    assert_eq!(library.version().split('.').count(), 3);
}

/// `{"op": "info"}`
const INFO: &[u8] = b"\x81\xa2op\xa4info";

#[test]
fn events_notify_and_are_taken() {
    let library = Library::get().unwrap();
    library.init(&[]).unwrap();
    let (sender, receiver) = mpsc::channel();
    let queue = Queue::open(library, move |source| {
        let mut batch = Batch::new();
        let _ = sender.send((source.take(&mut batch), batch.bytes().to_vec()));
    })
    .unwrap();
    queue.submit(INFO).unwrap();
    let (taken, bytes) = receiver.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(taken, Ok(Taken::All));
    assert!(bytes.windows(4).any(|word| word == b"done"));
    let mut batch = Batch::new();
    assert_eq!(queue.source().take(&mut batch), Ok(Taken::None));
    let source = queue.source();
    drop(queue);
    assert_eq!(source.take(&mut batch), Err(Status(ffi::ERYX_EHANDLE)));
}

#[test]
fn a_queue_may_be_dropped_by_its_own_notification() {
    let library = Library::get().unwrap();
    library.init(&[]).unwrap();
    let (sender, receiver) = mpsc::channel::<Queue>();
    let receiver = std::sync::Mutex::new(receiver);
    let (done, ended) = mpsc::channel();
    let queue = Queue::open(library, move |_| {
        drop(receiver.lock().unwrap().recv_timeout(Duration::from_secs(60)).unwrap());
        done.send(()).unwrap();
    })
    .unwrap();
    queue.submit(INFO).unwrap();
    sender.send(queue).unwrap();
    ended.recv_timeout(Duration::from_secs(60)).unwrap();
}

#[test]
fn messages_that_are_none_are_refused() {
    let library = Library::get().unwrap();
    library.init(&[]).unwrap();
    assert_eq!(library.submit(b"\xc1"), Err(Status(ffi::ERYX_EMESSAGE)));
    assert_eq!(library.complete(b"\x01"), Err(Status(ffi::ERYX_EMESSAGE)));
    library.cancel(u64::MAX);
    assert!(Status(ffi::ERYX_EFORK).is_fork() && Status(ffi::ERYX_EFORK).to_string().contains("fork"));
}
