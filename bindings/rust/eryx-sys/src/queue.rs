//! Queues: where the events of requests arrive.

use std::cell::Cell;
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::ffi;
use crate::library::{Library, Status};

thread_local! {
    /// How many notify functions run in this thread.
    static NOTIFYING: Cell<u32> = const { Cell::new(0) };
}

/// A buffer for events. It grows to what the largest event needs, and shrinks again.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    length: usize,
}

const SMALLEST: usize = 4 << 10;
const LARGEST_KEPT: usize = 1 << 20;

impl Batch {
    /// An empty buffer, whose memory is taken on first use.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// The events that were taken: a MessagePack array.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn grow(&mut self, capacity: usize) {
        self.bytes = vec![0; capacity];
    }
}

/// What [`Source::take`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All events; the next one notifies.
    All,
    /// Some events; there are more.
    Some,
    /// There was none.
    None,
}

/// Where events are taken from. Taking from a queue that is closed is an error.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    library: &'static Library,
    id: u64,
}

/// The function of a queue, and the queue that it is told of.
struct Notify {
    source: Source,
    call: Box<dyn Fn(Source) + Send + Sync>,
}

/// A queue. Dropping it cancels its requests and drops their events.
pub struct Queue {
    source: Source,
    notify: ManuallyDrop<Arc<Notify>>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("id", &self.source.id).finish_non_exhaustive()
    }
}

/// Runs the function of a queue; a panic must not reach Go.
unsafe extern "C" fn notified(user_data: *mut c_void) {
    // SAFETY: user_data is the Arc's content, which lives until eryx_queue_close has returned (see Drop).
    let notify = unsafe { &*user_data.cast_const().cast::<Notify>() };
    NOTIFYING.with(|count| count.set(count.get() + 1));
    let _ = catch_unwind(AssertUnwindSafe(|| (notify.call)(notify.source)));
    NOTIFYING.with(|count| count.set(count.get() - 1));
}

impl Queue {
    /// Makes a queue. `notify` is called, on a thread of the library's, when it has events after it had none. It must
    /// return at once, and call nothing of the library but [`Source::take`] and [`Library::complete`].
    ///
    /// # Errors
    /// As `eryx_queue_open` and `eryx_set_notify`.
    pub fn open(library: &'static Library, notify: impl Fn(Source) + Send + Sync + 'static) -> Result<Queue, Status> {
        let mut id = 0;
        // SAFETY: the id is written to a variable that lives.
        Status::check(unsafe { (library.functions.eryx_queue_open)(&mut id) })?;
        let source = Source { library, id };
        let notify = Arc::new(Notify { source, call: Box::new(notify) });
        let user_data = Arc::as_ptr(&notify).cast_mut().cast::<c_void>();
        let queue = Queue { source, notify: ManuallyDrop::new(notify) };
        // SAFETY: user_data lives as long as the queue does.
        Status::check(unsafe { (library.functions.eryx_set_notify)(id, Some(notified), user_data) })?;
        Ok(queue)
    }

    /// Begins an operation whose events come to this queue; the request's id.
    ///
    /// # Errors
    /// As `eryx_submit`.
    pub fn submit(&self, message: &[u8]) -> Result<u64, Status> {
        self.source.library.submit_to(self.source.id, message)
    }

    /// Where the events are taken from.
    pub fn source(&self) -> Source {
        self.source
    }
}

impl Source {
    /// Takes events into `batch` without waiting.
    ///
    /// # Errors
    /// As `eryx_drain`.
    pub fn take(&self, batch: &mut Batch) -> Result<Taken, Status> {
        self.read(batch, |source, bytes, length| {
            // SAFETY: the buffer is as large as is said.
            unsafe { (source.library.functions.eryx_drain)(source.id, bytes.as_mut_ptr(), bytes.len(), length) }
        })
    }

    /// Takes events into `batch`; waits up to `timeout_ms` for one, negative: for ever.
    ///
    /// # Errors
    /// As `eryx_next_events`.
    pub fn wait(&self, batch: &mut Batch, timeout_ms: i32) -> Result<Taken, Status> {
        self.read(batch, |source, bytes, length| {
            let next = source.library.functions.eryx_next_events;
            // SAFETY: the buffer is as large as is said.
            unsafe { next(source.id, bytes.as_mut_ptr(), bytes.len(), length, timeout_ms) }
        })
    }

    fn read(&self, batch: &mut Batch, call: impl Fn(Source, &mut [u8], &mut usize) -> i32) -> Result<Taken, Status> {
        if batch.bytes.is_empty() || batch.bytes.len() > LARGEST_KEPT {
            batch.grow(SMALLEST);
        }
        batch.length = 0;
        let mut length = 0;
        let mut status = call(*self, &mut batch.bytes, &mut length);
        while status == ffi::ERYX_ESPACE {
            batch.grow(length.max(2 * batch.bytes.len()));
            status = call(*self, &mut batch.bytes, &mut length);
        }
        match Status::check(status)? {
            ffi::ERYX_OK => batch.length = length,
            ffi::ERYX_MORE => {
                batch.length = length;
                return Ok(Taken::Some);
            }
            _ => return Ok(Taken::None),
        }
        Ok(Taken::All)
    }
}

/// Closes a queue and frees its function once it cannot run any more.
fn close(library: &'static Library, id: u64, notify: Arc<Notify>) {
    // SAFETY: takes an id.
    let status = unsafe { (library.functions.eryx_queue_close)(id) };
    if status != ffi::ERYX_OK {
        // After eryx_shutdown nothing says whether the function still runs; a few bytes are better than a crash.
        std::mem::forget(notify);
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: taken once, here.
        let notify = unsafe { ManuallyDrop::take(&mut self.notify) };
        let Source { library, id } = self.source;
        if NOTIFYING.with(Cell::get) == 0 {
            close(library, id, notify);
        } else {
            // Closing waits for the function that this thread is in: another thread has to do it.
            std::thread::spawn(move || close(library, id, notify));
        }
    }
}
