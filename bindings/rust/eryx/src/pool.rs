//! Pools: a bounded number of sessions that are lent, some of them ready-made.

use std::sync::Arc;
use std::time::Duration;

use crate::callbacks::Callbacks;
use crate::config::{Config, settings};
use crate::error::{Error, Result};
use crate::execute::{Execute, Executor};
use crate::factory::SandboxFactory;
use crate::limits::milliseconds;
use crate::replay::ReplayOutcome;
use crate::request::Operation;
use crate::result::{count, milliseconds as duration};
use crate::runtime::Handle;
use crate::value::{Map, Value};

/// How a pool is used: sessions now, and counts and times since it was made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Sessions, in use and idle.
    pub total: u64,
    /// Sessions that wait.
    pub idle: u64,
    /// Leases that could be taken now.
    pub available: u64,
    /// Leases.
    pub in_use: u64,
    /// Leases so far.
    pub total_acquisitions: u64,
    /// Sessions made so far.
    pub total_creations: u64,
    /// Leases that had to wait.
    pub wait_count: u64,
    /// How long, together.
    pub total_wait_time: Duration,
    /// How long, on average.
    pub average_wait_time: Duration,
}

/// Bounds how many sessions run at once and keeps some ready. Each lease is pristine.
///
/// ```
/// # fn main() -> Result<(), eryx::Error> { futures::executor::block_on(async {
/// let pool = eryx::SandboxPool::builder().with_max_size(4).build().await?;
/// let lease = pool.acquire().await?;
/// assert_eq!(lease.execute("print(1)").await?.stdout, b"1\n");
/// # Ok(()) }) }
/// ```
///
/// Clones are the same pool, which is closed when the last one is dropped; leases go on.
#[derive(Clone)]
pub struct SandboxPool {
    handle: Arc<Handle>,
    callbacks: Callbacks,
}

impl std::fmt::Debug for SandboxPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxPool").field("handle", &self.handle).finish_non_exhaustive()
    }
}

impl SandboxPool {
    /// A pool to be configured.
    pub fn builder() -> PoolBuilder {
        PoolBuilder { config: Config::default(), factory: None, fields: Map::new() }
    }

    /// A lease; waits for one behind those who wait already.
    ///
    /// # Errors
    /// [`Error::PoolTimeout`], [`Error::PoolClosed`].
    pub async fn acquire(&self) -> Result<PooledSandbox> {
        self.lease().acquire().await
    }

    /// A lease, or `None` when there is none at once.
    ///
    /// # Errors
    /// [`Error::PoolClosed`].
    pub async fn try_acquire(&self) -> Result<Option<PooledSandbox>> {
        self.lease().try_acquire().await
    }

    /// A lease that differs from the others, to be configured.
    pub fn lease(&self) -> LeaseBuilder {
        LeaseBuilder { pool: self.clone(), config: Config::default() }
    }

    /// How the pool is used now.
    ///
    /// # Errors
    /// [`Error::PoolClosed`].
    pub async fn stats(&self) -> Result<PoolStats> {
        let fields = self.handle.operation("stats").perform().await?;
        let number = |name: &str| fields.get(name).and_then(count).unwrap_or(0);
        let time = |name: &str| fields.get(name).map(duration).unwrap_or_default();
        Ok(PoolStats {
            total: number("total"),
            idle: number("idle"),
            available: number("available"),
            in_use: number("in_use"),
            total_acquisitions: number("total_acquisitions"),
            total_creations: number("total_creations"),
            wait_count: number("wait_count"),
            total_wait_time: time("total_wait_time_ms"),
            average_wait_time: time("average_wait_time_ms"),
        })
    }

    /// Runs an empty program as a lease would, beside the leases.
    ///
    /// # Errors
    /// Why the pool does not work.
    pub async fn check(&self) -> Result<()> {
        self.handle.operation("check").perform().await.map(drop)
    }

    /// Frees sessions that were unused for longer than the timeout; how many.
    ///
    /// # Errors
    /// [`Error::PoolClosed`].
    pub async fn evict_idle(&self) -> Result<u64> {
        let fields = self.handle.operation("evict_idle").perform().await?;
        Ok(fields.get("count").and_then(count).unwrap_or(0))
    }

    /// Wakes who waits, with [`Error::PoolClosed`], and frees idle sessions; leases go on. For all clones of the pool.
    ///
    /// # Errors
    /// None that matter: closing again does nothing.
    pub async fn close(&self) -> Result<()> {
        self.handle.operation("close").perform().await.map(drop)
    }
}

/// Configures a [`SandboxPool`].
#[derive(Clone)]
#[must_use = "nothing is made until `build`"]
pub struct PoolBuilder {
    config: Config,
    factory: Option<SandboxFactory>,
    fields: Map,
}

impl PoolBuilder {
    settings!(program);

    /// Leases begin where the factory's imports and set-up code ended.
    pub fn with_factory(mut self, factory: &SandboxFactory) -> PoolBuilder {
        self.factory = Some(factory.clone());
        self
    }

    fn with(mut self, name: &str, value: Value) -> PoolBuilder {
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// How many leases there may be at once; default 10.
    pub fn with_max_size(self, count: u32) -> PoolBuilder {
        self.with("max_size", count.into())
    }

    /// How many sessions wait ready-made at least; default 1.
    pub fn with_min_idle(self, count: u32) -> PoolBuilder {
        self.with("min_idle", count.into())
    }

    /// How long `acquire` waits; default 30 s, `None`: for ever.
    pub fn with_acquire_timeout(self, timeout: impl Into<Option<Duration>>) -> PoolBuilder {
        self.with("acquire_timeout_ms", milliseconds(timeout.into()))
    }

    /// How long more than the minimum are kept unused; default 5 min, `None`: for ever.
    pub fn with_idle_timeout(self, timeout: impl Into<Option<Duration>>) -> PoolBuilder {
        self.with("idle_timeout_ms", milliseconds(timeout.into()))
    }

    /// Makes the pool.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings that make no sense, [`Error::Initialization`].
    pub async fn build(self) -> Result<SandboxPool> {
        let mut operation = Operation::new("pool.new");
        operation.message.extend(self.fields);
        let (operation, config) = SandboxFactory::begin(self.factory.as_ref(), operation, self.config);
        let callbacks = config.callbacks.clone();
        let kept = (config.vfs.clone(), config.mcp.clone(), self.factory); // named by id until it is made
        let (handle, _) = Handle::make(operation.with("config", config.message(None)), "pool").await?;
        drop(kept);
        Ok(SandboxPool { handle: Arc::new(handle), callbacks })
    }
}

/// Configures a lease: what it does not say is the pool's.
#[derive(Clone)]
#[must_use = "nothing is lent until `acquire`"]
pub struct LeaseBuilder {
    pool: SandboxPool,
    config: Config,
}

impl LeaseBuilder {
    settings!(callbacks);
    settings!(limits);

    /// An environment variable, in place of all of the pool's.
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> LeaseBuilder {
        let env = self.config.fields.entry("env".to_owned()).or_insert_with(|| Map::new().into());
        if let Value::Map(env) = env {
            env.insert(name.into(), Value::Text(value.into()));
        }
        self
    }

    /// The program's `sys.argv`.
    pub fn with_args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> LeaseBuilder {
        let args: Vec<Value> = args.into_iter().map(|arg| Value::Text(arg.into())).collect();
        self.config.set("args", args);
        self
    }

    /// What the program reads from standard input.
    pub fn with_stdin(mut self, stdin: impl Into<Vec<u8>>) -> LeaseBuilder {
        self.config.set("stdin", Value::Bytes(stdin.into()));
        self
    }

    async fn take(self, wait: bool) -> Result<PooledSandbox> {
        let mut config = self.config;
        let mut callbacks = self.pool.callbacks.clone();
        if !config.callbacks.is_empty() {
            callbacks.extend(&config.callbacks);
            config.callbacks = callbacks.clone().without_libraries();
        }
        let operation = self.pool.handle.operation("acquire").with("config", config.message(None)).with("wait", wait);
        let (handle, _) = Handle::make(operation, "session").await?;
        Ok(PooledSandbox(Executor::new(handle, callbacks)))
    }

    /// The lease; waits for one behind those who wait already.
    ///
    /// # Errors
    /// [`Error::PoolTimeout`], [`Error::PoolClosed`].
    pub async fn acquire(self) -> Result<PooledSandbox> {
        self.take(true).await
    }

    /// The lease, or `None` when there is none at once.
    ///
    /// # Errors
    /// [`Error::PoolClosed`].
    pub async fn try_acquire(self) -> Result<Option<PooledSandbox>> {
        match self.take(false).await {
            Ok(lease) => Ok(Some(lease)),
            Err(Error::PoolExhausted(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A session of a pool, yours until it is released or dropped. Its state lasts as long; nobody else sees any of it.
#[derive(Debug)]
pub struct PooledSandbox(Arc<Executor>);

impl PooledSandbox {
    /// Runs a program, as [`Session::execute`](crate::Session::execute).
    pub fn execute(&self, code: &str) -> Execute {
        self.0.execute(code)
    }

    /// Runs a program with a journal: [`Execute::with_journal`].
    ///
    /// # Errors
    /// What prevented the execution. What became of the program is in the outcome.
    pub async fn execute_with_journal(&self, code: &str, journal: Option<&str>) -> Result<ReplayOutcome> {
        self.execute(code).with_journal(journal).await
    }

    /// The callbacks, and what libraries say of their modules, as Python stubs (`.pyi`).
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn type_stubs(&self) -> Result<String> {
        self.0.type_stubs().await
    }

    /// Gives the session back, and waits for that. Dropping it does so, too.
    ///
    /// # Errors
    /// None that matter.
    pub async fn release(self) -> Result<()> {
        self.0.close().await
    }
}
