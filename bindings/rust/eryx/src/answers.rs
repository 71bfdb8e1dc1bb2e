//! Answers to calls on their way to the library, and the room that streams have.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures_util::future::{BoxFuture, FutureExt, poll_fn};
use futures_util::stream::{BoxStream, StreamExt};
use futures_util::task::AtomicWaker;

use crate::callbacks::{Answer, CallbackError, Kind};
use crate::value::{Map, Value};
use crate::wire;

/// How many items of a stream may be under way, as docs/abi.md has it.
const WINDOW: usize = 16;

/// Answers that are encoded and not sent yet; they go together.
#[derive(Default)]
pub(crate) struct Outbox {
    /// The message: room for the head of a list, and the answers.
    bytes: Vec<u8>,
    count: u32,
}

/// The head of a list with a length of 32 bits, without the length.
const HEAD: [u8; 5] = [0xdd, 0, 0, 0, 0];

impl Outbox {
    /// Adds the last answer of a call.
    pub(crate) fn answer(&mut self, call: u64, answer: &Answer) {
        match answer {
            Ok(value) => {
                if let Err(error) = self.put(call, 0, value) {
                    self.error(call, &error);
                }
            }
            Err(error) => self.error(call, error),
        }
    }

    /// Adds an item of a stream.
    fn item(&mut self, call: u64, item: &Value) -> Result<(), CallbackError> {
        self.put(call, 2, item)
    }

    fn put(&mut self, call: u64, kind: u64, value: &Value) -> Result<(), CallbackError> {
        let length = self.bytes.len();
        self.head(3, call, kind);
        wire::append(&mut self.bytes, value).map_err(|error| {
            self.bytes.truncate(length);
            CallbackError::with_code("value", error.to_string())
        })?;
        self.count += 1;
        Ok(())
    }

    fn error(&mut self, call: u64, error: &CallbackError) {
        let texts: &[&String] = if error.suspends { &[&error.message] } else { &[&error.code, &error.message] };
        self.head(2 + texts.len(), call, if error.suspends { 3 } else { 1 });
        for text in texts {
            let _ = rmp::encode::write_str(&mut self.bytes, text); // writing to memory cannot fail
        }
        self.count += 1;
    }

    fn head(&mut self, parts: usize, call: u64, kind: u64) {
        if self.bytes.is_empty() {
            self.bytes.reserve(64);
            self.bytes.extend_from_slice(&HEAD);
        }
        let _ = wire::put_list(&mut self.bytes, parts);
        wire::put_uint(&mut self.bytes, call);
        wire::put_uint(&mut self.bytes, kind);
    }

    /// The message of all answers, if there are any; the outbox is empty then.
    pub(crate) fn take(&mut self) -> Option<Vec<u8>> {
        if self.count == 0 {
            return None;
        }
        let mut message = std::mem::take(&mut self.bytes);
        message[1..HEAD.len()].copy_from_slice(&std::mem::take(&mut self.count).to_be_bytes());
        Some(message)
    }
}

pub(crate) type SharedOutbox = Arc<Mutex<Outbox>>;

fn lock(outbox: &SharedOutbox) -> std::sync::MutexGuard<'_, Outbox> {
    outbox.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many items a stream may send now.
#[derive(Default)]
pub(crate) struct Room {
    items: AtomicUsize,
    waker: AtomicWaker,
}

impl Room {
    pub(crate) fn new() -> Arc<Room> {
        Arc::new(Room { items: AtomicUsize::new(WINDOW), waker: AtomicWaker::new() })
    }

    /// There is room for one more.
    pub(crate) fn add(&self) {
        self.items.fetch_add(1, Ordering::AcqRel);
        self.waker.wake();
    }

    async fn take(&self) {
        poll_fn(|context| {
            self.waker.register(context.waker());
            let taken = self.items.fetch_update(Ordering::AcqRel, Ordering::Acquire, |items| items.checked_sub(1));
            if taken.is_ok() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

fn panicked() -> CallbackError {
    CallbackError::with_code("internal", "the host function panicked")
}

/// Runs a function that returns at once.
pub(crate) fn inline(function: &dyn Fn(Map) -> Answer, arguments: Map) -> Answer {
    catch_unwind(AssertUnwindSafe(|| function(arguments))).unwrap_or_else(|_| Err(panicked()))
}

/// Begins a call; its future gives the last answer. Items of a stream go to the outbox.
pub(crate) fn begin(
    kind: &Kind,
    arguments: Map,
    call: u64,
    outbox: &SharedOutbox,
    room: &Arc<Room>,
) -> BoxFuture<'static, Answer> {
    let begun = catch_unwind(AssertUnwindSafe(|| match kind {
        Kind::Async(function) => function(arguments),
        Kind::Stream(function) => Box::pin(send(function(arguments), call, outbox.clone(), room.clone())),
        Kind::Inline(function) => Box::pin(std::future::ready(function(arguments))),
        Kind::Blocking(function) => {
            let function = function.clone();
            crate::blocking::run(move || function(arguments))
        }
    }));
    match begun {
        Ok(future) => {
            AssertUnwindSafe(future).catch_unwind().map(|done| done.unwrap_or_else(|_| Err(panicked()))).boxed()
        }
        Err(_) => Box::pin(std::future::ready(Err(panicked()))),
    }
}

/// Sends the items of a stream as long as there is room.
async fn send(mut items: BoxStream<'static, Answer>, call: u64, outbox: SharedOutbox, room: Arc<Room>) -> Answer {
    while let Some(item) = items.next().await {
        let item = item?;
        room.take().await;
        lock(&outbox).item(call, &item)?;
    }
    Ok(Value::Null)
}

/// Events that were taken from the queue and not handled yet.
#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) batch: eryx_sys::Batch,
    pub(crate) events: VecDeque<Vec<Value>>,
    /// The size of the batches that they came in.
    pub(crate) bytes: usize,
}
