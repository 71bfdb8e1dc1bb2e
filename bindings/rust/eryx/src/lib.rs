#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answers;
mod blocking;
mod callbacks;
mod cancel;
mod config;
mod error;
mod execute;
mod factory;
mod library;
mod limits;
mod mcp;
mod network;
mod pool;
mod replay;
mod request;
mod result;
mod runtime;
mod sandbox;
mod session;
mod store;
#[cfg(feature = "tokio")]
pub mod tokio;
mod value;
mod vfs;
mod wire;

pub use callbacks::{Callback, CallbackError};
pub use cancel::CancellationToken;
pub use config::{Package, Volume};
pub use error::{Error, Failure, Frame, PythonError, Result};
pub use execute::{Execute, Execution};
pub use factory::{FactoryBuilder, SandboxFactory};
pub use library::Library;
pub use limits::{OutputOverflow, ResourceLimits};
pub use mcp::{ConnectOutcome, Discovered, McpManager, McpServer, McpTool, serve};
pub use network::{ClientCertificate, NetAttempt, NetConfig, NetEvent, Scrub, Secret};
pub use pool::{LeaseBuilder, PoolBuilder, PoolStats, PooledSandbox, SandboxPool};
pub use replay::{ReplayOutcome, SuspendedCallback};
pub use result::{CallbackRecord, ExecuteResult, TraceEvent, TraceKind};
pub use runtime::{Info, RuntimeConfig, fix_signals, info, init, on_progress, shutdown, start_runtime, version};
pub use sandbox::{Sandbox, SandboxBuilder};
pub use session::{Call, Completeness, Session, SessionBuilder, StateSnapshot};
pub use store::{SessionStore, StoreBuilder, StoreStats};
pub use value::{Map, Value, ValueError, from_value, to_value};
pub use vfs::{VfsEntry, VfsKind, VfsProgress, VfsStorage, VfsUsage};

pub use num_bigint::BigInt;
/// The schema of arguments, which [`Callback`] wants.
pub use schemars::JsonSchema;

#[cfg(feature = "macros")]
pub use eryx_macros::callback;

/// What the code of `#[eryx::callback]` uses.
#[doc(hidden)]
pub mod __private {
    pub use schemars;
    pub use serde;
}
