//! What several tests need.
#![allow(dead_code, unreachable_pub)]

pub mod matchers;

/// Runs a future to its end without any runtime.
pub fn block_on<F: std::future::Future>(future: F) -> F::Output {
    futures::executor::block_on(future)
}

/// The folder of the repository.
pub fn repository() -> std::path::PathBuf {
    std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."))
}
