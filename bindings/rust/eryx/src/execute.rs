//! Executing: what sandboxes, sessions and leases have in common.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;

use crate::callbacks::Callbacks;
use crate::cancel::CancellationToken;
use crate::error::{Error, Result};
use crate::limits::{OutputOverflow, milliseconds, number};
use crate::replay::ReplayOutcome;
use crate::request::{Operation, Request};
use crate::result::{ExecuteResult, TraceEvent, text};
use crate::runtime::Handle;
use crate::value::{Map, Value};

/// Something that runs programs: a sandbox or a session.
pub(crate) struct Executor {
    pub(crate) handle: Handle,
    callbacks: RwLock<Callbacks>,
}

impl Executor {
    pub(crate) fn new(handle: Handle, callbacks: Callbacks) -> Arc<Executor> {
        Arc::new(Executor { handle, callbacks: RwLock::new(callbacks) })
    }

    pub(crate) fn callbacks(&self) -> Callbacks {
        self.callbacks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_callbacks(&self, callbacks: Callbacks) {
        *self.callbacks.write().unwrap_or_else(PoisonError::into_inner) = callbacks;
    }

    /// An operation that may run the program's code, and so call host functions.
    pub(crate) fn program(&self, name: &str) -> Operation {
        Operation { callbacks: self.callbacks(), ..self.handle.operation(name) }
    }

    /// An execution that can still be configured.
    pub(crate) fn execute(self: &Arc<Self>, code: &str) -> Execute {
        Execute { owner: self.clone(), operation: self.program("execute").with("code", code), limits: Map::new() }
    }

    pub(crate) async fn type_stubs(&self) -> Result<String> {
        let mut fields = self.handle.operation("type_stubs").perform().await?;
        Ok(fields.remove("text").and_then(text).unwrap_or_default())
    }

    /// Closes it now, and waits for that.
    pub(crate) async fn close(&self) -> Result<()> {
        self.handle.operation("close").perform().await.map(drop)
    }
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// An execution that has not begun: set what is particular about it, then await it, or [`start`](Execute::start) it.
///
/// Dropping the future ends the program. Host functions run in the task that awaits it.
#[must_use = "nothing runs until it is awaited or started"]
pub struct Execute {
    owner: Arc<Executor>,
    operation: Operation,
    limits: Map,
}

impl Execute {
    pub(crate) fn new(owner: Arc<Executor>, operation: Operation) -> Execute {
        Execute { owner, operation, limits: Map::new() }
    }

    /// What a function of the program's is called with.
    pub(crate) fn with_arguments(self, args: Vec<Value>, kwargs: Map) -> Execute {
        self.with_option("args", args).with_option("kwargs", kwargs)
    }

    fn with_limit(mut self, name: &str, value: Value) -> Execute {
        self.limits.insert(name.to_owned(), value);
        self
    }

    fn with_option(mut self, name: &str, value: impl Into<Value>) -> Execute {
        self.operation.message.insert(name.to_owned(), value.into());
        self
    }

    /// Wall-clock time, for this execution only; `None`: no limit.
    pub fn with_execution_timeout(self, timeout: impl Into<Option<Duration>>) -> Execute {
        self.with_limit("execution_timeout_ms", milliseconds(timeout.into()))
    }

    /// Wall-clock time of each call of a host function, for this execution only; `None`: no limit.
    pub fn with_callback_timeout(self, timeout: impl Into<Option<Duration>>) -> Execute {
        self.with_limit("callback_timeout_ms", milliseconds(timeout.into()))
    }

    /// From the polite interrupt to the kill, for this execution only.
    pub fn with_grace_period(self, period: Duration) -> Execute {
        self.with_limit("grace_period_ms", milliseconds(Some(period)))
    }

    /// CPU budget, for this execution only; `None`: no limit.
    pub fn with_max_fuel(self, fuel: impl Into<Option<u64>>) -> Execute {
        self.with_limit("max_fuel", number(fuel.into()))
    }

    /// Calls of host functions, for this execution only; `None`: no limit.
    pub fn with_max_callback_invocations(self, count: impl Into<Option<u64>>) -> Execute {
        self.with_limit("max_callback_invocations", number(count.into()))
    }

    /// Calls of host functions at once, for this execution only.
    pub fn with_max_pending_callbacks(self, count: u64) -> Execute {
        self.with_limit("max_pending_callbacks", number(Some(count)))
    }

    /// How much output is kept, and what happens beyond it, for this execution only.
    pub fn with_max_output_bytes(self, bytes: u64, overflow: OutputOverflow) -> Execute {
        let word = if overflow == OutputOverflow::Fail { "fail" } else { "truncate" };
        self.with_limit("max_output_bytes", number(Some(bytes))).with_limit("output_overflow", word.into())
    }

    /// The program's name in tracebacks; default `<user>`.
    pub fn with_filename(self, filename: impl Into<String>) -> Execute {
        self.with_option("filename", filename.into())
    }

    /// One statement, as typed at a prompt: the value of an expression is printed.
    pub fn interactive(self) -> Execute {
        self.with_option("interactive", true)
    }

    /// Receives standard output while it is written. It is in the result nevertheless. A program that writes faster than it
    /// is handled has to wait.
    pub fn on_stdout(mut self, handler: impl FnMut(&[u8]) + Send + 'static) -> Execute {
        self.operation.handlers.stdout = Some(Box::new(handler));
        self.with_option("stdout_events", true)
    }

    /// Receives standard error while it is written.
    pub fn on_stderr(mut self, handler: impl FnMut(&[u8]) + Send + 'static) -> Execute {
        self.operation.handlers.stderr = Some(Box::new(handler));
        self.with_option("stderr_events", true)
    }

    /// Receives the trace while the program runs, instead of having it in the result.
    pub fn on_trace(mut self, handler: impl FnMut(TraceEvent) + Send + 'static) -> Execute {
        self.operation.handlers.trace = Some(Box::new(handler));
        self.with_option("trace_events", true)
    }

    /// Whether the result has a trace, instead of what the builder said.
    pub fn with_trace(self, trace: bool) -> Execute {
        self.with_option("trace", trace)
    }

    /// Runs the program with a journal of what the host functions answer; the same calls are answered from an earlier one, without
    /// asking the host. So a program that was suspended by [`CallbackError::suspend`](crate::CallbackError::suspend) goes on later, or
    /// on another machine, and one that has ended can be run again as it was.
    ///
    /// # Errors
    /// What prevented the execution. What became of the program is in the outcome.
    pub async fn with_journal(self, journal: impl Into<Option<&str>>) -> Result<ReplayOutcome> {
        let journal = journal.into().unwrap_or_default().to_owned();
        let execution = self.with_option("journal", journal).start();
        let owner = execution.owner;
        let done = match execution.request {
            Ok(request) => request.await?,
            Err(error) => return Err(error.unwrap_or_else(|| Error::new("internal", "the execution has ended"))),
        };
        drop(owner);
        ReplayOutcome::of(done)
    }

    /// A token that ends the program from elsewhere.
    pub fn with_cancellation_token(mut self, token: &CancellationToken) -> Execute {
        self.operation.token = Some(token.clone());
        self
    }

    /// A future that ends the program when it is ready: `token.cancelled_owned()` of tokio's tokens, for one.
    pub fn cancel_on(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Execute {
        self.operation.cancel_on = Some(signal.boxed());
        self
    }

    /// Starts the program now. Host functions run, and output arrives, while the [`Execution`] is awaited.
    pub fn start(mut self) -> Execution {
        if !self.limits.is_empty() {
            let limits = std::mem::take(&mut self.limits);
            self.operation.message.insert("limits".to_owned(), Value::Map(limits));
        }
        let request = Request::submit(self.operation).map_err(Some);
        Execution { request, owner: self.owner }
    }
}

impl std::fmt::Debug for Execute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execute").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl IntoFuture for Execute {
    type Output = Result<ExecuteResult>;
    type IntoFuture = Execution;

    fn into_future(self) -> Execution {
        self.start()
    }
}

/// A program under way: a future of its result. Dropping it ends the program.
#[must_use = "dropping it ends the program"]
pub struct Execution {
    request: Result<Request, Option<Error>>,
    owner: Arc<Executor>, // which closes itself when nobody holds it
}

impl Execution {
    /// Ends the program: it sees `KeyboardInterrupt` and is killed after a grace period. The result is
    /// [`Error::Cancelled`], with the output so far.
    pub fn cancel(&self) {
        if let Ok(request) = &self.request {
            request.cancel();
        }
    }

    /// Whether the result was given.
    pub fn is_done(&self) -> bool {
        self.request.as_ref().map_or(true, Request::is_done)
    }
}

impl std::fmt::Debug for Execution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execution")
            .field("is_done", &self.is_done())
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

impl Future for Execution {
    type Output = Result<ExecuteResult>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<ExecuteResult>> {
        let request = match &mut self.request {
            Ok(request) => request,
            Err(error) => {
                let ended = || Error::new("internal", "the execution was awaited after its end");
                return Poll::Ready(Err(error.take().unwrap_or_else(ended)));
            }
        };
        request.poll_unpin(context).map(|done| {
            let done = done?;
            let result = match done.value {
                Value::Map(record) => Some(ExecuteResult::from_record(record)),
                _ => None,
            };
            match done.error {
                Some(error) => Err(Error::from_record(&error, result)),
                None => Ok(result.unwrap_or_default()),
            }
        })
    }
}
