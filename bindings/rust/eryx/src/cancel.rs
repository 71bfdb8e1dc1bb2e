//! Cancelling from elsewhere.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ends the executions that were given it ([`Execute::with_cancellation_token`](crate::Execute::with_cancellation_token)),
/// from any thread. Clones are the same token.
///
/// ```no_run
/// # async fn example(session: eryx::Session) -> Result<(), eryx::Error> {
/// let token = eryx::CancellationToken::new();
/// let other = token.clone();
/// std::thread::spawn(move || other.cancel());
/// let outcome = session.execute("while True: pass").with_cancellation_token(&token).await;
/// assert!(matches!(outcome, Err(eryx::Error::Cancelled(_))));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancellationToken(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cancelled: bool,
    requests: HashSet<u64>,
}

impl CancellationToken {
    /// A token that is not cancelled.
    pub fn new() -> CancellationToken {
        CancellationToken::default()
    }

    /// Ends the executions that have this token, now and later: each program sees `KeyboardInterrupt` and is killed after a
    /// grace period. Again: nothing.
    pub fn cancel(&self) {
        let requests = {
            let mut state = self.lock();
            state.cancelled = true;
            std::mem::take(&mut state.requests)
        };
        if let Ok(library) = eryx_sys::Library::get() {
            requests.into_iter().for_each(|request| library.cancel(request));
        }
    }

    /// Whether `cancel` was called.
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Registers a request; one whose token is cancelled already is cancelled now.
    pub(crate) fn add(&self, library: &eryx_sys::Library, request: u64) {
        let mut state = self.lock();
        if state.cancelled {
            drop(state);
            library.cancel(request);
        } else {
            state.requests.insert(request);
        }
    }

    /// Forgets a request that has ended.
    pub(crate) fn remove(&self, request: u64) {
        self.lock().requests.remove(&request);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
