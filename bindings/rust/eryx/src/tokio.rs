//! Signals under tokio, with the feature `tokio`.
//!
//! tokio's signal handlers lack the flag `SA_ONSTACK`, without which a signal that lands on a thread inside of the library
//! may end the process. These functions install tokio's handlers and add the flag. Handlers that were installed by tokio
//! itself get it when the next sandbox, session, factory or pool is made, or by [`crate::fix_signals`].

use std::io;

pub use ::tokio::signal::unix::{Signal, SignalKind};

/// `tokio::signal::unix::signal`, with the flag.
///
/// # Errors
/// tokio's, and those of [`crate::fix_signals`].
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    let signal = ::tokio::signal::unix::signal(kind)?;
    crate::fix_signals().map_err(io::Error::other)?;
    Ok(signal)
}

/// `tokio::signal::ctrl_c`, with the flag: waits for one Ctrl-C.
///
/// # Errors
/// As [`signal`].
pub async fn ctrl_c() -> io::Result<()> {
    signal(SignalKind::interrupt())?.recv().await;
    Ok(())
}
