//! Every error of this crate. Each has a stable code, the same word in every language.

use std::fmt;

use crate::result::ExecuteResult;
use crate::value::{Value, ValueError};

/// One level of a traceback of the program's, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// The file, `<user>` for the program itself.
    pub file: String,
    /// The line, from 1.
    pub line: i64,
    /// The function, `<module>` outside of functions.
    pub function: String,
    /// The line's text, if it is known.
    pub source: String,
}

/// An exception of the program's, as its own interpreter describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PythonError {
    /// The exception's class, qualified.
    pub r#type: String,
    /// `str` of the exception.
    pub message: String,
    /// The traceback as Python prints it.
    pub traceback: String,
    /// Its levels, outermost first.
    pub frames: Vec<Frame>,
}

/// What is known of a failure: the content of each [`Error`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// The stable word for what went wrong, such as `python`, `timeout` or `limit`.
    pub code: String,
    /// One line about it.
    pub message: String,
    /// The program's exception, where there was one.
    pub python: Option<PythonError>,
    /// The limit that was hit: `execution_timeout`, `fuel`, `memory`, `output`, ...
    pub limit: Option<String>,
    /// Why a file of a [`VfsStorage`](crate::VfsStorage) could not be used: `ENOENT` or the like.
    pub errno: Option<String>,
    /// What the program gave to `sys.exit`, 0 otherwise.
    pub exit_code: i64,
    /// The program had to be stopped by force; a session must be reset.
    pub killed: bool,
    /// What the execution left nevertheless: its output and figures.
    pub result: Option<ExecuteResult>,
}

impl fmt::Display for Failure {
    /// The program's traceback, where it raised; otherwise the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.python {
            Some(python) if self.code == "python" => f.write_str(&python.traceback),
            _ => f.write_str(&self.message),
        }
    }
}

/// Declares the variants and their codes once.
macro_rules! errors {
    ($($(#[$doc:meta])* $variant:ident = $code:literal;)*) => {
        /// What went wrong. The variant says what kind of thing; the [`Failure`] inside has the details.
        ///
        /// ```
        /// # async fn example(session: eryx::Session) -> Result<(), eryx::Error> {
        /// match session.execute("1 / 0").await {
        ///     Err(eryx::Error::Python(failure)) => println!("{failure}"), // the traceback
        ///     Err(eryx::Error::Timeout(_)) => println!("too slow"),
        ///     other => println!("{}", other?.stdout_text()),
        /// }
        /// # Ok(())
        /// # }
        /// ```
        #[derive(Clone, Debug, PartialEq, thiserror::Error)]
        #[non_exhaustive]
        pub enum Error {
            $($(#[$doc])* #[error("{0}")] $variant(Box<Failure>),)*
            /// A code that this version does not know.
            #[error("{0}")]
            Other(Box<Failure>),
        }

        impl Error {
            /// The codes that have a variant of their own, and the variants' names.
            pub const CODES: &[(&str, &str)] = &[$(($code, stringify!($variant)),)*];

            /// What is known of the failure.
            pub fn failure(&self) -> &Failure {
                match self {
                    $(Error::$variant(failure) => failure,)*
                    Error::Other(failure) => failure,
                }
            }

            /// The name of the variant.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Error::$variant(_) => stringify!($variant),)*
                    Error::Other(_) => "Other",
                }
            }

            fn of(failure: Failure) -> Error {
                let failure = Box::new(failure);
                match failure.code.as_str() {
                    $($code => Error::$variant(failure),)*
                    _ => Error::Other(failure),
                }
            }
        }
    };
}

errors! {
    /// The program raised an exception.
    Python = "python";
    /// The program ended itself with an exit code that is not 0.
    Exit = "exit";
    /// The execution took too long.
    Timeout = "timeout";
    /// Another limit was hit; `limit` says which.
    Limit = "limit";
    /// The execution was cancelled by its caller.
    Cancelled = "cancelled";
    /// The library, an interpreter, a factory or a session could not be made.
    Initialization = "initialization";
    /// A snapshot could not be made or used.
    Snapshot = "snapshot";
    /// A callback suspended the execution.
    Suspended = "suspended";
    /// All leases of a pool are in use.
    PoolExhausted = "pool_exhausted";
    /// No lease was given back in time.
    PoolTimeout = "pool_timeout";
    /// The pool is closed.
    PoolClosed = "pool_closed";
    /// The object is closed, or its interpreter was killed and the session wants `reset`.
    Closed = "closed";
    /// An argument makes no sense, such as source code with a NUL byte, or a value that cannot be passed.
    Invalid = "invalid";
    /// A file of a VFS could not be used.
    File = "file";
    /// This library does not have the operation.
    Unsupported = "unsupported";
    /// A fault of Eryx's own.
    Internal = "internal";
    /// Eryx was used before a fork, and is used in the child process, where its threads do not exist.
    Fork = "fork";
}

impl Error {
    /// The stable word for what went wrong.
    pub fn code(&self) -> &str {
        &self.failure().code
    }

    /// One line about it.
    pub fn message(&self) -> &str {
        &self.failure().message
    }

    /// The program's exception, where there was one.
    pub fn python(&self) -> Option<&PythonError> {
        self.failure().python.as_ref()
    }

    /// What the execution left nevertheless.
    pub fn result(&self) -> Option<&ExecuteResult> {
        self.failure().result.as_ref()
    }

    /// An error of this side: a code and a text.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Error {
        Error::of(Failure { code: code.to_owned(), message: message.into(), ..Failure::default() })
    }

    /// The error of an error record.
    pub(crate) fn from_record(record: &Value, result: Option<ExecuteResult>) -> Error {
        let python = record.get("python").map(python_error);
        let code = text(record, "code");
        let message = match &python {
            Some(python) if code == "python" => python.message.clone(),
            _ => text(record, "message"),
        };
        Error::of(Failure {
            code,
            message,
            python,
            limit: record.get("limit").and_then(Value::as_str).map(str::to_owned),
            errno: record.get("errno").and_then(Value::as_str).map(str::to_owned),
            exit_code: record.get("exit_code").and_then(Value::as_i64).unwrap_or(0),
            killed: record.get("killed") == Some(&Value::Bool(true)),
            result,
        })
    }
}

fn text(record: &Value, name: &str) -> String {
    record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn python_error(record: &Value) -> PythonError {
    let frames = match record.get("frames") {
        Some(Value::List(frames)) => frames.iter().filter_map(frame).collect(),
        _ => Vec::new(),
    };
    PythonError {
        r#type: text(record, "type"),
        message: text(record, "message"),
        traceback: text(record, "traceback"),
        frames,
    }
}

fn frame(record: &Value) -> Option<Frame> {
    let Value::List(parts) = record else { return None };
    let [Value::Text(file), Value::Int(line), Value::Text(function), Value::Text(source), ..] = parts.as_slice() else {
        return None;
    };
    Some(Frame { file: file.clone(), line: *line, function: function.clone(), source: source.clone() })
}

impl From<ValueError> for Error {
    fn from(error: ValueError) -> Error {
        Error::new("invalid", error.to_string())
    }
}

impl From<crate::wire::WireError> for Error {
    fn from(error: crate::wire::WireError) -> Error {
        Error::new("invalid", error.to_string())
    }
}

impl From<eryx_sys::LoadError> for Error {
    fn from(error: eryx_sys::LoadError) -> Error {
        Error::new("initialization", error.to_string())
    }
}

impl From<eryx_sys::Status> for Error {
    fn from(status: eryx_sys::Status) -> Error {
        let code = match status.0 {
            eryx_sys::ffi::ERYX_EFORK => "fork",
            eryx_sys::ffi::ERYX_ECLOSED => "closed",
            eryx_sys::ffi::ERYX_EINVAL | eryx_sys::ffi::ERYX_EMESSAGE => "invalid",
            eryx_sys::ffi::ERYX_EABI => "initialization",
            _ => "internal",
        };
        Error::new(code, status.to_string())
    }
}

/// The result of most things here.
pub type Result<T, E = Error> = std::result::Result<T, E>;
