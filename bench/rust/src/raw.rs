//! The C interface with nothing on top: what a call costs before the crate `eryx` adds anything.

use std::sync::mpsc;

use eryx_sys::{Batch, Library, Queue, Source};
use rmp::decode;
use serde_json::{Value, json};

/// A session whose host function `echo` is answered in the notification.
pub struct Raw {
    queue: Queue,
    session: u64,
    done: mpsc::Receiver<u64>,
}

/// Answers calls of `echo`, and tells of the ends of requests: 0 is an error, otherwise the session if one was made.
fn notified(source: Source, done: &mpsc::Sender<u64>) {
    let mut batch = Batch::new();
    while let Ok(taken) = source.take(&mut batch) {
        let mut events = batch.bytes();
        let count = if events.is_empty() {
            0
        } else {
            decode::read_array_len(&mut events).unwrap()
        };
        let mut answers = Vec::new();
        for _ in 0..count {
            let parts = decode::read_array_len(&mut events).unwrap();
            let (kind, rest) = decode::read_str_from_slice(events).unwrap();
            events = rest;
            let _request: u64 = decode::read_int(&mut events).unwrap();
            match kind {
                "call" => events = answer(events, &mut answers),
                "done" => {
                    let _ = done.send(end(events));
                    return;
                }
                other => panic!("{other} of {parts} parts"),
            }
        }
        if !answers.is_empty() {
            Library::get().unwrap().complete(&answers).unwrap();
        }
        if taken != eryx_sys::Taken::Some {
            return;
        }
    }
}

/// `call, "echo", {"x": integer}` becomes the answer `[[call, 0, integer]]`; what follows in the message.
fn answer<'a>(mut event: &'a [u8], answers: &mut Vec<u8>) -> &'a [u8] {
    let call: u64 = decode::read_int(&mut event).unwrap();
    let (_name, mut event) = decode::read_str_from_slice(event).unwrap();
    assert_eq!(decode::read_map_len(&mut event).unwrap(), 1);
    let (_key, mut event) = decode::read_str_from_slice(event).unwrap();
    let x: i64 = decode::read_int(&mut event).unwrap();
    rmp::encode::write_array_len(answers, 1).unwrap();
    rmp::encode::write_array_len(answers, 3).unwrap();
    rmp::encode::write_uint(answers, call).unwrap();
    rmp::encode::write_uint(answers, 0).unwrap();
    rmp::encode::write_sint(answers, x).unwrap();
    event
}

/// The session that a request has made; 1 where it has made none.
fn end(event: &[u8]) -> u64 {
    let key = b"\xa7session";
    let Some(at) = event.windows(key.len()).position(|bytes| bytes == key) else {
        return 1;
    };
    decode::read_int(&mut &event[at + key.len()..]).unwrap_or(0)
}

impl Raw {
    pub fn new() -> Raw {
        let (sender, done) = mpsc::channel();
        let queue = Queue::open(Library::get().unwrap(), move |source| {
            notified(source, &sender)
        })
        .unwrap();
        let mut raw = Raw {
            queue,
            session: 0,
            done,
        };
        let echo = json!({"name": "echo", "schema": r#"{"type":"object","properties":{"x":{"type":"integer"}}}"#});
        let limits = json!({"execution_timeout_ms": -1, "max_callback_invocations": -1});
        raw.session = raw.perform(
            &json!({"op": "session.new", "config": {"callbacks": [echo], "limits": limits}}),
        );
        raw
    }

    fn perform(&self, message: &Value) -> u64 {
        self.queue
            .submit(&rmp_serde::to_vec_named(message).unwrap())
            .unwrap();
        self.done.recv().unwrap()
    }

    pub fn execute(&self, code: &str) {
        self.perform(&json!({"op": "session.execute", "session": self.session, "code": code}));
    }
}
