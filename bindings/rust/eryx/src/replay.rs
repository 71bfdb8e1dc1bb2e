//! Programs that are suspended and go on later, or again: what their host functions answered is kept in a journal.

use crate::error::{Error, Result};
use crate::request::Done;
use crate::result::{ExecuteResult, count, list, text};
use crate::value::{Map, Value};

/// The call at which an execution was suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuspendedCallback {
    /// The host function.
    pub name: String,
    /// What it was given, as JSON.
    pub args_json: String,
    /// What [`CallbackError::suspend`](crate::CallbackError::suspend) was given.
    pub reason: String,
}

/// What comes of an execution with a journal.
///
/// ```
/// use eryx::{Callback, CallbackError, Sandbox};
///
/// # fn main() -> Result<(), eryx::Error> { futures::executor::block_on(async {
/// let code = "print('paid', await pay())";
/// let waits = Callback::inline("pay", |()| Err::<i64, _>(CallbackError::suspend("needs approval")));
/// let sandbox = Sandbox::builder().with_callback(waits).build().await?;
/// let first = sandbox.execute(code).with_journal(None).await?;
/// assert_eq!(first.suspended.unwrap().reason, "needs approval");
///
/// // Later, perhaps in another process:
/// let pays = Callback::inline("pay", |()| Ok::<_, CallbackError>(12));
/// let sandbox = Sandbox::builder().with_callback(pays).build().await?;
/// let second = sandbox.execute(code).with_journal(&*first.journal).await?;
/// assert_eq!(second.result?.stdout, b"paid 12\n");
/// # Ok(()) }) }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReplayOutcome {
    /// What became of the program; [`Error::Suspended`] when it was suspended.
    pub result: Result<ExecuteResult>,
    /// What the host functions answered, as JSON text, for the next execution.
    pub journal: String,
    /// Calls that the earlier journal answered.
    pub replayed_callbacks: u64,
    /// The call that suspended the execution.
    pub suspended: Option<SuspendedCallback>,
}

impl ReplayOutcome {
    /// Of the end of a request.
    pub(crate) fn of(done: Done) -> Result<ReplayOutcome> {
        let Value::Map(mut record) = done.value else {
            return Err(match done.error {
                Some(error) => Error::from_record(&error, None),
                None => Error::new("internal", "the library has given no result"),
            });
        };
        let journal = record.remove("journal").and_then(text).unwrap_or_default();
        let replayed_callbacks = record.get("replayed_callbacks").and_then(count).unwrap_or(0);
        let suspended = suspended(&mut record);
        let result = ExecuteResult::from_record(record);
        let result = match done.error {
            Some(error) => Err(Error::from_record(&error, Some(result))),
            None => Ok(result),
        };
        Ok(ReplayOutcome { result, journal, replayed_callbacks, suspended })
    }
}

fn suspended(record: &mut Map) -> Option<SuspendedCallback> {
    let mut parts = list(Some(record.remove("suspended")?)).into_iter().map(text);
    Some(SuspendedCallback { name: parts.next()??, args_json: parts.next()??, reason: parts.next()?? })
}
