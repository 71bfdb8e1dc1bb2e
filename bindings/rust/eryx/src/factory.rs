//! Factories: packages, imports and set-up code that are done once.

use std::path::Path;
use std::sync::Arc;

use crate::callbacks::{Callback, Callbacks};
use crate::config::{Config, settings};
use crate::error::Result;
use crate::library::Library;
use crate::pool::{PoolBuilder, SandboxPool};
use crate::request::Operation;
use crate::result::{bytes, count};
use crate::runtime::Handle;
use crate::sandbox::{Sandbox, SandboxBuilder};
use crate::session::{Session, SessionBuilder};
use crate::value::Value;

/// Makes sandboxes and sessions that begin where its imports and set-up code ended, as fast as any other.
///
/// ```
/// # fn main() -> Result<(), eryx::Error> { futures::executor::block_on(async {
/// let factory = eryx::SandboxFactory::builder().with_import("json").with_setup_code("RATE = 1.19").build().await?;
/// let result = factory.create_sandbox().build().await?.execute("import json; print(json.dumps(RATE))").await?;
/// assert_eq!(result.stdout, b"1.19\n");
/// # Ok(()) }) }
/// ```
///
/// What it made outlives it. Clones are the same factory.
#[derive(Clone)]
pub struct SandboxFactory {
    handle: Arc<Handle>,
    callbacks: Callbacks,
    size_bytes: u64,
}

impl std::fmt::Debug for SandboxFactory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxFactory").field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}

impl SandboxFactory {
    /// A factory to be configured.
    pub fn builder() -> FactoryBuilder {
        FactoryBuilder::default()
    }

    async fn make(operation: Operation, callbacks: Callbacks) -> Result<SandboxFactory> {
        let (handle, fields) = Handle::make(operation, "factory").await?;
        let size_bytes = fields.get("size_bytes").and_then(count).unwrap_or(0);
        Ok(SandboxFactory { handle: Arc::new(handle), callbacks, size_bytes })
    }

    /// A factory that [`save`](SandboxFactory::save) wrote, by the same build of eryx. Its packages are inside of the file; its
    /// callbacks and libraries have to be given again.
    ///
    /// # Errors
    /// [`Error::Snapshot`](crate::Error::Snapshot) for a file of another build, or a damaged one.
    pub async fn load(path: impl AsRef<Path>) -> Result<SandboxFactory> {
        let path = path.as_ref().to_string_lossy().into_owned();
        SandboxFactory::make(Operation::new("factory.load").with("path", path), Callbacks::default()).await
    }

    /// A factory of what [`to_bytes`](SandboxFactory::to_bytes) gave, by the same build of eryx.
    ///
    /// # Errors
    /// [`Error::Snapshot`](crate::Error::Snapshot) for bytes of another build, or damaged ones.
    pub async fn from_bytes(data: impl Into<Vec<u8>>) -> Result<SandboxFactory> {
        let operation = Operation::new("factory.load").with("data", Value::Bytes(data.into()));
        SandboxFactory::make(operation, Callbacks::default()).await
    }

    /// Host functions for what the factory makes from now on: those of a loaded factory.
    pub fn with_callbacks(mut self, callbacks: impl IntoIterator<Item = Callback>) -> SandboxFactory {
        callbacks.into_iter().for_each(|callback| self.callbacks.add(callback));
        self
    }

    /// Libraries for what the factory makes from now on: those of a loaded factory.
    pub fn with_libraries<'a>(mut self, libraries: impl IntoIterator<Item = &'a Library>) -> SandboxFactory {
        libraries.into_iter().for_each(|library| self.callbacks.libraries.extend(library));
        self
    }

    /// Writes the factory to a file.
    ///
    /// # Errors
    /// [`Error::Initialization`](crate::Error::Initialization) when the file cannot be written.
    pub async fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref().to_string_lossy().into_owned();
        self.handle.operation("save").with("path", path).perform().await.map(drop)
    }

    /// The factory as bytes.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed).
    pub async fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut fields = self.handle.operation("bytes").perform().await?;
        Ok(bytes(fields.remove("data").unwrap_or_default()))
    }

    /// The memory that all sandboxes and sessions of the factory share.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// A sandbox whose programs begin where the factory ended, to be configured.
    pub fn create_sandbox(&self) -> SandboxBuilder {
        Sandbox::builder().with_factory(self)
    }

    /// A session that begins where the factory ended, to be configured.
    pub fn create_session(&self) -> SessionBuilder {
        Session::builder().with_factory(self)
    }

    /// A pool of sessions that begin where the factory ended, to be configured.
    pub fn create_pool(&self) -> PoolBuilder {
        SandboxPool::builder().with_factory(self)
    }

    /// Closes the factory for all its clones; what it made lives on. Dropping them does so, too.
    ///
    /// # Errors
    /// None that matter: closing again does nothing.
    pub async fn close(self) -> Result<()> {
        self.handle.operation("close").perform().await.map(drop)
    }

    /// Adds the factory, if there is one, to what is made: its handle, and its callbacks before those of the configuration.
    pub(crate) fn begin(
        factory: Option<&SandboxFactory>,
        operation: Operation,
        mut config: Config,
    ) -> (Operation, Config) {
        let Some(factory) = factory else { return (operation, config) };
        let mut callbacks = factory.callbacks.clone();
        callbacks.extend(&config.callbacks);
        config.callbacks = callbacks;
        (operation.with("factory", factory.handle.id), config)
    }
}

/// Configures a [`SandboxFactory`].
#[derive(Clone, Default)]
#[must_use = "nothing is made until `build`"]
pub struct FactoryBuilder {
    config: Config,
    imports: Vec<Value>,
}

impl FactoryBuilder {
    settings!(callbacks);
    settings!(libraries);
    settings!(limits);
    settings!(packages);
    settings!(requirements);

    /// A module that is imported once, now.
    pub fn with_import(mut self, module: impl Into<String>) -> FactoryBuilder {
        self.imports.push(Value::Text(module.into()));
        self
    }

    /// Runs once, now; its globals and files are those of every sandbox and session.
    pub fn with_setup_code(mut self, code: impl Into<String>) -> FactoryBuilder {
        self.config.set("setup_code", code.into());
        self
    }

    /// Makes the factory: imports, and runs the set-up code, whose host functions run in this task.
    ///
    /// # Errors
    /// [`Error::Initialization`](crate::Error::Initialization) for a package that cannot be used, and what the imports and the
    /// set-up code raise.
    pub async fn build(mut self) -> Result<SandboxFactory> {
        self.config.set("imports", self.imports);
        let callbacks = self.config.callbacks.clone();
        let operation = Operation { callbacks: callbacks.clone(), ..Operation::new("factory.new") };
        SandboxFactory::make(operation.with("config", self.config.message(None)), callbacks).await
    }
}
