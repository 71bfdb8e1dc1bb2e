//! Sessions: one interpreter whose state lives from one execution to the next.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::callbacks::{Callback, Callbacks};
use crate::config::{Config, settings};
use crate::error::Result;
use crate::execute::{Execute, Executor};
use crate::factory::SandboxFactory;
use crate::limits::ResourceLimits;
use crate::replay::ReplayOutcome;
use crate::request::Operation;
use crate::result::{bytes, count, list, text};
use crate::runtime::Handle;
use crate::store::SessionStore;
use crate::value::{Map, Value, ValueError, to_value};

/// Runs programs in one interpreter: globals, functions, classes, imports and files persist.
///
/// ```
/// # fn main() -> Result<(), eryx::Error> { futures::executor::block_on(async {
/// let session = eryx::Session::builder().build().await?;
/// session.execute("x = 20").await?;
/// assert_eq!(session.execute("print(x + 1)").await?.stdout, b"21\n");
/// # Ok(()) }) }
/// ```
///
/// Executions of one session run one after the other. A session has no limits by itself but those of callbacks, output and
/// files. Clones are the same session, which is closed when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Session {
    executor: Arc<Executor>,
    timeout: Arc<Mutex<Option<Option<Duration>>>>,
}

/// What [`Session::snapshot_state`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateSnapshot {
    /// The snapshot, for [`Session::restore_state`].
    pub snapshot: Vec<u8>,
    /// The name of each global that could not be saved, and why.
    pub unsaved: Vec<(String, String)>,
}

impl AsRef<[u8]> for StateSnapshot {
    fn as_ref(&self) -> &[u8] {
        &self.snapshot
    }
}

/// Whether a prompt should run a source or ask for more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It is a whole statement.
    Complete,
    /// More lines have to follow.
    Incomplete,
    /// It cannot become one.
    Invalid,
}

impl Session {
    /// A session to be configured.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    fn of(handle: Handle, callbacks: Callbacks) -> Session {
        Session { executor: Executor::new(handle, callbacks), timeout: Arc::default() }
    }

    fn operation(&self, name: &str) -> Operation {
        self.executor.handle.operation(name)
    }

    /// Runs a program: await what is returned. `await` is allowed at the program's top.
    ///
    /// # Errors
    /// [`Error::Python`](crate::Error::Python): the program raised. [`Error::Timeout`](crate::Error::Timeout), [`Error::Limit`](crate::Error::Limit): a limit was hit.
    /// [`Error::Closed`](crate::Error::Closed): the session is closed, or wants [`reset`](Session::reset).
    pub fn execute(&self, code: &str) -> Execute {
        self.timed(self.executor.execute(code))
    }

    fn timed(&self, execute: Execute) -> Execute {
        match *self.timeout.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(timeout) => execute.with_execution_timeout(timeout),
            None => execute,
        }
    }

    /// Changes the wall-clock time of each later execution; `None`: no limit.
    pub fn set_execution_timeout(&self, timeout: impl Into<Option<Duration>>) {
        *self.timeout.lock().unwrap_or_else(PoisonError::into_inner) = Some(timeout.into());
    }

    /// Calls a function that the program has defined, and awaits it when it is async: add arguments, then await what is
    /// returned. The name may have dots.
    ///
    /// ```
    /// # fn main() -> Result<(), eryx::Error> { futures::executor::block_on(async {
    /// # let session = eryx::Session::builder().build().await?;
    /// session.execute("def area(width, height=1): return width * height").await?;
    /// let area: i64 = session.call("area").arg(6).kwarg("height", 7).await?.to()?;
    /// assert_eq!(area, 42);
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// As [`execute`](Session::execute); [`Error::Invalid`](crate::Error::Invalid) for an argument that cannot be passed.
    pub fn call(&self, name: &str) -> Call {
        let operation = self.executor.program("call").with("name", name);
        let execute = self.timed(Execute::new(self.executor.clone(), operation));
        Call { execute, args: Vec::new(), kwargs: Map::new(), error: None }
    }

    /// The value of a global of the program's, or of an attribute when the name has dots.
    ///
    /// # Errors
    /// [`Error::Python`](crate::Error::Python) with the program's `NameError`, `AttributeError`, or `TypeError` for a value that cannot be passed.
    pub async fn get(&self, name: &str) -> Result<Value> {
        let mut fields = self.executor.program("get").with("name", name).perform().await?;
        Ok(fields.remove("value").unwrap_or_default())
    }

    /// Makes a value a global of the program's.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a value that cannot be passed.
    pub async fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<()> {
        let value = to_value(value)?;
        self.executor.program("set").with("name", name).with("value", value).perform().await.map(drop)
    }

    /// Replaces the host functions, but for those of libraries, from the next execution on.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a name that cannot be.
    pub async fn set_callbacks(&self, callbacks: impl IntoIterator<Item = Callback>) -> Result<()> {
        let mut found = Callbacks::default();
        callbacks.into_iter().for_each(|callback| found.add(callback));
        let before = self.executor.callbacks();
        (found.connect, found.libraries) = (before.connect, before.libraries);
        self.operation("set_callbacks").with("callbacks", found.message()).perform().await?;
        self.executor.set_callbacks(found);
        Ok(())
    }

    /// The program's globals, to be restored by any version: data, functions and classes by value, modules by name. What
    /// cannot be pickled is left out, and named. [`snapshot`](Session::snapshot) takes everything.
    ///
    /// # Errors
    /// [`Error::Snapshot`](crate::Error::Snapshot), [`Error::Closed`](crate::Error::Closed).
    pub async fn snapshot_state(&self) -> Result<StateSnapshot> {
        let mut fields = self.executor.program("snapshot_state").perform().await?;
        let unsaved = list(fields.remove("unsaved")).into_iter().filter_map(|pair| {
            let mut parts = list(Some(pair)).into_iter();
            Some((parts.next().and_then(text)?, parts.next().and_then(text)?))
        });
        let unsaved = unsaved.collect();
        Ok(StateSnapshot { snapshot: bytes(fields.remove("snapshot").unwrap_or_default()), unsaved })
    }

    /// Merges the globals of a [`snapshot_state`](Session::snapshot_state) into the program's.
    ///
    /// # Errors
    /// [`Error::Snapshot`](crate::Error::Snapshot) for damaged bytes.
    pub async fn restore_state(&self, snapshot: impl AsRef<[u8]>) -> Result<()> {
        let snapshot = Value::Bytes(snapshot.as_ref().to_vec());
        self.executor.program("restore_state").with("snapshot", snapshot).perform().await.map(drop)
    }

    /// An image of the session: all of its memory and private files, exactly, generators and open databases included. It can
    /// be restored by the same build of eryx, in other processes and on other machines.
    ///
    /// # Errors
    /// [`Error::Snapshot`](crate::Error::Snapshot), [`Error::Closed`](crate::Error::Closed).
    pub async fn snapshot(&self) -> Result<Vec<u8>> {
        let mut fields = self.operation("snapshot").perform().await?;
        Ok(bytes(fields.remove("image").unwrap_or_default()))
    }

    /// Replaces the session's memory and private files by those of an image.
    ///
    /// # Errors
    /// [`Error::Snapshot`](crate::Error::Snapshot); then nothing has changed.
    pub async fn restore(&self, image: impl AsRef<[u8]>) -> Result<()> {
        self.operation("restore").with("image", Value::Bytes(image.as_ref().to_vec())).perform().await.map(drop)
    }

    /// An independent copy of the session with the same settings; takes about a millisecond.
    ///
    /// # Errors
    /// [`Error::Snapshot`](crate::Error::Snapshot), [`Error::Closed`](crate::Error::Closed).
    pub async fn fork(&self) -> Result<Session> {
        let (handle, _) = Handle::make(self.operation("fork"), "session").await?;
        let copy = Session::of(handle, self.executor.callbacks());
        let timeout = *self.timeout.lock().unwrap_or_else(PoisonError::into_inner);
        *copy.timeout.lock().unwrap_or_else(PoisonError::into_inner) = timeout;
        Ok(copy)
    }

    /// Forgets the program's globals; imports, files and callbacks stay.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed).
    pub async fn clear_state(&self) -> Result<()> {
        self.operation("clear_state").perform().await.map(drop)
    }

    /// Starts a new interpreter; files stay, and the execution count is 0 again. Also after a program was killed.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed), [`Error::Initialization`](crate::Error::Initialization).
    pub async fn reset(&self) -> Result<()> {
        self.operation("reset").perform().await.map(drop)
    }

    /// How many executions were begun since the session started or was reset, failed ones included.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed).
    pub async fn execution_count(&self) -> Result<u64> {
        let fields = self.operation("execution_count").perform().await?;
        Ok(fields.get("count").and_then(count).unwrap_or(0))
    }

    /// Whether a source is a whole interactive statement. Nothing is run.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed).
    pub async fn is_complete(&self, source: &str) -> Result<Completeness> {
        let fields = self.operation("is_complete").with("source", source).perform().await?;
        match fields.get("state").and_then(Value::as_str) {
            Some("complete") => Ok(Completeness::Complete),
            Some("incomplete") => Ok(Completeness::Incomplete),
            _ => Ok(Completeness::Invalid),
        }
    }

    /// Runs a program with a journal: [`Execute::with_journal`].
    ///
    /// # Errors
    /// What prevented the execution. What became of the program is in the outcome.
    pub async fn execute_with_journal(&self, code: &str, journal: Option<&str>) -> Result<ReplayOutcome> {
        self.execute(code).with_journal(journal).await
    }

    /// The callbacks, and what libraries say of their modules, as Python stubs (`.pyi`), to show to people and language models.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed).
    pub async fn type_stubs(&self) -> Result<String> {
        self.executor.type_stubs().await
    }

    /// Ends the session for all its clones, and what it executes. Dropping them does so, too.
    ///
    /// # Errors
    /// None that matter: closing again does nothing.
    pub async fn close(self) -> Result<()> {
        self.executor.close().await
    }
}

/// Configures a [`Session`].
#[derive(Clone, Default)]
#[must_use = "nothing is made until `build`"]
pub struct SessionBuilder {
    config: Config,
    factory: Option<SandboxFactory>,
    image: Option<Vec<u8>>,
    store: Option<SessionStore>,
}

impl SessionBuilder {
    settings!(program);

    /// The session begins where the factory's imports and set-up code ended; its callbacks are there, too.
    pub fn with_factory(mut self, factory: &SandboxFactory) -> SessionBuilder {
        self.factory = Some(factory.clone());
        self
    }

    /// The session begins from what [`Session::snapshot`] or [`Session::snapshot_state`] gave.
    pub fn with_image(mut self, image: impl Into<Vec<u8>>) -> SessionBuilder {
        self.image = Some(image.into());
        self
    }

    /// The store moves the session to disk when it is cold.
    pub fn with_store(mut self, store: &SessionStore) -> SessionBuilder {
        self.store = Some(store.clone());
        self
    }

    /// Wall-clock time of each execution; default: no limit.
    pub fn with_execution_timeout(mut self, timeout: impl Into<Option<Duration>>) -> SessionBuilder {
        let limits = self.config.limits.get_or_insert_with(ResourceLimits::session);
        limits.execution_timeout = timeout.into();
        self
    }

    /// What the program reads from standard input.
    pub fn with_stdin(mut self, stdin: impl Into<Vec<u8>>) -> SessionBuilder {
        self.config.set("stdin", Value::Bytes(stdin.into()));
        self
    }

    /// asyncio tasks that an execution did not wait for go on in later ones instead of being cancelled.
    pub fn with_keep_tasks(mut self) -> SessionBuilder {
        self.config.set("keep_tasks", true);
        self
    }

    /// An execution that fails or is killed leaves the session as it was before, files included.
    pub fn with_checkpoint(mut self) -> SessionBuilder {
        self.config.set("checkpoint", true);
        self
    }

    /// The operation and its callbacks, with the configuration in it.
    fn begin(self, mut operation: Operation) -> (Operation, Callbacks) {
        if let Some(image) = self.image {
            operation = operation.with("image", Value::Bytes(image));
        }
        if let Some(store) = &self.store {
            operation = operation.with("store", store.id());
        }
        let (operation, config) = SandboxFactory::begin(self.factory.as_ref(), operation, self.config);
        let callbacks = config.callbacks.clone();
        (operation.with("config", config.message(Some(ResourceLimits::session()))), callbacks)
    }

    /// Starts the session.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for settings that make no sense, [`Error::Snapshot`](crate::Error::Snapshot) for an
    /// image of another build, [`Error::Initialization`](crate::Error::Initialization).
    pub async fn build(self) -> Result<Session> {
        // What the message names by id lives until the session holds it.
        let (vfs, mcp, factory, store) =
            (self.config.vfs.clone(), self.config.mcp.clone(), self.factory.clone(), self.store.clone());
        let (operation, callbacks) = self.begin(Operation::new("session.new"));
        let (handle, _) = Handle::make(operation, "session").await?;
        drop((vfs, mcp, factory, store));
        Ok(Session::of(handle, callbacks))
    }

    /// Makes this process an MCP server, as [`crate::serve`].
    pub(crate) async fn serve(self) -> Result<()> {
        let kept = (self.config.vfs.clone(), self.config.mcp.clone(), self.factory.clone());
        let (operation, callbacks) = self.begin(Operation::new("mcp.serve"));
        Operation { callbacks, ..operation }.perform().await?;
        drop(kept);
        Ok(())
    }
}

/// A call of a function of the program's that has not begun: add arguments, then await it.
#[derive(Debug)]
#[must_use = "nothing is called until it is awaited"]
pub struct Call {
    execute: Execute,
    args: Vec<Value>,
    kwargs: Map,
    error: Option<ValueError>,
}

impl Call {
    fn take<T: Serialize>(&mut self, value: T) -> Value {
        to_value(&value).unwrap_or_else(|error| {
            self.error.get_or_insert(error);
            Value::Null
        })
    }

    /// A positional argument.
    pub fn arg<T: Serialize>(mut self, value: T) -> Call {
        let value = self.take(value);
        self.args.push(value);
        self
    }

    /// An argument by name.
    pub fn kwarg<T: Serialize>(mut self, name: &str, value: T) -> Call {
        let value = self.take(value);
        self.kwargs.insert(name.to_owned(), value);
        self
    }

    /// The execution that makes the call, to be configured: its result has output and figures beside the value.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for an argument that cannot be passed.
    pub fn execution(self) -> Result<Execute> {
        match self.error {
            Some(error) => Err(error.into()),
            None => Ok(self.execute.with_arguments(self.args, self.kwargs)),
        }
    }
}

impl IntoFuture for Call {
    type Output = Result<Value>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.execution()?.await?.value) })
    }
}
