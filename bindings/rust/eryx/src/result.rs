//! What comes of an execution.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::network::NetEvent;
use crate::value::{Map, Value};

/// One call of a host function: its name, how long it took, and its error's text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CallbackRecord {
    /// The function's name in the program.
    pub name: String,
    /// How long it took.
    pub duration: Duration,
    /// The text of its error, if it failed.
    pub error: Option<String>,
}

/// What a [`TraceEvent`] is about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TraceKind {
    /// A line is about to run.
    Line,
    /// A function begins.
    Call,
    /// A function returns.
    Return,
    /// An exception was raised.
    Exception {
        /// The exception's class and text.
        message: String,
    },
    /// A host function is called.
    CallbackStart {
        /// Its name.
        callback: String,
        /// What it was given, as JSON; empty when that is too long.
        arguments_json: String,
    },
    /// A host function has answered.
    CallbackEnd {
        /// Its name.
        callback: String,
        /// The text of its error; empty: it did not fail.
        message: String,
        /// How long it took.
        duration: Duration,
    },
    /// Something that this version does not know.
    Other(String),
}

/// One step of a traced execution.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TraceEvent {
    /// What happened.
    pub kind: TraceKind,
    /// The file; empty for callbacks.
    pub file: String,
    /// The function; empty for callbacks.
    pub function: String,
    /// The line, from 1; 0 for callbacks.
    pub line: i64,
}

/// All that came of one execution.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ExecuteResult {
    /// What the program wrote, up to the output limit.
    pub stdout: Vec<u8>,
    /// The same for standard error.
    pub stderr: Vec<u8>,
    /// There was more output than the limit.
    pub stdout_truncated: bool,
    /// There was more output than the limit.
    pub stderr_truncated: bool,
    /// The result variable as JSON text; `None` when the program did not set it.
    pub result_json: Option<String>,
    /// Why the result variable could not be encoded.
    pub result_error: Option<String>,
    /// What a called function returned, for [`Session::call`](crate::Session::call).
    pub value: Value,
    /// What the program gave to `sys.exit`.
    pub exit_code: i64,
    /// Wall-clock time.
    pub duration: Duration,
    /// Calls of host functions, refused ones included.
    pub callback_invocations: u64,
    /// The calls of host functions in the order of their ends, at most 1,000.
    pub callbacks: Vec<CallbackRecord>,
    /// The most memory that the interpreter held.
    pub peak_memory_bytes: Option<u64>,
    /// CPU used, in loop iterations of the interpreter's machine code: deterministic.
    pub fuel_consumed: Option<u64>,
    /// What the program did, step by step, with `with_trace`.
    pub trace: Vec<TraceEvent>,
    /// There were more steps than the limit.
    pub trace_truncated: bool,
    /// What the program did on the network, at most 1,000 steps.
    pub network: Vec<NetEvent>,
}

impl ExecuteResult {
    /// `stdout` as text; bytes that are not UTF-8 become replacement characters.
    pub fn stdout_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// `stderr` as text; bytes that are not UTF-8 become replacement characters.
    pub fn stderr_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }

    /// The result variable as a type of yours; `None` when the program did not set it.
    ///
    /// ```
    /// # fn example(outcome: eryx::ExecuteResult) -> Result<(), Box<dyn std::error::Error>> {
    /// #[derive(serde::Deserialize)]
    /// struct Total { sum: f64, count: u32 }
    ///
    /// let total: Option<Total> = outcome.result()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// serde_json's, when the value is not of the type's shape.
    pub fn result<T: DeserializeOwned>(&self) -> Result<Option<T>, serde_json::Error> {
        self.result_json.as_deref().map(serde_json::from_str).transpose()
    }

    /// Of a result record; fields that this version does not know are ignored.
    pub(crate) fn from_record(mut record: Map) -> ExecuteResult {
        let callbacks = list(record.remove("callbacks")).into_iter().filter_map(callback_record).collect();
        let trace = list(record.remove("trace")).into_iter().filter_map(trace_event).collect();
        let network = list(record.remove("network")).into_iter().map(NetEvent::from_record).collect();
        let mut take = |name: &str| record.remove(name).unwrap_or_default();
        ExecuteResult {
            stdout: bytes(take("stdout")),
            stderr: bytes(take("stderr")),
            stdout_truncated: take("stdout_truncated") == Value::Bool(true),
            stderr_truncated: take("stderr_truncated") == Value::Bool(true),
            result_json: text(take("result_json")),
            result_error: text(take("result_error")),
            value: take("value"),
            exit_code: take("exit_code").as_i64().unwrap_or(0),
            duration: milliseconds(&take("duration_ms")),
            callback_invocations: count(&take("callback_invocations")).unwrap_or(0),
            callbacks,
            peak_memory_bytes: count(&take("peak_memory_bytes")),
            fuel_consumed: count(&take("fuel_consumed")),
            trace,
            network,
            trace_truncated: take("trace_truncated") == Value::Bool(true),
        }
    }
}

impl std::fmt::Display for ExecuteResult {
    /// The standard output.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.stdout_text())
    }
}

pub(crate) fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::Bytes(bytes) => bytes,
        _ => Vec::new(),
    }
}

pub(crate) fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

pub(crate) fn count(value: &Value) -> Option<u64> {
    value.as_i64().and_then(|number| u64::try_from(number).ok())
}

pub(crate) fn milliseconds(value: &Value) -> Duration {
    Duration::try_from_secs_f64(value.as_f64().unwrap_or(0.0) / 1e3).unwrap_or_default()
}

pub(crate) fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::List(items)) => items,
        _ => Vec::new(),
    }
}

fn callback_record(record: Value) -> Option<CallbackRecord> {
    let mut parts = list(Some(record)).into_iter();
    let name = parts.next().and_then(text)?;
    let duration = parts.next().as_ref().map(milliseconds)?;
    Some(CallbackRecord { name, duration, error: parts.next().and_then(text) })
}

pub(crate) fn trace_event(record: Value) -> Option<TraceEvent> {
    let mut parts = list(Some(record)).into_iter();
    let next_text = |parts: &mut std::vec::IntoIter<Value>| parts.next().and_then(text);
    let kind = next_text(&mut parts)?;
    let file = next_text(&mut parts)?;
    let function = next_text(&mut parts)?;
    let line = parts.next()?.as_i64()?;
    let mut rest = || next_text(&mut parts).unwrap_or_default();
    let kind = match kind.as_str() {
        "line" => TraceKind::Line,
        "call" => TraceKind::Call,
        "return" => TraceKind::Return,
        "exception" => TraceKind::Exception { message: rest() },
        "callback_start" => TraceKind::CallbackStart { callback: rest(), arguments_json: rest() },
        "callback_end" => {
            let (callback, message) = (rest(), rest());
            let duration = parts.next().as_ref().map(milliseconds).unwrap_or_default();
            TraceKind::CallbackEnd { callback, message, duration }
        }
        _ => TraceKind::Other(kind),
    };
    Some(TraceEvent { kind, file, function, line })
}
