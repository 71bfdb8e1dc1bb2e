//! The library's functions without pointers.

use std::ffi::CStr;
use std::fmt;
use std::sync::OnceLock;

use crate::ffi::{self, Functions};

/// Why the library could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError(String);

#[cfg(not(feature = "link"))]
impl LoadError {
    pub(crate) fn new(reason: String) -> LoadError {
        LoadError(reason)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot open liberyx: {}. Set ERYX_LIBRARY to the library's file (capi/build.sh makes one), or put it beside \
             the program",
            self.0
        )
    }
}

impl std::error::Error for LoadError {}

/// A negative status: the call could not be made, and nothing has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub i32);

impl Status {
    /// The result of a call: statuses that are not negative are not errors.
    pub(crate) fn check(status: i32) -> Result<i32, Status> {
        if status < 0 { Err(Status(status)) } else { Ok(status) }
    }

    /// Whether this is a child process of one that had used the library.
    pub fn is_fork(self) -> bool {
        self.0 == ffi::ERYX_EFORK
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            ffi::ERYX_EINVAL => "an argument makes no sense",
            ffi::ERYX_EHANDLE => "no such handle",
            ffi::ERYX_EMESSAGE => "the message is not what was expected",
            ffi::ERYX_ESPACE => "the buffer is too small",
            ffi::ERYX_EABI => "the library speaks another ABI version",
            ffi::ERYX_EPANIC => "a fault in the library",
            ffi::ERYX_ECLOSED => "the library was shut down, or not yet prepared",
            ffi::ERYX_ESYSTEM => "the operating system refused: too many open files?",
            ffi::ERYX_EFORK => {
                "eryx was used before fork() and cannot be used in the child process: start processes by exec, or use eryx \
                 for the first time after the fork"
            }
            _ => "the call failed",
        };
        write!(f, "{text} (status {})", self.0)
    }
}

impl std::error::Error for Status {}

/// The library. There is one per process; it is opened on first use and never closed.
#[derive(Debug)]
pub struct Library {
    pub(crate) functions: Functions,
}

static LIBRARY: OnceLock<Result<Library, LoadError>> = OnceLock::new();

impl Library {
    /// The library, opened on first use.
    ///
    /// # Errors
    /// [`LoadError`] when it is not found or lacks a function; the same one each time.
    pub fn get() -> Result<&'static Library, LoadError> {
        let opened = LIBRARY.get_or_init(|| find_functions().map(|functions| Library { functions }));
        opened.as_ref().map_err(Clone::clone)
    }

    /// The library's version, such as `0.1.0`.
    pub fn version(&self) -> &'static str {
        // SAFETY: the text is static and ends in NUL.
        let text = unsafe { CStr::from_ptr((self.functions.eryx_version)()) };
        text.to_str().unwrap_or("?")
    }

    /// The ABI version that the library speaks.
    pub fn abi_version(&self) -> u32 {
        // SAFETY: takes nothing.
        unsafe { (self.functions.eryx_abi_version)() }
    }

    /// Prepares the library; `config` is a MessagePack map, or empty. Later calls do nothing.
    ///
    /// # Errors
    /// As `eryx_init`.
    pub fn init(&self, config: &[u8]) -> Result<(), Status> {
        // SAFETY: the bytes are borrowed for the call.
        let status = unsafe { (self.functions.eryx_init)(ffi::ABI_VERSION, config.as_ptr(), config.len()) };
        Status::check(status).map(drop)
    }

    /// Begins an operation whose outcome nobody wants, such as closing.
    ///
    /// # Errors
    /// As `eryx_submit`.
    pub fn submit(&self, message: &[u8]) -> Result<u64, Status> {
        self.submit_to(0, message)
    }

    pub(crate) fn submit_to(&self, queue: u64, message: &[u8]) -> Result<u64, Status> {
        let mut request = 0;
        // SAFETY: the bytes are borrowed for the call, and the id is written to a variable that lives.
        let status = unsafe { (self.functions.eryx_submit)(queue, message.as_ptr(), message.len(), &mut request) };
        Status::check(status).map(|_| request)
    }

    /// Ends a request early; one that has ended is ignored.
    pub fn cancel(&self, request: u64) {
        // SAFETY: takes an id; one that means nothing is refused.
        unsafe { (self.functions.eryx_cancel)(request) };
    }

    /// Answers calls: a MessagePack array of answers.
    ///
    /// # Errors
    /// As `eryx_complete`.
    pub fn complete(&self, answers: &[u8]) -> Result<(), Status> {
        // SAFETY: the bytes are borrowed for the call.
        Status::check(unsafe { (self.functions.eryx_complete)(answers.as_ptr(), answers.len()) }).map(drop)
    }

    /// Adds `SA_ONSTACK` to the process's signal handlers, which tokio's lack. Call it after installing handlers.
    ///
    /// # Errors
    /// [`Status`] in a forked child.
    pub fn fix_signals(&self) -> Result<(), Status> {
        // SAFETY: takes nothing.
        Status::check(unsafe { (self.functions.eryx_fix_signals)() }).map(drop)
    }

    /// Closes everything and waits up to `timeout_ms` for what still runs; whether nothing is left.
    ///
    /// # Errors
    /// As `eryx_shutdown`.
    pub fn shutdown(&self, timeout_ms: i32) -> Result<bool, Status> {
        // SAFETY: takes a number.
        let status = Status::check(unsafe { (self.functions.eryx_shutdown)(timeout_ms) })?;
        Ok(status == ffi::ERYX_OK)
    }
}

fn find_functions() -> Result<Functions, LoadError> {
    crate::find::functions()
}
