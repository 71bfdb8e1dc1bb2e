//! What one execution may use.

use std::time::Duration;

use crate::value::{Map, Value};

/// Limits of every execution of a sandbox or session. `None` means no limit.
///
/// ```
/// use std::time::Duration;
///
/// let limits = eryx::ResourceLimits { execution_timeout: Some(Duration::from_secs(1)), ..Default::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Wall-clock time of one execution; default 30 s.
    pub execution_timeout: Option<Duration>,
    /// Wall-clock time of one call of a host function; default 10 s.
    pub callback_timeout: Option<Duration>,
    /// The interpreter's memory; beyond it the program sees `MemoryError`; default 128 MiB.
    pub max_memory_bytes: Option<u64>,
    /// Calls of host functions in one execution; default 1,000.
    pub max_callback_invocations: Option<u64>,
    /// CPU budget in loop iterations of the interpreter's machine code: deterministic; default none.
    pub max_fuel: Option<u64>,
    /// Size of the writable files; `None` is the default of 64 MiB.
    pub max_vfs_bytes: Option<u64>,
    /// How much output is kept; default 8 MiB.
    pub max_output_bytes: Option<u64>,
    /// What happens to output beyond `max_output_bytes`.
    pub output_overflow: OutputOverflow,
    /// Calls of host functions at once; default 10,000.
    pub max_pending_callbacks: Option<u64>,
    /// Files that are open at once; default 256.
    pub max_open_files: Option<u64>,
    /// From the polite interrupt to the kill; default 100 ms.
    pub grace_period: Option<Duration>,
}

/// What happens to output beyond the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputOverflow {
    /// The rest is dropped, and the result says so.
    #[default]
    Truncate,
    /// The execution fails with [`Error::Limit`](crate::Error::Limit).
    Fail,
}

impl Default for ResourceLimits {
    fn default() -> ResourceLimits {
        ResourceLimits {
            execution_timeout: Some(Duration::from_secs(30)),
            callback_timeout: Some(Duration::from_secs(10)),
            max_memory_bytes: Some(128 << 20),
            max_callback_invocations: Some(1000),
            max_fuel: None,
            max_vfs_bytes: None,
            max_output_bytes: Some(8 << 20),
            output_overflow: OutputOverflow::Truncate,
            max_pending_callbacks: Some(10_000),
            max_open_files: Some(256),
            grace_period: Some(Duration::from_millis(100)),
        }
    }
}

impl ResourceLimits {
    /// No limits but those of output, files and pending callbacks, which live in the host's memory.
    pub fn unlimited() -> ResourceLimits {
        ResourceLimits {
            execution_timeout: None,
            callback_timeout: None,
            max_memory_bytes: None,
            max_callback_invocations: None,
            ..ResourceLimits::default()
        }
    }

    /// What a session has by itself: the default limits, but none of time and memory, as its program is one's own prompt.
    pub fn session() -> ResourceLimits {
        ResourceLimits { execution_timeout: None, max_memory_bytes: None, ..ResourceLimits::default() }
    }

    /// As the library wants it: all of them, -1 is no limit.
    pub(crate) fn message(&self) -> Map {
        let mut message = Map::from([
            ("execution_timeout_ms".to_owned(), milliseconds(self.execution_timeout)),
            ("callback_timeout_ms".to_owned(), milliseconds(self.callback_timeout)),
            ("grace_period_ms".to_owned(), milliseconds(self.grace_period)),
            ("max_memory_bytes".to_owned(), number(self.max_memory_bytes)),
            ("max_callback_invocations".to_owned(), number(self.max_callback_invocations)),
            ("max_fuel".to_owned(), number(self.max_fuel)),
            ("max_output_bytes".to_owned(), number(self.max_output_bytes)),
            ("max_pending_callbacks".to_owned(), number(self.max_pending_callbacks)),
            ("max_open_files".to_owned(), number(self.max_open_files)),
        ]);
        if self.max_vfs_bytes.is_some() {
            message.insert("max_vfs_bytes".to_owned(), number(self.max_vfs_bytes));
        }
        if self.output_overflow == OutputOverflow::Fail {
            message.insert("output_overflow".to_owned(), "fail".into());
        }
        message
    }
}

/// A duration in milliseconds; -1: none.
pub(crate) fn milliseconds(duration: Option<Duration>) -> Value {
    duration.map_or(Value::Int(-1), |duration| Value::Float(duration.as_secs_f64() * 1e3))
}

/// A limit; -1: none.
pub(crate) fn number(limit: Option<u64>) -> Value {
    limit.map_or(Value::Int(-1), |limit| Value::Int(i64::try_from(limit).unwrap_or(i64::MAX)))
}
