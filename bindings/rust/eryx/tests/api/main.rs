//! What the vectors cannot say: host functions of all kinds, state, factories, pools, settings, tokio.
#![forbid(unsafe_code)]

#[path = "../support/mod.rs"]
mod support;

mod callbacks;
mod factory_pool;
mod inputs;
mod library;
#[cfg(feature = "macros")]
mod macros;
mod mcp;
mod network;
mod replay;
mod settings;
mod state;
mod streams;
#[cfg(feature = "tokio")]
mod tokio_runtime;
mod values;
mod vfs;
