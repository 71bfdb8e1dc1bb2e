//! The library in this process: its settings, its state, its end.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use eryx_sys::Library;

use crate::error::{Error, Result};
use crate::request::Operation;
use crate::result::{count, list, text};
use crate::value::{Map, Value};
use crate::wire;

/// Settings of the library, for [`init`]. `None` is the default of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// Where compiled code and images are kept; default the user's cache folder, or what `ERYX_CACHE_DIR` names. `"-"`: nowhere.
    pub cache_dir: Option<PathBuf>,
    /// A file of compiled code that came with a package, put into the cache when that has none.
    pub code_file: Option<PathBuf>,
    /// As `GOGC`, for the library's own garbage collector.
    pub gc_percent: Option<u32>,
    /// As `GOMEMLIMIT`: how much memory the library's own garbage collector keeps to, if it can.
    pub memory_limit_bytes: Option<u64>,
    /// As `GOMAXPROCS`: how many threads run Python at once.
    pub max_procs: Option<u32>,
}

impl RuntimeConfig {
    fn message(&self) -> Map {
        let path = |path: &PathBuf| Value::from(path.to_string_lossy().into_owned());
        let fields = [
            ("cache_dir", self.cache_dir.as_ref().map(path)),
            ("code_file", self.code_file.as_ref().map(path)),
            ("gc_percent", self.gc_percent.map(Value::from)),
            ("memory_limit_bytes", self.memory_limit_bytes.map(Value::from)),
            ("max_procs", self.max_procs.map(Value::from)),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

static READY: OnceLock<Result<&'static Library>> = OnceLock::new();

fn start(config: &RuntimeConfig) -> Result<&'static Library> {
    let library = Library::get()?;
    let mut config = config.clone();
    if config.cache_dir.is_none() {
        config.cache_dir = std::env::var_os("ERYX_CACHE_DIR").filter(|path| !path.is_empty()).map(PathBuf::from);
    }
    library.init(&wire::encode(&Value::Map(config.message()))?)?;
    library.fix_signals()?;
    Ok(library)
}

/// The library, prepared on first use.
pub(crate) fn library() -> Result<&'static Library> {
    READY.get_or_init(|| start(&RuntimeConfig::default())).clone()
}

/// Opens the library with settings. Without it the first use does so with the defaults; when it is open already, nothing
/// happens.
///
/// # Errors
/// [`Error::Initialization`] when the library is not found, [`Error::Invalid`] for settings that make no sense.
pub fn init(config: &RuntimeConfig) -> Result<()> {
    READY.get_or_init(|| start(config)).clone().map(drop)
}

/// Starts the interpreter, so that the first program need not wait for it: the first time on a machine it is compiled, which
/// takes seconds.
///
/// # Errors
/// [`Error::Initialization`].
pub async fn start_runtime() -> Result<()> {
    Operation::new("runtime.init").perform().await.map(drop)
}

/// The library's version.
///
/// # Errors
/// [`Error::Initialization`] when the library is not found.
pub fn version() -> Result<&'static str> {
    Ok(library()?.version())
}

/// Adds `SA_ONSTACK` to the signal handlers of the process, which the library's threads need. Each object that is made does
/// it; call it when handlers are installed later by something that does not set the flag itself. [`crate::tokio`] does so for
/// tokio's.
///
/// # Errors
/// [`Error::Fork`] in a forked child.
pub fn fix_signals() -> Result<()> {
    Ok(library()?.fix_signals()?)
}

/// Closes everything and waits up to `timeout` for what still runs; whether nothing is left. Nothing can be used afterwards,
/// and nothing needs it: a program may just end.
///
/// # Errors
/// [`Error::Closed`] when it was called before.
pub fn shutdown(timeout: Duration) -> Result<bool> {
    Ok(library()?.shutdown(i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX))?)
}

/// What the library is and what is open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The library's version.
    pub version: String,
    /// The names of all operations, sorted.
    pub operations: Vec<String>,
    /// Whether the interpreter runs.
    pub runtime_loaded: bool,
    /// Open sandboxes.
    pub sandbox_count: u64,
    /// Open sessions.
    pub session_count: u64,
    /// Open factories.
    pub factory_count: u64,
    /// Open pools.
    pub pool_count: u64,
    /// Calls of host functions that wait for their answer.
    pub call_count: u64,
    /// Requests under way, without this one.
    pub request_count: u64,
}

/// What the library is and what is open.
///
/// # Errors
/// [`Error::Initialization`] when the library is not found.
pub async fn info() -> Result<Info> {
    let mut fields = Operation::new("info").perform().await?;
    let number = |name: &str| fields.get(name).and_then(count).unwrap_or(0);
    Ok(Info {
        sandbox_count: number("sandbox_count"),
        session_count: number("session_count"),
        factory_count: number("factory_count"),
        pool_count: number("pool_count"),
        call_count: number("call_count"),
        request_count: number("request_count"),
        runtime_loaded: fields.get("runtime_loaded") == Some(&Value::Bool(true)),
        version: fields.remove("version").and_then(text).unwrap_or_default(),
        operations: list(fields.remove("operations")).into_iter().filter_map(text).collect(),
    })
}

type ProgressHandler = Box<dyn Fn(&str) + Send>;

static PROGRESS: Mutex<Option<ProgressHandler>> = Mutex::new(None);

/// Sets what is told when the interpreter starts, which takes seconds the first time, and of things that do not prevent the
/// work, such as a cache that cannot be written. Without it they are printed to standard error.
pub fn on_progress(handler: impl Fn(&str) + Send + 'static) {
    *PROGRESS.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(handler));
}

/// Tells of progress.
pub(crate) fn tell(text: &str) {
    match &*PROGRESS.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(handler) => handler(text),
        None => eprintln!("eryx: {text}"),
    }
}

/// Something open in the library. It is closed when the last one who holds it lets go.
#[derive(Debug)]
pub(crate) struct Handle {
    library: &'static Library,
    pub(crate) kind: &'static str,
    pub(crate) id: u64,
}

impl Handle {
    /// Makes something by an operation that gives its handle, and gives the operation's other fields, too.
    pub(crate) async fn make(operation: Operation, kind: &'static str) -> Result<(Handle, Map)> {
        let library = library()?;
        library.fix_signals()?;
        let fields = operation.makes(kind).perform().await?;
        match fields.get(kind).and_then(count) {
            Some(id) => Ok((Handle { library, kind, id }, fields)),
            None => Err(Error::new("internal", format!("the library has given no {kind}"))),
        }
    }

    /// An operation on it, such as `execute`.
    pub(crate) fn operation(&self, name: &str) -> Operation {
        Operation::new(&format!("{}.{name}", self.kind)).with(self.kind, self.id)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        crate::request::close(self.library, self.kind, self.id);
    }
}
