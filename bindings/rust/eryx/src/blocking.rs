//! Functions that block, in threads.

use futures_channel::oneshot;
use futures_util::future::{BoxFuture, FutureExt};

use crate::callbacks::{Answer, CallbackError};

/// Runs a function in a thread.
pub(crate) fn run(function: impl FnOnce() -> Answer + Send + 'static) -> BoxFuture<'static, Answer> {
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let done = runtime.spawn_blocking(function);
        return done.map(|done| done.unwrap_or_else(|_| Err(lost()))).boxed();
    }
    let (sender, receiver) = oneshot::channel();
    let spawned = std::thread::Builder::new().name("eryx-callback".to_owned()).spawn(move || {
        let _ = sender.send(function()); // nobody may want it any more
    });
    match spawned {
        Ok(_) => receiver.map(|done| done.unwrap_or_else(|_| Err(lost()))).boxed(),
        Err(error) => Box::pin(std::future::ready(Err(CallbackError::with_code("internal", error.to_string())))),
    }
}

fn lost() -> CallbackError {
    CallbackError::with_code("internal", "the host function panicked")
}
