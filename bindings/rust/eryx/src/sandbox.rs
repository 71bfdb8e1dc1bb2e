//! Sandboxes: programs that know nothing of each other.

use std::sync::Arc;

use crate::config::{Config, settings};
use crate::error::Result;
use crate::execute::{Execute, Executor};
use crate::factory::SandboxFactory;
use crate::replay::ReplayOutcome;
use crate::request::Operation;
use crate::runtime::Handle;

/// Runs programs, each from the pristine interpreter with empty files.
///
/// ```
/// # fn main() -> Result<(), eryx::Error> { futures::executor::block_on(async {
/// let sandbox = eryx::Sandbox::builder().build().await?;
/// let result = sandbox.execute("print('hello')").await?;
/// assert_eq!(result.stdout, b"hello\n");
/// # Ok(()) }) }
/// ```
///
/// Executions may run at the same time. Clones are the same sandbox, which is closed when the last one is dropped; what it
/// executes then goes on.
#[derive(Clone, Debug)]
pub struct Sandbox(Arc<Executor>);

impl Sandbox {
    /// A sandbox to be configured.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Runs a program: await what is returned. `await` is allowed at the program's top.
    ///
    /// # Errors
    /// [`Error::Python`](crate::Error::Python): the program raised. [`Error::Timeout`](crate::Error::Timeout),
    /// [`Error::Limit`](crate::Error::Limit): a limit was hit. The error has what the program wrote until then.
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

    /// The callbacks, and what libraries say of their modules, as Python stubs (`.pyi`), to show to people and language models.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed).
    pub async fn type_stubs(&self) -> Result<String> {
        self.0.type_stubs().await
    }

    /// Closes the sandbox for all its clones. Dropping them does so, too.
    ///
    /// # Errors
    /// None that matter: closing again does nothing.
    pub async fn close(self) -> Result<()> {
        self.0.close().await
    }
}

/// Configures a [`Sandbox`].
#[derive(Clone, Default)]
#[must_use = "nothing is made until `build`"]
pub struct SandboxBuilder {
    pub(crate) config: Config,
    pub(crate) factory: Option<SandboxFactory>,
}

impl SandboxBuilder {
    settings!(program);

    /// Programs begin where the factory's imports and set-up code ended; its callbacks are there, too.
    pub fn with_factory(mut self, factory: &SandboxFactory) -> SandboxBuilder {
        self.factory = Some(factory.clone());
        self
    }

    /// Makes the sandbox.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for settings that make no sense,
    /// [`Error::Initialization`](crate::Error::Initialization).
    pub async fn build(self) -> Result<Sandbox> {
        let (operation, config) =
            SandboxFactory::begin(self.factory.as_ref(), Operation::new("sandbox.new"), self.config);
        let callbacks = config.callbacks.clone();
        let kept = (config.vfs.clone(), config.mcp.clone(), self.factory); // named by id until it is made
        let (handle, _) = Handle::make(operation.with("config", config.message(None)), "sandbox").await?;
        drop(kept);
        Ok(Sandbox(Executor::new(handle, callbacks)))
    }
}
