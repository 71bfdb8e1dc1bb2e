//! Requests under way: futures that handle their own events.
//!
//! Each request has a queue of its own. The library's notification wakes the task; the task takes the events, so that a
//! program that writes faster than its output is handled has to wait. Host functions run in the task, too, but inline ones,
//! which run in the notification.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use eryx_sys::{Batch, Library, Queue, Source, Taken};
use futures_util::FutureExt;
use futures_util::future::{AbortHandle, Abortable, Aborted, BoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::task::AtomicWaker;

use crate::answers::{self, Inbox, Room, SharedOutbox};
use crate::callbacks::{Answer, CallbackError, Callbacks, Kind};
use crate::cancel::CancellationToken;
use crate::error::{Error, Result};
use crate::result::TraceEvent;
use crate::value::{Map, Value};
use crate::vfs::VfsProgress;
use crate::{runtime, wire};

/// How much is taken from the queue before it is handled.
const MAX_INBOX: usize = 1 << 20;

/// What receives something while the program runs.
pub(crate) type Handler<T> = Box<dyn FnMut(T) + Send>;

/// What receives output while it is written.
pub(crate) type OutputHandler = Box<dyn FnMut(&[u8]) + Send>;

/// What events are passed on to.
#[derive(Default)]
pub(crate) struct Handlers {
    pub(crate) stdout: Option<OutputHandler>,
    pub(crate) stderr: Option<OutputHandler>,
    pub(crate) trace: Option<Handler<TraceEvent>>,
    pub(crate) transfer: Option<Handler<VfsProgress>>,
}

impl Handlers {
    fn output(&mut self, stream: &Value, bytes: Value) {
        let handler = if stream.as_i64() == Some(2) { &mut self.stderr } else { &mut self.stdout };
        if let (Some(handler), Value::Bytes(bytes)) = (handler, bytes) {
            handler(&bytes);
        }
    }

    fn trace(&mut self, events: Value) {
        if let Some(handler) = &mut self.trace {
            crate::result::list(Some(events)).into_iter().filter_map(crate::result::trace_event).for_each(handler);
        }
    }

    fn transfer(&mut self, path: Value, file_count: &Value, byte_count: &Value) {
        if let Some(handler) = &mut self.transfer {
            handler(VfsProgress::of(path, file_count, byte_count));
        }
    }
}

/// An operation and what belongs to it.
#[derive(Default)]
pub(crate) struct Operation {
    pub(crate) message: Map,
    pub(crate) callbacks: Callbacks,
    pub(crate) handlers: Handlers,
    pub(crate) token: Option<CancellationToken>,
    pub(crate) cancel_on: Option<BoxFuture<'static, ()>>,
    /// What it makes, `session` for one: closed again when nobody waits for it any more.
    pub(crate) makes: Option<&'static str>,
}

impl Operation {
    /// An operation of that name.
    pub(crate) fn new(name: &str) -> Operation {
        Operation { message: crate::value::map! {"op": name}, ..Operation::default() }
    }

    /// Adds a field.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Operation {
        self.message.insert(name.to_owned(), value.into());
        self
    }

    /// Says what the operation makes.
    pub(crate) fn makes(mut self, kind: &'static str) -> Operation {
        self.makes = Some(kind);
        self
    }

    /// Performs the operation; the fields that it gives.
    pub(crate) async fn perform(self) -> Result<Map> {
        let done = Request::submit(self)?.await?;
        match (done.error, done.value) {
            (Some(error), _) => Err(Error::from_record(&error, None)),
            (None, Value::Map(fields)) => Ok(fields),
            (None, _) => Ok(Map::new()),
        }
    }
}

/// The "done" event.
pub(crate) struct Done {
    pub(crate) value: Value,
    pub(crate) error: Option<Value>,
}

/// What the task and the notification share.
struct Shared {
    waker: AtomicWaker,
    callbacks: Callbacks,
    has_inline: bool,
    inbox: Mutex<Inbox>,
}

impl Shared {
    /// The notification: inline functions run here.
    fn notified(&self, source: Source) {
        if !self.has_inline || self.fetch(source).unwrap_or(true) {
            self.waker.wake();
        }
    }

    /// Takes events into the inbox, and answers calls of inline functions; whether there is something for the task.
    fn fetch(&self, source: Source) -> Result<bool> {
        let mut outbox = answers::Outbox::default();
        let mut inbox = self.lock();
        while inbox.bytes < MAX_INBOX {
            let taken = {
                let Inbox { batch, .. } = &mut *inbox;
                source.take(batch)?
            };
            if taken == Taken::None {
                break;
            }
            let Inbox { batch, events, bytes } = &mut *inbox;
            *bytes += batch.bytes().len();
            self.sort(batch.bytes(), events, &mut outbox)?;
            if taken == Taken::All {
                break;
            }
        }
        if inbox.events.is_empty() {
            inbox.bytes = 0;
        }
        let wanted = !inbox.events.is_empty();
        drop(inbox);
        send(&mut outbox)?;
        Ok(wanted)
    }

    /// Answers the calls of inline functions, and puts all other events into `others`.
    fn sort(&self, batch: &[u8], others: &mut VecDeque<Vec<Value>>, outbox: &mut answers::Outbox) -> Result<()> {
        let mut events = wire::Events::new(batch)?;
        loop {
            if self.has_inline
                && let Some((call, name, reader)) = events.call()
                && let Some(Kind::Inline(function)) = self.callbacks.get(name).map(|callback| &callback.kind)
            {
                let arguments = map(events.arguments(reader)?);
                outbox.answer(call, &answers::inline(function.as_ref(), arguments));
                continue;
            }
            match events.next()? {
                Some(Value::List(event)) => others.push_back(event),
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send(outbox: &mut answers::Outbox) -> Result<()> {
    let Some(message) = outbox.take() else { return Ok(()) };
    match Library::get()?.complete(&message) {
        Err(status) if status.0 != eryx_sys::ffi::ERYX_ECLOSED => Err(status.into()),
        _ => Ok(()),
    }
}

fn map(value: Value) -> Map {
    match value {
        Value::Map(map) => map,
        _ => Map::new(),
    }
}

/// A call of a host function: its id, and its answer unless that is not wanted any more.
type Call = BoxFuture<'static, (u64, Option<Answer>)>;

/// One request. Dropping it cancels it.
pub(crate) struct Request {
    library: &'static Library,
    shared: Arc<Shared>,
    queue: Option<Queue>,
    id: u64,
    done: bool,
    makes: Option<&'static str>,
    handlers: Handlers,
    token: Option<CancellationToken>,
    cancel_on: Option<BoxFuture<'static, ()>>,
    calls: FuturesUnordered<Call>,
    running: HashMap<u64, (AbortHandle, Arc<Room>)>,
    outbox: SharedOutbox,
}

impl Request {
    /// Begins an operation.
    pub(crate) fn submit(operation: Operation) -> Result<Request> {
        let library = runtime::library()?;
        let message = wire::encode(&Value::Map(operation.message))?;
        let shared = Arc::new(Shared {
            waker: AtomicWaker::new(),
            has_inline: operation.callbacks.has_inline(),
            callbacks: operation.callbacks,
            inbox: Mutex::default(),
        });
        let notified = shared.clone();
        let queue = Queue::open(library, move |source| notified.notified(source))?;
        let id = queue.submit(&message)?;
        if let Some(token) = &operation.token {
            token.add(library, id);
        }
        Ok(Request {
            library,
            shared,
            queue: Some(queue),
            id,
            done: false,
            makes: operation.makes,
            handlers: operation.handlers,
            token: operation.token,
            cancel_on: operation.cancel_on,
            calls: FuturesUnordered::new(),
            running: HashMap::new(),
            outbox: SharedOutbox::default(),
        })
    }

    /// Ends the request early; its outcome says so.
    pub(crate) fn cancel(&self) {
        self.library.cancel(self.id);
    }

    /// Whether the outcome was given.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Handles all events that there are; the last one, if it came.
    fn handle_events(&mut self) -> Result<Option<Done>> {
        let Some(source) = self.queue.as_ref().map(Queue::source) else {
            return Err(Error::new("internal", "the request was awaited after its end"));
        };
        let shared = self.shared.clone();
        while shared.fetch(source)? {
            let events = std::mem::take(&mut shared.lock().events);
            for event in events {
                if let Some(done) = self.handle(event) {
                    return Ok(Some(done));
                }
            }
        }
        Ok(None)
    }

    /// Handles one event. Kinds that are not known are ignored.
    fn handle(&mut self, event: Vec<Value>) -> Option<Done> {
        let mut parts = event.into_iter();
        let Some(Value::Text(kind)) = parts.next() else { return None };
        let mut next = || parts.next().unwrap_or_default();
        let request = next();
        debug_assert_eq!(request.as_i64().map(i64::unsigned_abs), Some(self.id));
        match kind.as_str() {
            "done" => {
                let (value, error) = (next(), next());
                return Some(Done { value, error: Some(error).filter(|error| *error != Value::Null) });
            }
            "call" => {
                let (call, name, arguments) = (id(&next()), next(), next());
                self.begin(call, name.as_str(), map(arguments));
            }
            "ended" => {
                if let Some((handle, _)) = self.running.remove(&id(&next())) {
                    handle.abort();
                }
            }
            "more" => {
                if let Some((_, room)) = self.running.get(&id(&next())) {
                    room.add();
                }
            }
            "connect" => {
                let (call, attempt) = (id(&next()), next());
                self.begin(call, None, map(attempt));
            }
            "output" => self.handlers.output(&next(), next()),
            "trace" => self.handlers.trace(next()),
            "transfer" => self.handlers.transfer(next(), &next(), &next()),
            "progress" | "warning" => runtime::tell(next().as_str().unwrap_or_default()),
            _ => {}
        }
        None
    }

    /// Begins the call of a host function; without a name, of what decides about connections.
    fn begin(&mut self, call: u64, name: Option<&str>, arguments: Map) {
        let room = Room::new();
        let callbacks = &self.shared.callbacks;
        let future = match name.map_or(callbacks.connect.as_ref(), |name| callbacks.get(name)) {
            Some(callback) => answers::begin(&callback.kind, arguments, call, &self.outbox, &room),
            None => {
                let error = CallbackError::with_code(
                    "unknown",
                    format!("Callback '{}' not found", name.unwrap_or("on_connect")),
                );
                Box::pin(std::future::ready(Err(error)))
            }
        };
        let (handle, registration) = AbortHandle::new_pair();
        self.running.insert(call, (handle, room));
        let ended = move |answer: Result<Answer, Aborted>| (call, answer.ok());
        self.calls.push(Abortable::new(future, registration).map(ended).boxed());
    }

    /// Lets host functions run on, and sends what they have answered.
    fn run_calls(&mut self, context: &mut Context<'_>) -> Result<()> {
        while let Poll::Ready(Some((call, answer))) = self.calls.poll_next_unpin(context) {
            self.running.remove(&call);
            if let Some(answer) = answer {
                self.outbox.lock().unwrap_or_else(PoisonError::into_inner).answer(call, &answer);
            }
        }
        let mut ready = std::mem::take(&mut *self.outbox.lock().unwrap_or_else(PoisonError::into_inner));
        send(&mut ready)
    }

    fn step(&mut self, context: &mut Context<'_>) -> Result<Option<Done>> {
        self.shared.waker.register(context.waker());
        if let Some(done) = self.handle_events()? {
            return Ok(Some(done));
        }
        if let Some(signal) = &mut self.cancel_on
            && signal.poll_unpin(context).is_ready()
        {
            self.cancel_on = None;
            self.cancel();
        }
        self.run_calls(context)?;
        Ok(None)
    }
}

fn id(value: &Value) -> u64 {
    value.as_i64().map_or(0, i64::unsigned_abs)
}

impl Future for Request {
    type Output = Result<Done>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Done>> {
        let step = self.step(context);
        let outcome = match step {
            Ok(None) => return Poll::Pending,
            Ok(Some(done)) => Ok(done),
            Err(error) => Err(error),
        };
        self.done = true;
        self.calls = FuturesUnordered::new(); // nobody wants their answers
        Poll::Ready(outcome)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.remove(self.id);
        }
        let (Some(queue), Some(kind), false) = (self.queue.take(), self.makes, self.done) else {
            return; // closing the queue cancels the request
        };
        let (library, id) = (self.library, self.id);
        std::thread::spawn(move || close_what_was_made(library, &queue, id, kind));
    }
}

/// Waits for the end of a request that nobody waits for any more, and closes what it has made nevertheless.
fn close_what_was_made(library: &'static Library, queue: &Queue, request: u64, kind: &'static str) {
    library.cancel(request);
    let mut batch = Batch::new();
    while let Ok(taken) = queue.source().wait(&mut batch, -1) {
        if taken == Taken::None {
            continue; // a signal
        }
        let Ok(Value::List(events)) = wire::decode(batch.bytes()) else { return };
        for event in events {
            let Value::List(event) = event else { continue };
            if event.first().and_then(Value::as_str) != Some("done") {
                continue;
            }
            if let Some(handle) = event.get(2).and_then(|value| value.get(kind)).and_then(Value::as_i64) {
                close(library, kind, handle.unsigned_abs());
            }
            return;
        }
    }
}

/// Closes something by its handle, without waiting. Nothing can be done about errors.
pub(crate) fn close(library: &Library, kind: &str, handle: u64) {
    let message = crate::value::map! {"op": format!("{kind}.close"), kind: handle};
    if let Ok(bytes) = wire::encode(&Value::Map(message)) {
        let _ = library.submit(&bytes);
    }
}
